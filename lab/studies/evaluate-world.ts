/** How well the service sees the demo world: near-duplicate groups, dominant objects and boxes against the world's truth. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { loadPinColumns, type PinColumns } from '../../src/catalog/pins/pin-columns.ts';
import { meanAveragePrecision } from '../../src/detection/average-precision.ts';
import { type DetectionReader, dominantAgreement, type EvaluatedImage, judged } from '../../src/detection/detector-evaluation.ts';
import { ServiceError } from '../../src/errors.ts';
import { boxIou } from '../../src/vision/box.ts';
import { defineJob, type JobInput } from '../../src/jobs/job.ts';
import { type DetectorSet, readDetectorSet, readUnited } from '../../src/detection/detector-set.ts';
import { labelWord } from '../../src/detection/label-words.ts';
import { openSetDetections } from '../../src/detection/set-detections.ts';

export const job = defineJob({
  name: 'evaluate-world',
  summary: 'near-duplicate groups, dominant objects and boxes of a demo world against its truth',
  examples: ['npm run lab -- evaluate-world --data var --json'],
  options: [],
  run: async (input) => evaluateWorld(input),
});

/** Found and true share of something countable. */
interface Figures {
  readonly precision: number;
  readonly recall: number;
  readonly found: number;
  readonly real: number;
}

function evaluateWorld({ config, dataFolder }: JobInput): Readonly<Record<string, unknown>> {
  const folder = join(dataFolder, 'world');
  if (!existsSync(join(folder, 'objects.jsonl')))
    throw new ServiceError('NOTHING_TO_DO', { reason: `${dataFolder} holds no demo world; run demo first.` });
  const catalog = openCatalog(dataFolder, { synchronous: config.synchronous });
  try {
    const pins = loadPinColumns(catalog);
    return { nearDuplicates: nearDuplicateFigures(pins, folder), ...objectFigures(dataFolder, pins, folder, config) };
  } finally {
    catalog.close();
  }
}

const linesOf = <T>(file: string): T[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);

/** Over pairs: of the pairs put into one group, how many belong together, and the other way round. */
function nearDuplicateFigures(pins: PinColumns, folder: string): Figures {
  const truth = new Map<number, number>();
  linesOf<{ pins: string[] }>(join(folder, 'near-duplicates.jsonl')).forEach(({ pins: ids }, group) => {
    for (const id of ids) truth.set(pins.indexOf(id), group);
  });
  const members = new Map<number, number[]>();
  for (let pin = 0; pin < pins.count; pin++) members.set(pins.group[pin], [...(members.get(pins.group[pin]) ?? []), pin]);
  let found = 0;
  let hits = 0;
  for (const group of members.values()) {
    for (let i = 0; i < group.length; i++)
      for (let j = 0; j < i; j++) {
        found++;
        const mine = truth.get(group[i]);
        if (mine !== undefined && mine === truth.get(group[j])) hits++;
      }
  }
  const sizes = new Map<number, number>();
  for (const group of truth.values()) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  const real = [...sizes.values()].reduce((sum, size) => sum + (size * (size - 1)) / 2, 0);
  return { precision: share(hits, found), recall: share(hits, real), found, real };
}

const share = (count: number, of: number): number => (of === 0 ? 1 : count / of);

interface ObjectLine {
  readonly photo: string;
  readonly width: number;
  readonly height: number;
  readonly objects: EvaluatedImage['truth'];
}

function objectFigures(dataFolder: string, pins: PinColumns, folder: string, config: JobInput['config']): Record<string, unknown> {
  const set = readDetectorSet(dataFolder);
  const store = openSetDetections(dataFolder, set);
  try {
    const images = linesOf<ObjectLine>(join(folder, 'objects.jsonl')).flatMap(({ photo, width, height, objects }): EvaluatedImage[] => {
      const found = store.read(pins.indexOf(basename(photo, '.jpg')));
      const truth = objects.map((object) => ({ ...object, label: labelWord(object.label) }));
      return found ? [{ width, height, detections: found.detections, truth }] : [];
    });
    const read: DetectionReader = (detections, scoreMin) => readUnited(detections, set, () => scoreMin);
    const dominance = { scoreMin: config.objectScoreMin, areaMin: config.dominantAreaMin, ownScoreMin: config.dominantScoreMin };
    return {
      detectors: set.detectors.map(({ name }) => name),
      images: images.length,
      dominantObjects: dominantAgreement(images, { read, scoreThreshold: dominance.scoreMin, dominance }),
      boxes: { mapAt50: meanAveragePrecision(judged(images, read), 0.5), at50: boxFigures(images, set) },
    };
  } finally {
    store.close();
  }
}

/** Boxes over their detector's threshold with the right label and IoU 0.5, each true box found once. */
function boxFigures(images: readonly EvaluatedImage[], set: DetectorSet): Figures {
  let [found, real, hits] = [0, 0, 0];
  for (const image of images) {
    const left = new Set(image.truth);
    real += image.truth.length;
    for (const { label, box } of readUnited(image.detections, set)) {
      found++;
      const match = [...left]
        .filter((object) => object.label === label && boxIou(object.box, box) >= 0.5)
        .sort((a, b) => boxIou(b.box, box) - boxIou(a.box, box))[0];
      if (match && left.delete(match)) hits++;
    }
  }
  return { precision: share(hits, found), recall: share(hits, real), found, real };
}
