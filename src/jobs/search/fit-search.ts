/**
 * Fits what the visual search asks of itself: the thresholds of object dots on pictures whose true boxes are known, and the
 * distance up to which two pictures show the same product on altered copies of the catalogue's own.
 */
import { join, resolve } from 'node:path';
import { existsSync, readFileSync } from 'node:fs';
import { counted } from '../../counted.ts';
import { ExactIndex } from '../../candidates/visual/exact-index.ts';
import { type CatalogStore, openCatalog } from '../../catalog/pins/catalog-store.ts';
import { imageLocation } from '../../catalog/pins/image-reference.ts';
import { loadPinColumns, type PinColumns } from '../../catalog/pins/pin-columns.ts';
import { type DetectorSet, readDetectorSet } from '../../detection/detector-set.ts';
import { labelWord } from '../../detection/label-words.ts';
import { isRightDetection, readTrueObjects, type TrueObject } from '../../detection/true-objects.ts';
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
import { type FittedDots, type SearchThresholds, THRESHOLDS_FILE, writeThresholds } from '../../search/search-thresholds.ts';
import { cropJpeg, measureImage, thumbnail } from '../../vision/image-tensor.ts';
import { openPool } from '../../vision/inference-pool.ts';
import { activeNet } from '../../vision/net-folder.ts';
import { imageFetching } from '../../catalog/pins/image-fetch.ts';
import { bytesOrRefusal } from '../nets/detect-objects.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';

/** Right dots of a detector below which nothing is fitted for it. */
const RIGHT_DOTS_MIN = 40;
const KNOBS: readonly Knob[] = ['score', ...DOT_SIGNALS];

const FLAGS = flags([
  {
    flag: '--truth <path>',
    meaning:
      'objects.jsonl or a YOLO folder of catalogue images; several, each with labels of its own (default: the demo world of the data folder)',
    repeatable: true,
  },
  { flag: '--recall <share>', meaning: 'right dots that must stay', kind: 'number', default: 0.9 },
  { flag: '--knobs <names>', meaning: `which to fit, of ${KNOBS.join(', ')} (default: all)`, kind: 'list' },
  { flag: '--precision <share>', meaning: 'share of exact-product answers that must be right', kind: 'number', default: 0.95 },
  { flag: '--products <n>', meaning: 'pictures whose altered copies are searched for', kind: 'integer', default: 300 },
  { flag: '--seed <n>', meaning: 'which pictures, and which half is fitted on', kind: 'integer', default: 1 },
  { flag: '--out <file>', meaning: 'where the thresholds go (default: search-thresholds.json in the data folder)' },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'fit-search',
  summary: 'fits the thresholds of object dots on true boxes, and the exact-product distance on altered copies',
  examples: [
    'related-pins fit-search',
    'related-pins fit-search --truth objects.jsonl --recall 0.95 --json',
    'related-pins fit-search --knobs score,conformity --seed 3',
  ],
  options: FLAGS,
  alone: () => true,
  run: fitSearch,
  describe: (receipt) => describe(receipt),
});

async function fitSearch(input: Input) {
  const { config, dataFolder, options } = input;
  const { synchronous } = config;
  const catalog = openCatalog(dataFolder, { synchronous });
  const features = openFeatureStore(dataFolder, { synchronous });
  const pool = openPool(config);
  try {
    const net = await openConvNet(activeNet(dataFolder, 'visual'), pool);
    const detectors = readDetectorSet(dataFolder);
    const columns = loadPinColumns(catalog);
    const store = openObjectStore(dataFolder, netKeyOf(net.features), detectors.digest, { synchronous });
    const visual = openFeatures(dataFolder, features, net.features, 0);
    const binarizer = features.binarizer(features.netIdOf(net.features));
    if (!binarizer)
      throw new ServiceError('NOTHING_TO_DO', { reason: 'No image was read by the active net; extract-features comes first.' });
    try {
      const search = new ExactIndex(visual.image);
      const nearest = (fc6: Float32Array) => search.search(codeOf(binarizer, fc6), NEAREST);
      const thresholds: SearchThresholds = {
        format: 2,
        at: new Date().toISOString(),
        seed: options.seed,
        net: net.features.digest,
        dots: fitDots(catalog, columns, store, detectors, input),
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

/** Thresholds for each detector that has right dots enough; those of earlier fits are gone. None without truth. */
function fitDots(
  catalog: CatalogStore,
  columns: PinColumns,
  store: ObjectStore,
  { detectors }: DetectorSet,
  { options, dataFolder }: Input,
): readonly FittedDots[] {
  const given = (options.truth ?? []) as readonly string[];
  const truths = given.length > 0 ? given : [join(dataFolder, 'world', 'objects.jsonl')].filter(existsSync);
  if (truths.length === 0) return [];
  const dots = truths.flatMap((truth) => knownDots(catalog, columns, store, dataFolder, truth));
  if (dots.length === 0)
    throw new ServiceError('NOTHING_TO_DO', {
      reason: `No indexed object lies on a picture of ${truths.join(', ')}; index-objects comes first.`,
    });
  const truth = truths.map(basenameOf).join(', ');
  return detectors.flatMap(({ name, net }): FittedDots[] => {
    const own = dots.filter(({ detector }) => detector === name);
    if (own.filter(({ right }) => right).length < RIGHT_DOTS_MIN) return [];
    const fitted = fittedDots(own, options);
    return fitted ? [{ detector: net.digest, name, truth, ...fitted }] : [];
  });
}

/** Dots of one half of the pictures fit, the other half judges; near-duplicates stay in one half. */
function fittedDots(dots: readonly PhotoDot[], options: Input['options']): Omit<FittedDots, 'detector' | 'name' | 'truth'> | null {
  const recall = options.recall;
  const fitted = (dot: PhotoDot): boolean => halfOf(dot.photo, options.seed) === 0;
  const thresholds = fitDotThresholds(dots.filter(fitted), knobsOf(options.knobs), recall);
  if (!thresholds) return null;
  const { shown: _, ...judged } = dotOutcome(
    dots.filter((dot) => !fitted(dot)),
    thresholds,
  );
  const photos = new Set(dots.map(({ photo }) => photo)).size;
  return {
    thresholds,
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

/** A dot and the detector whose it is. */
interface KnownDot extends PhotoDot {
  readonly detector: string | undefined;
}

/**
 * Every indexed object of a picture with truth; right if it meets a true box of its label at IoU 0.5. Objects whose label the truth
 * never names are left out: it cannot say that they are wrong.
 */
function knownDots(catalog: CatalogStore, columns: PinColumns, store: ObjectStore, dataFolder: string, truth: string): readonly KnownDot[] {
  const objectsOf = new Map<string, readonly TrueObject[]>(readTrueObjects(truth).map(({ file, objects }) => [resolve(file), objects]));
  const named = new Set([...objectsOf.values()].flatMap((objects) => objects.map(({ label }) => labelWord(label))));
  const dots: KnownDot[] = [];
  for (const { pinIndex, image } of catalog.pins.images()) {
    const objects = objectsOf.get(imageLocation(image, dataFolder));
    if (!objects) continue;
    for (const object of store.read(pinIndex)?.objects ?? []) {
      const { label, score, signals, detector } = object;
      if (named.has(label))
        dots.push({ photo: columns.group[pinIndex], score, signals, detector, right: isRightDetection(object, objects) });
    }
  }
  return dots;
}

/** Neighbors of a copy that are looked at. */
const NEAREST = 50;
const AT_ONCE = 16;

type Nearest = (fc6: Float32Array) => { readonly pinIndexes: Int32Array; readonly distances: Float64Array };

/**
 * Copies of some pictures ask. The same product: the picture itself, and where truth names near-duplicates (a demo world's), those. Other
 * pictures that the service itself has grouped with it are left out, because nobody knows better. What is not found at all counts as missed.
 */
async function fitExact(
  catalog: CatalogStore,
  columns: PinColumns,
  net: ConvNet,
  nearest: Nearest,
  input: Input,
): Promise<SearchThresholds['exactProduct']> {
  const { options, config, dataFolder, progress, signal } = input;
  const seed = options.seed;
  const chosen = seededRandom(seed)
    .shuffled([...catalog.pins.images()])
    .slice(0, options.products);
  const known = knownDuplicates(columns, dataFolder);
  const pairs: readonly KnownPair[][] = [[], []];
  const sames = [0, 0];
  let queries = 0;
  progress.start('search by copies', chosen.length);
  for (let from = 0; from < chosen.length; from += AT_ONCE) {
    if (signal.aborted) throw new ServiceError('JOB_STOPPED');
    for (const { pinIndex, image } of chosen.slice(from, from + AT_ONCE)) {
      const bytes = await bytesOrRefusal(image, imageFetching(config, dataFolder));
      if (bytes === null || typeof bytes === 'string') continue;
      const group = columns.group[pinIndex];
      const half = halfOf(group, seed);
      const same = known(pinIndex);
      for (const copy of await net.embed((await alteredCopies(bytes)).map((each) => ({ bytes: each })))) {
        if (!copy.ok) continue;
        queries++;
        sames[half] += same.size;
        const { pinIndexes, distances } = nearest(copy.fc6);
        for (const [n, found] of pinIndexes.entries()) {
          if (same.has(found)) pairs[half].push({ distance: distances[n], same: true });
          else if (columns.group[found] !== group) pairs[half].push({ distance: distances[n], same: false });
        }
      }
    }
    progress.update(Math.min(chosen.length, from + AT_ONCE));
  }
  progress.stop();
  const precisionAsked = options.precision;
  const rule: ExactProductRule | null = fitExactProduct(pairs[0], sames[0], precisionAsked);
  if (!rule) return null;
  return {
    ...judgeExactProduct(pairs[1], sames[1], rule.distanceMax),
    truth: 'copies: half size, a twentieth and a tenth cut off each side',
    queries,
    precisionAsked,
  };
}

/** The pins that show the same thing as a pin, by the truth of a demo world; without truth the pin alone. */
function knownDuplicates(columns: PinColumns, dataFolder: string): (pinIndex: number) => ReadonlySet<number> {
  const file = join(dataFolder, 'world', 'near-duplicates.jsonl');
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
  const groups = lines.map((line) => (JSON.parse(line) as { readonly pins: readonly string[] }).pins.map((id) => columns.indexOf(id)));
  const groupOf = new Map(groups.flatMap((pins) => pins.map((pin) => [pin, new Set(pins)] as const)));
  return (pinIndex) => groupOf.get(pinIndex) ?? new Set([pinIndex]);
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
    ...dots.map(
      (fit) =>
        `dots of ${fit.name}: ${JSON.stringify(fit.thresholds)}; fitted on half of ${counted(fit.dots, 'dot')}, on the other half ${percent(fit.judged.falseRemoved)} of the false are gone, ${percent(fit.judged.recall)} of the right stay`,
    ),
    ...(dots.length === 0 ? ['dots: no truth, or too few right dots; nothing fitted'] : []),
    exactProduct
      ? `exact product: up to ${exactProduct.distanceMax} bits; precision ${percent(exactProduct.precision)}, recall ${percent(exactProduct.recall)} on ${counted(exactProduct.pairs, 'pair')} not fitted on`
      : 'exact product: no distance is that precise',
    `written to ${file}; a running server takes it up`,
  ];
}
