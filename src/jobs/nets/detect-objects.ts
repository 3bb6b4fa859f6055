/** Finds the objects in every pin's image with every detector, and describes the dominant one's crop as the whole image is described. */
import { availableParallelism } from 'node:os';
import { counted } from '../../counted.ts';
import { openCatalog } from '../../catalog/pins/catalog-store.ts';
import { fetchImage, imageFetching, type ImageFetchOptions, isPassing } from '../../catalog/pins/image-fetch.ts';
import type { PinImage } from '../../catalog/pins/pin-store.ts';
import type { Config } from '../../config.ts';
import type { DominanceRules } from '../../detection/dominant-object.ts';
import { ServiceError } from '../../errors.ts';
import { openFeatureStore } from '../../features/feature-store.ts';
import { activeNet } from '../../vision/net-folder.ts';
import { openPool, type InferencePool } from '../../vision/inference-pool.ts';
import { partsAhead } from '../../vision/parts-ahead.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';
import type { DetectionRow, DetectionStore } from '../../detection/detection-store.ts';
import { type DetectorSet, readDetectorSet } from '../../detection/detector-set.ts';
import { type Detector, openDetector } from '../../detection/detector.ts';
import { openSetDetections, type SetDetections } from '../../detection/set-detections.ts';
import { describeDominantCrops } from './object-crops.ts';

const FLAGS = flags([
  { flag: '--workers <n>', meaning: 'inference threads (default: one per core)', kind: 'integer' },
  { flag: '--detectors <names>', meaning: 'only these, by the names of their folders (default: all)', kind: 'list' },
  { flag: '--no-crops', meaning: 'leave the features of dominant objects alone' },
  { flag: '--retry-failed', meaning: 'look again at images that were refused before' },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'detect-objects',
  summary: 'finds the objects in every image, and the features of each dominant object’s crop',
  examples: [
    'related-pins detect-objects',
    'related-pins detect-objects --data ./var --workers 4 --json',
    'related-pins detect-objects --detectors everyday',
    'related-pins detect-objects --retry-failed   # a server of images was away',
    'RELATED_PINS_DOMINANT_AREA_MIN=0.4 related-pins detect-objects   # crops are made again, the detector rests',
  ],
  options: FLAGS,
  alone: () => true,
  run: detectObjects,
  describe: (receipt) => describe(receipt),
});

async function detectObjects(input: Input) {
  const { config, dataFolder, options } = input;
  const catalog = openCatalog(dataFolder, { synchronous: config.synchronous });
  const pool = openPool(config, { workers: options.workers ?? availableParallelism() });
  try {
    const set = readDetectorSet(dataFolder);
    if (set.detectors.length === 0) throw new ServiceError('NOTHING_TO_DO', { reason: 'Every detector is switched off.' });
    const chosen = chosenDetectors(set, options.detectors);
    const images = [...catalog.pins.images()];
    if (images.length === 0) throw new ServiceError('NOTHING_TO_DO', { reason: 'No pin has an image; import-catalog comes first.' });
    const detections = openSetDetections(dataFolder, set, { synchronous: config.synchronous });
    try {
      const detectors: Pass[] = [];
      for (const { name, net } of chosen) {
        const detector = openDetector(net.folder, pool);
        detectors.push({ name, ...(await detectImages(detector, detections.of(name), images, pool.appetite, input)) });
      }
      const crops = options.crops === false ? null : await cropPass(detections, set, images, pool, input);
      return { ...summed(detectors), detectors, crops, provider: pool.provider };
    } finally {
      detections.close();
    }
  } finally {
    await pool.close();
    catalog.close();
  }
}

/** Those named by --detectors; all without it. */
function chosenDetectors({ detectors }: DetectorSet, names: unknown): DetectorSet['detectors'] {
  if (!Array.isArray(names) || names.length === 0) return detectors;
  const known = detectors.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(String(name)));
  if (unknown !== undefined)
    throw new ServiceError('JOB_USAGE', { reason: `--detectors are of ${known.join(', ')}, not ${String(unknown)}` });
  return detectors.filter(({ name }) => names.includes(name));
}

/** What one detector did. */
interface Pass {
  readonly name: string;
  readonly read: number;
  readonly written: number;
  readonly unchanged: number;
  readonly detections: number;
  readonly refused: Readonly<Record<string, number>>;
}

/** Images of all passes: written by any, refused by the pass that refused most. */
function summed(passes: readonly Pass[]): Omit<Pass, 'name'> {
  const most = (of: (pass: Pass) => number): number => Math.max(...passes.map(of));
  const failures = ({ refused }: Pass): number => Object.values(refused).reduce((sum, count) => sum + count, 0);
  const worst = passes.reduce((a, b) => (failures(b) > failures(a) ? b : a));
  return {
    read: most(({ read }) => read),
    written: most(({ written }) => written),
    unchanged: Math.min(...passes.map(({ unchanged }) => unchanged)),
    detections: passes.reduce((sum, { detections }) => sum + detections, 0),
    refused: worst.refused,
  };
}

/** Runs one detector on images it has not seen in their present version. Written part by part: a stop loses one part. */
async function detectImages(
  detector: Detector,
  detections: DetectionStore,
  images: readonly PinImage[],
  appetite: number,
  { config, dataFolder, options, progress, signal }: Input,
) {
  const seen = detections.versionsSeen({ refused: options.retryFailed !== true });
  const needed = images.filter(({ pinIndex, imageVersion }) => seen.get(pinIndex) !== imageVersion);
  const refused: Record<string, number> = {};
  let objects = 0;
  progress.start('detect', needed.length);
  let done = 0;
  const look = (part: readonly PinImage[]): Promise<DetectionRow[]> => detectPart(detector, part, imageFetching(config, dataFolder));
  for await (const { found: rows } of partsAhead(needed, Math.ceil(appetite / 2), look, signal)) {
    for (const { failure, found } of rows) {
      if (failure !== null) refused[failure] = (refused[failure] ?? 0) + 1;
      objects += found?.detections.length ?? 0;
    }
    detections.write(rows);
    done += rows.length;
    progress.update(done);
  }
  progress.stop();
  if (signal.aborted) throw new ServiceError('JOB_STOPPED');
  const failed = Object.values(refused).reduce((sum, count) => sum + count, 0);
  const read = images.length;
  return { read, written: done - failed, postponed: needed.length - done, unchanged: read - needed.length, detections: objects, refused };
}

async function detectPart(detector: Detector, part: readonly PinImage[], options: ImageFetchOptions): Promise<DetectionRow[]> {
  const fetched = await Promise.all(part.map(({ image }) => bytesOrRefusal(image, options)));
  const bytes = fetched.filter((one): one is Uint8Array => one !== null && typeof one !== 'string');
  const outcomes = await detector.detect(bytes);
  let next = 0;
  return part.flatMap(({ pinIndex, imageVersion }, i): DetectionRow | DetectionRow[] => {
    const fetchedOne = fetched[i];
    if (fetchedOne === null) return [];
    if (typeof fetchedOne === 'string') return { pinIndex, imageVersion, found: null, failure: fetchedOne };
    const outcome = outcomes[next++];
    return outcome.ok
      ? { pinIndex, imageVersion, found: outcome.found, failure: null }
      : { pinIndex, imageVersion, found: null, failure: outcome.code };
  });
}

/** An image's bytes, the code of its refusal, or null where a later run is to ask again. */
export async function bytesOrRefusal(image: string, options: ImageFetchOptions): Promise<Uint8Array | string | null> {
  try {
    return await fetchImage(image, options);
  } catch (error) {
    if (isPassing(error)) return null;
    if (error instanceof ServiceError) return error.code;
    throw error;
  }
}

function dominanceOf(config: Config): DominanceRules {
  return { scoreMin: config.objectScoreMin, areaMin: config.dominantAreaMin, ownScoreMin: config.dominantScoreMin };
}

async function cropPass(detections: SetDetections, set: DetectorSet, images: readonly PinImage[], pool: InferencePool, input: Input) {
  const { config, dataFolder } = input;
  const store = openFeatureStore(dataFolder, { synchronous: config.synchronous });
  try {
    return await describeDominantCrops({
      netFolder: activeNet(dataFolder, 'visual'),
      images: new Map(images.map((image) => [image.pinIndex, image])),
      detections,
      set,
      dominance: dominanceOf(config),
      store,
      pool,
      fetch: imageFetching(config, dataFolder),
      retryFailed: input.options.retryFailed === true,
      progress: input.progress,
      signal: input.signal,
    });
  } finally {
    store.close();
  }
}

interface Receipt {
  readonly detectors: readonly Pass[];
  readonly crops: {
    readonly dominant: number;
    readonly written: number;
    readonly unchanged: number;
    readonly note?: string;
  } | null;
}

function describe({ detectors, crops }: Receipt): string[] {
  return [
    ...detectors.flatMap(({ name, read, written, unchanged, refused }) => {
      const reasons = Object.entries(refused).map(([reason, count]) => `${reason} ${count}`);
      const line = `${name}: ${counted(read, 'image')}, ${written} looked at, ${unchanged} unchanged`;
      return reasons.length > 0 ? [line, `  refused: ${reasons.join(', ')}`] : [line];
    }),
    ...(crops
      ? [`${crops.dominant} have a dominant object, ${counted(crops.written, 'crop')} described, ${crops.unchanged} unchanged`]
      : []),
    ...(crops?.note ? [crops.note] : []),
  ];
}
