/** Product photo -> the scenes that hold the product: object search against whole-image search, recall at ten. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openDetectors, readDetectorSet, readUnited } from '../../detection/detector-set.ts';
import { reasonOf, ServiceError } from '../../errors.ts';
import { codeOf, fitBinarizer } from '../../features/binarize.ts';
import { openConvNet } from '../../features/convnet.ts';
import { hammingAt } from '../../math/bits.ts';
import { activationSample, type Figure, type FoundScenes, sceneRecall } from '../../search/crop-evaluation.ts';
import { type Box, withMargin } from '../../vision/box.ts';
import type { InferencePool } from '../../vision/inference-pool.ts';
import { activeNet } from '../../vision/net-folder.ts';
import type { JobInput } from '../job.ts';

/** A product's photo and the scenes that hold it, paths relative to the file. */
interface ProductRow {
  readonly image: string;
  readonly scenes: readonly string[];
}

interface SceneFigures {
  readonly products: number;
  readonly scenes: number;
  readonly sceneObjects: number;
  readonly recall10: {
    /** By the margin around each crop, a share of its sides. */
    readonly objectSearch: Readonly<Record<string, Figure>>;
    readonly both: Readonly<Record<string, Figure>>;
    readonly wholeImageSearch: Figure;
    readonly chance: number;
  };
}

interface Described {
  /** Row in the list of images it was cut from. */
  readonly of: number;
  readonly code: Uint32Array;
}

const AT_ONCE = 32;
const SCENES_ASKED = 10;

/** What is indexed of the scenes. */
interface SceneCrops {
  /** Least score of a detection. */
  readonly scoreMin: number;
  /** Shares of a crop's sides that are added around it, each tried. */
  readonly margins: readonly number[];
}

/** Reads `{image, scenes}` lines, describes everything once, and asks by every product's whole photo. */
export async function productScenes(
  file: string,
  { scoreMin, margins }: SceneCrops,
  pool: InferencePool,
  input: JobInput,
): Promise<SceneFigures> {
  const products = readProducts(file);
  const scenes = [...new Set(products.flatMap((row) => row.scenes))].sort();
  const folder = dirname(file);
  const boxes = await boxesOf(
    scenes.map((scene) => join(folder, scene)),
    scoreMin,
    pool,
    input,
  );
  const regions = [
    ...products.map(({ image }, of) => ({ kind: 'product', of, file: join(folder, image), box: null })),
    ...scenes.map((scene, of) => ({ kind: 'scene', of, file: join(folder, scene), box: null })),
    ...margins.flatMap((margin) =>
      scenes.flatMap((scene, of) =>
        boxes[of].boxes.map((box) => ({
          kind: `object ${margin}`,
          of,
          file: join(folder, scene),
          box: withMargin(box, margin, boxes[of]),
        })),
      ),
    ),
  ];
  const described = await describeRegions(regions, pool, input);
  const of = (kind: string): readonly Described[] => described.filter((row) => row.kind === kind);
  const wholes = of('scene');
  const byMargin = (among: (objects: readonly Described[]) => readonly Described[]): Record<string, Figure> =>
    Object.fromEntries(margins.map((margin) => [margin, ask(among(of(`object ${margin}`)))]));
  const truth = products.map((row) => new Set(row.scenes.map((scene) => scenes.indexOf(scene))));
  const ask = (among: readonly Described[]): Figure =>
    sceneRecall(
      of('product').map((query): FoundScenes => ({ photo: query.of, found: nearestScenes(query.code, among), scenes: truth[query.of] })),
    );
  const chance =
    truth.reduce((sum, held) => sum + Math.min(1, (SCENES_ASKED * held.size) / scenes.length / Math.min(SCENES_ASKED, held.size)), 0) /
    products.length;
  return {
    products: products.length,
    scenes: scenes.length,
    sceneObjects: of(`object ${margins[0]}`).length,
    recall10: {
      objectSearch: byMargin((objects) => objects),
      both: byMargin((objects) => [...wholes, ...objects]),
      wholeImageSearch: ask(wholes),
      chance,
    },
  };
}

function readProducts(file: string): readonly ProductRow[] {
  if (!existsSync(file))
    throw new ServiceError('CATALOG_FILE_UNREADABLE', { file, format: 'product scenes', reason: 'there is no such file' });
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '');
  return lines.map((line, at) => {
    try {
      const { image, scenes } = JSON.parse(line) as ProductRow;
      if (typeof image !== 'string' || !Array.isArray(scenes) || scenes.length === 0) throw new TypeError('expected image and scenes');
      return { image, scenes };
    } catch (error) {
      throw new ServiceError(
        'CATALOG_FILE_UNREADABLE',
        { file, format: 'product scenes', reason: `line ${at + 1}: ${reasonOf(error)}` },
        error,
      );
    }
  });
}

interface SceneBoxes {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly Box[];
}

/** What the detectors see in each scene. */
async function boxesOf(
  files: readonly string[],
  scoreMin: number,
  pool: InferencePool,
  { dataFolder, progress, signal }: JobInput,
): Promise<readonly SceneBoxes[]> {
  const detectors = openDetectors(readDetectorSet(dataFolder), pool);
  const all: SceneBoxes[] = [];
  progress.start('detect in scenes', files.length);
  for (let from = 0; from < files.length; from += AT_ONCE) {
    if (signal.aborted) throw new ServiceError('JOB_STOPPED');
    const found = await detectors.detect(files.slice(from, from + AT_ONCE).map((file) => readFileSync(file)));
    for (const one of found) {
      const { width, height, detections } = one.ok ? one.found : { width: 0, height: 0, detections: [] };
      all.push({ width, height, boxes: readUnited(detections, detectors.set, () => scoreMin).map(({ box }) => box) });
    }
    progress.update(all.length);
  }
  progress.stop();
  return all;
}

interface Region {
  /** product, scene, or an object with its margin. */
  readonly kind: string;
  readonly of: number;
  readonly file: string;
  readonly box: Box | null;
}

async function describeRegions(
  regions: readonly Region[],
  pool: InferencePool,
  { dataFolder, progress, signal }: JobInput,
): Promise<readonly (Described & Region)[]> {
  const net = await openConvNet(activeNet(dataFolder, 'visual'), pool);
  const kept: Region[] = [];
  const vectors: Float32Array[] = [];
  progress.start('describe', regions.length);
  for (let from = 0; from < regions.length; from += AT_ONCE) {
    if (signal.aborted) throw new ServiceError('JOB_STOPPED');
    const part = regions.slice(from, from + AT_ONCE);
    const found = await net.embed(part.map(({ file, box }) => ({ bytes: readFileSync(file), ...(box ? { box } : {}) })));
    for (const [i, one] of found.entries()) {
      if (!one.ok) continue;
      kept.push(part[i]);
      vectors.push(one.fc6);
    }
    progress.update(from + part.length);
  }
  progress.stop();
  const binarizer = fitBinarizer(net.features.rule, net.features.fc6Length, activationSample(vectors));
  return kept.map((region, i) => ({ ...region, code: codeOf(binarizer, vectors[i]) }));
}

/** Scenes by their nearest region, each once. */
function nearestScenes(code: Uint32Array, among: readonly Described[]): readonly number[] {
  const best = new Map<number, number>();
  for (const row of among) {
    const distance = hammingAt(code, 0, row.code, 0, code.length);
    if (distance < (best.get(row.of) ?? Number.POSITIVE_INFINITY)) best.set(row.of, distance);
  }
  return [...best]
    .sort((a, b) => a[1] - b[1] || a[0] - b[0])
    .slice(0, SCENES_ASKED)
    .map(([scene]) => scene);
}
