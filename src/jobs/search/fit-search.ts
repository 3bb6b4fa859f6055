/**
 * Fits what the visual search asks of itself: the thresholds of object dots on pictures whose true boxes are known, and the
 * distance up to which two pictures show the same product on altered copies of the catalogue's own.
 */
import { join, resolve } from 'node:path';
import { existsSync } from 'node:fs';
import { ExactIndex } from '../../candidates/visual/exact-index.ts';
import { type CatalogStore, openCatalog } from '../../catalog/pins/catalog-store.ts';
import { imageLocation } from '../../catalog/pins/image-reference.ts';
import { loadPinColumns, type PinColumns, siteCategories } from '../../catalog/pins/pin-columns.ts';
import { readTrueObjects, type TrueObject } from '../../detection/true-objects.ts';
import { reasonOf, ServiceError } from '../../errors.ts';
import { codeOf } from '../../features/binarize.ts';
import { type ConvNet, openConvNet } from '../../features/convnet.ts';
import { netKeyOf, openFeatureStore } from '../../features/feature-store.ts';
import { openFeatures } from '../../features/resident-features.ts';
import { mixedSeed, seededRandom } from '../../math/random.ts';
import type { PhotoDot } from '../../search/crop-evaluation.ts';
import { dotOutcome, fitDotThresholds, type Knob } from '../../search/dot-thresholds.ts';
import { type ExactProductRule, fitExactProduct, judgeExactProduct, type KnownPair } from '../../search/exact-product.ts';
import { DOT_SIGNALS } from '../../search/object-dots.ts';
import { type ObjectStore, openObjectStore } from '../../search/object-store.ts';
import { type SearchThresholds, THRESHOLDS_FILE, writeThresholds } from '../../search/search-thresholds.ts';
import { boxIou } from '../../vision/box.ts';
import { cropJpeg, measureImage, thumbnail } from '../../vision/image-tensor.ts';
import { InferencePool } from '../../vision/inference-pool.ts';
import { activeNet } from '../../vision/net-folder.ts';
import { readNet } from '../../vision/net-manifest.ts';
import { bytesOrRefusal, fetchOptions } from '../nets/detect-objects.ts';
import type { Job, JobInput } from '../job.ts';

const KNOBS: readonly Knob[] = ['score', ...DOT_SIGNALS];

export const job: Job = {
  name: 'fit-search',
  summary: 'fits the thresholds of object dots on true boxes, and the exact-product distance on altered copies',
  examples: [
    'related-pins fit-search',
    'related-pins fit-search --truth objects.jsonl --recall 0.95 --json',
    'related-pins fit-search --knobs score,conformity --seed 3',
  ],
  options: [
    { flag: '--truth <path>', meaning: 'objects.jsonl or a YOLO folder of catalogue images (default: the demo world of the data folder)' },
    { flag: '--recall <share>', meaning: 'right dots that must stay', kind: 'number', default: 0.9 },
    { flag: '--knobs <names>', meaning: `which to fit, of ${KNOBS.join(', ')} (default: all)`, kind: 'list' },
    { flag: '--precision <share>', meaning: 'share of exact-product answers that must be right', kind: 'number', default: 0.95 },
    { flag: '--products <n>', meaning: 'pictures whose altered copies are searched for', kind: 'integer', default: 300 },
    { flag: '--seed <n>', meaning: 'which pictures, and which half is fitted on', kind: 'integer', default: 1 },
    { flag: '--out <file>', meaning: 'where the thresholds go (default: search-thresholds.json in the data folder)' },
  ],
  alone: () => true,
  run: fitSearch,
  describe: (receipt) => describe(receipt as unknown as SearchThresholds & { file: string }),
};

async function fitSearch(input: JobInput): Promise<Readonly<Record<string, unknown>>> {
  const { config, dataFolder, options } = input;
  const { synchronous } = config;
  const catalog = openCatalog(dataFolder, { synchronous });
  const features = openFeatureStore(dataFolder, { synchronous });
  const pool = new InferencePool({
    provider: config.executionProvider,
    limits: { bytes: config.uploadLimitBytes, pixels: config.imagePixelLimit },
  });
  try {
    const net = await openConvNet(activeNet(dataFolder, 'visual'), pool);
    const detector = readNet(activeNet(dataFolder, 'detector'));
    const columns = loadPinColumns(catalog, siteCategories(config.categories));
    const store = openObjectStore(dataFolder, netKeyOf(net.features), detector.digest, { synchronous });
    const visual = openFeatures(dataFolder, features, net.features, 0);
    const binarizer = features.binarizer(features.netIdOf(net.features));
    if (!binarizer)
      throw new ServiceError('NOTHING_TO_DO', { reason: 'No image was read by the active net; extract-features comes first.' });
    try {
      const search = new ExactIndex(visual.image);
      const nearest = (fc6: Float32Array) => search.search(codeOf(binarizer, fc6), NEAREST);
      const thresholds: SearchThresholds = {
        format: 1,
        at: new Date().toISOString(),
        seed: Number(options.seed),
        net: net.features.digest,
        detector: detector.digest,
        dots: fitDots(catalog, columns, store, input),
        exactProduct: await fitExact(catalog, columns, net, nearest, input),
      };
      const file = typeof options.out === 'string' ? options.out : join(dataFolder, THRESHOLDS_FILE);
      writeThresholds(file, thresholds);
      return { ...thresholds, file };
    } finally {
      visual.close();
      store.close();
    }
  } finally {
    await pool.close();
    features.close();
    catalog.close();
  }
}

/** Dots of one half of the pictures fit, the other half judges; near-duplicates stay in one half. Null without truth. */
function fitDots(
  catalog: CatalogStore,
  columns: PinColumns,
  store: ObjectStore,
  { options, dataFolder }: JobInput,
): SearchThresholds['dots'] {
  const truth = typeof options.truth === 'string' ? options.truth : join(dataFolder, 'world', 'objects.jsonl');
  if (!existsSync(truth)) return null;
  const dots = knownDots(catalog, columns, store, dataFolder, truth);
  if (dots.length === 0)
    throw new ServiceError('NOTHING_TO_DO', { reason: `No indexed object lies on a picture of ${truth}; index-objects comes first.` });
  const recall = Number(options.recall);
  const fitted = (dot: PhotoDot): boolean => halfOf(dot.photo, Number(options.seed)) === 0;
  const thresholds = fitDotThresholds(dots.filter(fitted), knobsOf(options.knobs), recall);
  if (!thresholds) return null;
  const { shown: _, ...judged } = dotOutcome(
    dots.filter((dot) => !fitted(dot)),
    thresholds,
  );
  const photos = new Set(dots.map(({ photo }) => photo)).size;
  return {
    thresholds,
    truth: basenameOf(truth),
    photos,
    dots: dots.length,
    rightDots: dots.filter(({ right }) => right).length,
    recallAsked: recall,
    judged,
  };
}

function knobsOf(given: unknown): readonly Knob[] {
  if (!Array.isArray(given) || given.length === 0) return KNOBS;
  const unknown = given.find((name) => !KNOBS.some((knob) => knob === name));
  if (unknown !== undefined) throw new ServiceError('JOB_USAGE', { reason: `--knobs are of ${KNOBS.join(', ')}, not ${String(unknown)}` });
  return given as readonly Knob[];
}

/** The last two parts of a path say what truth it was; where it lay on this machine is nobody's concern. */
function basenameOf(path: string): string {
  return resolve(path).split(/[\\/]/).slice(-2).join('/');
}

function halfOf(group: number, seed: number): number {
  return mixedSeed(seed, String(group)) & 1;
}

/** Every indexed object of a picture with truth; right if it meets a true box of its label at IoU 0.5. */
function knownDots(catalog: CatalogStore, columns: PinColumns, store: ObjectStore, dataFolder: string, truth: string): readonly PhotoDot[] {
  const objectsOf = new Map<string, readonly TrueObject[]>(readTrueObjects(truth).map(({ file, objects }) => [resolve(file), objects]));
  const dots: PhotoDot[] = [];
  for (const { pinIndex, image } of catalog.pins.images()) {
    const objects = objectsOf.get(imageLocation(image, dataFolder));
    if (!objects) continue;
    for (const { label, score, box, signals } of store.read(pinIndex)?.objects ?? []) {
      const right = objects.some((object) => object.label === label && boxIou(object.box, box) >= 0.5);
      dots.push({ photo: columns.group[pinIndex], score, signals, right });
    }
  }
  return dots;
}

/** Neighbours of a copy that are looked at. */
const NEAREST = 5;
const AT_ONCE = 16;

type Nearest = (fc6: Float32Array) => { readonly pinIndexes: Int32Array; readonly distances: Float64Array };

/** Copies of some pictures ask; a neighbour is the same product if it is the picture itself or of its near-duplicate group. */
async function fitExact(
  catalog: CatalogStore,
  columns: PinColumns,
  net: ConvNet,
  nearest: Nearest,
  input: JobInput,
): Promise<SearchThresholds['exactProduct']> {
  const { options, config, dataFolder, progress, signal } = input;
  const seed = Number(options.seed);
  const chosen = seededRandom(seed)
    .shuffled([...catalog.pins.images()])
    .slice(0, Number(options.products));
  const pairs: readonly KnownPair[][] = [[], []];
  let queries = 0;
  progress.start('search by copies', chosen.length);
  for (let from = 0; from < chosen.length; from += AT_ONCE) {
    if (signal.aborted) throw new ServiceError('JOB_STOPPED');
    for (const { pinIndex, image } of chosen.slice(from, from + AT_ONCE)) {
      const bytes = await bytesOrRefusal(image, fetchOptions(config, dataFolder));
      if (typeof bytes === 'string') continue;
      const group = columns.group[pinIndex];
      for (const copy of await net.embed((await alteredCopies(bytes)).map((each) => ({ bytes: each })))) {
        if (!copy.ok) continue;
        queries++;
        const { pinIndexes, distances } = nearest(copy.fc6);
        for (let n = 0; n < pinIndexes.length; n++)
          pairs[halfOf(group, seed)].push({ distance: distances[n], same: columns.group[pinIndexes[n]] === group });
      }
    }
    progress.update(Math.min(chosen.length, from + AT_ONCE));
  }
  progress.stop();
  const precisionAsked = Number(options.precision);
  const rule: ExactProductRule | null = fitExactProduct(pairs[0], precisionAsked);
  if (!rule) return null;
  return {
    ...judgeExactProduct(pairs[1], rule.distanceMax),
    truth: 'copies: half size, a twentieth and a tenth cut off each side',
    queries,
    precisionAsked,
  };
}

/** A picture as it comes back: smaller, and cut off as a hand would. */
async function alteredCopies(bytes: Uint8Array): Promise<readonly Uint8Array[]> {
  try {
    const { width, height } = await measureImage(bytes);
    const cut = (share: number): Promise<Uint8Array> =>
      cropJpeg(bytes, [width * share, height * share, width * (1 - share), height * (1 - share)], 1024);
    return [await thumbnail(bytes, Math.max(16, Math.round(width / 2))), await cut(0.05), await cut(0.1)];
  } catch (error) {
    if (error instanceof ServiceError) return [];
    throw new TypeError(`altered copies: ${reasonOf(error)}`, { cause: error });
  }
}

function describe({ file, dots, exactProduct }: SearchThresholds & { readonly file: string }): string[] {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  return [
    dots
      ? `dots: ${JSON.stringify(dots.thresholds)}; fitted on half of ${dots.dots} dots, on the other half ${percent(dots.judged.falseRemoved)} of the false are gone, ${percent(dots.judged.recall)} of the right stay`
      : 'dots: no truth, nothing fitted',
    exactProduct
      ? `exact product: up to ${exactProduct.distanceMax} bits; precision ${percent(exactProduct.precision)}, recall ${percent(exactProduct.recall)} on ${exactProduct.pairs} pairs not fitted on`
      : 'exact product: no distance is that precise',
    `written to ${file}; a running server takes it up`,
  ];
}
