/**
 * Measures the visual search on photos with true boxes: how precise crops are against whole images, whether an object finds
 * the scenes that hold its like, and which dots the search's own confidence rightly takes away (the paper's Table 5).
 */
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { counted } from '../../counted.ts';
import { ExactIndex } from '../../candidates/visual/exact-index.ts';
import { openCatalog } from '../../catalog/pins/catalog-store.ts';
import { loadPinColumns } from '../../catalog/pins/pin-columns.ts';
import { type PinRecord, readPin } from '../../catalog/pins/records.ts';
import type { Detection } from '../../detection/detection.ts';
import { openDetectors, readDetectorSet, readUnited } from '../../detection/detector-set.ts';
import type { ImageSize } from '../../detection/dominant-object.ts';
import { CROP_MARGIN } from '../../features/crop-margin.ts';
import { labelWord } from '../../detection/label-words.ts';
import { isRightDetection, objectsInPixels, readTrueObjects, type TrueImage, type TrueObject } from '../../detection/true-objects.ts';
import { ServiceError } from '../../errors.ts';
import { type Binarizer, codeOf, fitBinarizer } from '../../features/binarize.ts';
import { allocateCodeTable } from '../../features/code-table.ts';
import { openConvNet } from '../../features/convnet.ts';
import { intervalText } from '../../math/bootstrap.ts';
import { mixedSeed } from '../../math/random.ts';
import { annotationIdf } from '../../search/annotation-terms.ts';
import {
  activationSample,
  dotSweeps,
  dotTable,
  type PhotoDot,
  precisionAtRanks,
  type FoundScenes,
  meanInterval,
  scenePrecision,
} from '../../search/crop-evaluation.ts';
import { visualSearch } from '../../search/flashlight.ts';
import { dotSignals, type DotSources } from '../../search/object-dots.ts';
import { ObjectIndex } from '../../search/object-index.ts';
import { type Box, boxArea, boxIou, withMargin } from '../../vision/box.ts';
import { openPool, type InferencePool } from '../../vision/inference-pool.ts';
import { activeNet } from '../../vision/net-folder.ts';
import { blendByKind } from './evaluate-blend.ts';
import { classFolders } from '../nets/evaluate-class-folders.ts';
import { productScenes } from './evaluate-product-scenes.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';

const FLAGS = flags([
  { flag: '--truth <path>', meaning: 'objects.jsonl or a YOLO folder (default: the demo world of the data folder)' },
  {
    flag: '--held-out <share>',
    meaning: 'share of photos that ask, chosen by hash; the rest is indexed',
    kind: 'number',
    default: 0.25,
  },
  {
    flag: '--recall <share>',
    meaning: 'right dots that must stay when thresholds are fitted',
    kind: 'number',
    default: 0.9,
  },
  { flag: '--limit <n>', meaning: 'the first n photos only', kind: 'integer' },
  { flag: '--scenes <file>', meaning: 'instead: {image, scenes} lines; recall of the scenes that hold each product' },
  { flag: '--classes <folder>', meaning: 'instead: photos in class folders; precision of whole photos and of crops' },
  { flag: '--blend <n>', meaning: 'instead: what Lens blends for n pictures of the catalogue, by kind of query', kind: 'integer' },
  {
    flag: '--margins <shares>',
    meaning: 'with --scenes: shares of a crop’s sides added around it, each tried (default: 0,0.1,0.25)',
    kind: 'list',
  },
  { flag: '--margin <share>', meaning: 'share of a crop’s sides that is added around it', kind: 'number', default: CROP_MARGIN },
  { flag: '--score <least>', meaning: 'with --scenes: detections that are indexed', kind: 'number', default: 0.2 },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'evaluate-visual-search',
  summary: 'precision of crops, scenes found by objects, and which dots the search believes in, on photos with true boxes',
  examples: [
    'related-pins evaluate-visual-search --data ./var',
    'related-pins evaluate-visual-search --truth fashion/objects.jsonl --held-out 0.25 --json',
    'related-pins evaluate-visual-search --scenes rooms.jsonl',
    'related-pins evaluate-visual-search --blend 300',
  ],
  options: FLAGS,
  run: evaluateVisualSearch,
  describe: (receipt) => ('precision' in receipt ? describe(receipt as Receipt) : figureLines(receipt)),
});

/** The receipts of --scenes and --classes, a figure a line. */
function figureLines(receipt: Readonly<Record<string, unknown>>): string[] {
  const text = (value: unknown): string =>
    typeof value === 'object' && value !== null && 'low' in value
      ? shownValue(value as Value)
      : typeof value === 'object' && value !== null
        ? Object.entries(value)
            .map(([name, inner]) => `${name} ${text(inner)}`)
            .join('  ')
        : String(value);
  return Object.entries(receipt).map(([name, value]) => `${name.padEnd(14)} ${text(value)}`);
}

const shownValue = ({ value, ...interval }: Value): string => `${value.toFixed(3)} ${intervalText(interval, 3)}`;

/** One region of one photo: a true box, a detection, or (box null) the whole. */
interface Region {
  readonly photo: number;
  readonly label: string;
  readonly box: Box | null;
  /** What the detector said. */
  readonly found?: Detection;
}

/** Detections that ask, whatever their detector states. */
const LEAST_SCORE = 0.2;
/** The label of a detection that meets no true box: no indexed crop has it, so all that it finds is wrong. */
const MEETS_NOTHING = '';

/** The label of the true box that a detection overlaps most, at IoU 0.5 or more. */
function labelOfMetBox(box: Box, objects: readonly TrueObject[]): string {
  let best: { readonly label: string; readonly overlap: number } = { label: MEETS_NOTHING, overlap: 0.5 };
  for (const object of objects) {
    const overlap = boxIou(object.box, box);
    if (overlap >= best.overlap) best = { label: object.label, overlap };
  }
  return best.label;
}

interface Coded extends Region {
  readonly code: Uint32Array;
}

async function evaluateVisualSearch(input: Input) {
  const { scenes, classes, score, blend } = input.options;
  if (typeof scenes === 'string')
    return withPool(input, async (pool) => ({
      ...(await productScenes(scenes, { scoreMin: Number(score), margins: marginsOf(input) }, pool, input)),
    }));
  if (typeof classes === 'string') return withPool(input, async (pool) => ({ ...(await classFolders(classes, pool, input)) }));
  if (typeof blend === 'number') return withPool(input, (pool) => blendByKind(blend, pool, input));
  return withPool(input, (pool) => evaluateTruth(pool, input));
}

function marginsOf({ options }: Input): readonly number[] {
  const given = options.margins ?? [];
  const margins = given.length === 0 ? [0, 0.1, 0.25] : given.map(Number);
  if (margins.every((margin) => margin >= 0 && margin <= 1)) return margins;
  throw new ServiceError('JOB_USAGE', { reason: `--margins are shares within 0..1, not ${given.join(', ')}` });
}

async function withPool<T>({ config }: Input, work: (pool: InferencePool) => Promise<T>): Promise<T> {
  const pool = openPool(config, { workers: availableParallelism() });
  try {
    return await work(pool);
  } finally {
    await pool.close();
  }
}

async function evaluateTruth(pool: InferencePool, input: Input) {
  const { options } = input;
  const photos = truthOf(input);
  const asks = photos.map(({ file }) => (mixedSeed(7, basename(file)) >>> 0) / 2 ** 32 < options.heldOut);
  const seen = await describePhotos(photos, asks, pool, input);
  const index = indexOf(seen.trueCrops.filter(({ photo }) => !asks[photo]));
  const held = (regions: readonly Coded[]): readonly Coded[] => regions.filter(({ photo }) => asks[photo]);
  const dots = await dotsOf(held(seen.detections), seen.truth, index.sources);
  return {
    photos: photos.length,
    queries: asks.filter(Boolean).length,
    indexedCrops: index.labels.length,
    precision: {
      wholeImages: await precisionAtRanks(held(seen.wholes), index.scan, index.labels),
      trueBoxes: await precisionAtRanks(held(seen.trueCrops), index.scan, index.labels),
      detectedBoxes: await precisionAtRanks(held(seen.detections), index.scan, index.labels),
    },
    objectToScene: await sceneFigures(seen, asks),
    dots: {
      detections: dots.length,
      right: dots.filter((dot) => dot.right).length,
      recallAsked: options.recall,
      table: dotTable(dots, options.recall),
      sweeps: dotSweeps(dots),
    },
  };
}

function truthOf({ options, dataFolder }: Input): readonly TrueImage[] {
  const path = typeof options.truth === 'string' ? options.truth : join(dataFolder, 'world', 'objects.jsonl');
  if (!existsSync(path)) {
    throw new ServiceError('NOTHING_TO_DO', {
      reason: `there is no ${path}: run demo first, or name photos with --truth`,
    });
  }
  const photos = readTrueObjects(path).filter((image) => image.objects.length > 0 && existsSync(image.file));
  return typeof options.limit === 'number' ? photos.slice(0, options.limit) : photos;
}

interface Described {
  readonly truth: readonly (readonly TrueObject[])[];
  readonly wholes: readonly Coded[];
  readonly trueCrops: readonly Coded[];
  readonly detections: readonly Coded[];
}

/** Detects and describes every photo, its true crops and (on photos that ask) its detections. */
async function describePhotos(
  photos: readonly TrueImage[],
  asks: readonly boolean[],
  pool: InferencePool,
  input: Input,
): Promise<Described> {
  const detectors = openDetectors(readDetectorSet(input.dataFolder), pool);
  const net = await openConvNet(activeNet(input.dataFolder, 'visual'), pool);
  const known = new Set(detectors.set.detectors.flatMap(({ net: { manifest } }) => (manifest.labels ?? []).map(labelWord)));
  const truth: (readonly TrueObject[])[] = [];
  const regions: Region[] = [];
  const vectors: Float32Array[] = [];
  const step = Math.max(1, Math.floor(pool.appetite / 6));
  const margin = input.options.margin ?? CROP_MARGIN;
  input.progress.start('describe photos', photos.length);
  for (let from = 0; from < photos.length; from += step) {
    if (input.signal.aborted) throw new ServiceError('JOB_STOPPED');
    const part = photos.slice(from, from + step).map(({ file }) => readFileSync(file));
    const found = await detectors.detect(part);
    const asked: { region: Region; bytes: Uint8Array; size: ImageSize }[] = [];
    for (const [i, bytes] of part.entries()) {
      const outcome = found[i];
      const photo = from + i;
      const given = outcome.ok ? objectsInPixels(photos[photo], outcome.found.width, outcome.found.height) : [];
      const objects = given.map((object) => ({ ...object, label: labelWord(object.label) }));
      truth[photo] = objects;
      if (!outcome.ok) continue;
      const boxes = asks[photo] ? readUnited(outcome.found.detections, detectors.set, () => LEAST_SCORE) : [];
      for (const region of regionsOf(photo, objects, boxes, known)) asked.push({ region, bytes, size: outcome.found });
    }
    const embedded = await net.embed(
      asked.map(({ region: { box }, bytes, size }) => (box ? { bytes, box: withMargin(box, margin, size) } : { bytes })),
    );
    for (const [i, one] of embedded.entries()) {
      if (!one.ok) continue;
      regions.push(asked[i].region);
      vectors.push(one.fc6);
    }
    input.progress.update(from + part.length);
  }
  input.progress.stop();
  const coded = codedRegions(regions, vectors, fitBinarizer(net.features.rule, net.features.fc6Length, activationSample(vectors)));
  return { truth, ...coded };
}

/** The whole photo under the label of its largest object, its true boxes, its detections under the label of the true box that they meet. */
function regionsOf(photo: number, objects: readonly TrueObject[], boxes: readonly Detection[], known: ReadonlySet<string>): Region[] {
  if (objects.length === 0) return [];
  const largest = objects.reduce((a, b) => (boxArea(b.box) > boxArea(a.box) ? b : a));
  return [
    { photo, label: largest.label, box: null },
    ...objects.filter(({ label }) => known.has(label)).map(({ label, box }) => ({ photo, label, box })),
    ...boxes.map((found) => ({ photo, label: labelOfMetBox(found.box, objects), box: found.box, found })),
  ];
}

function codedRegions(regions: readonly Region[], vectors: readonly Float32Array[], binarizer: Binarizer): Omit<Described, 'truth'> {
  const coded = regions.map((region, i): Coded => ({ ...region, code: codeOf(binarizer, vectors[i]) }));
  return {
    wholes: coded.filter(({ box }) => box === null),
    trueCrops: coded.filter(({ box, found }) => box !== null && found === undefined),
    detections: coded.filter(({ found }) => found !== undefined),
  };
}

/** An index of crops, each a pin whose label is its category and its annotation. */
function indexOf(crops: readonly Coded[]): {
  scan: ExactIndex;
  labels: readonly string[];
  sources: DotSources;
} {
  const catalog = openCatalog(':memory:');
  const records = crops.map(
    ({ label }, i) => readPin({ id: String(i), annotations: { [label]: 1 }, categories: { [label]: 1 } }, 0) as PinRecord,
  );
  catalog.pins.upsert(records);
  catalog.deriveCategories();
  const columns = loadPinColumns(catalog);
  catalog.close();
  const scan = scanOver(crops.map(({ code }) => code));
  const bits = (crops[0]?.code.length ?? 1) * 32;
  const objects = new ObjectIndex(bits, Math.max(1, crops.length));
  for (const [pinIndex, { label, box, code }] of crops.entries())
    objects.setPin(pinIndex, [{ pinIndex, label, score: 1, box: box as Box, code }]);
  return {
    scan,
    labels: crops.map(({ label }) => label),
    sources: { columns, index: scan, bits, idf: annotationIdf(columns), objects },
  };
}

function scanOver(codes: readonly Uint32Array[]): ExactIndex {
  const words = codes[0]?.length ?? 1;
  const table = allocateCodeTable(words * 32, Math.max(1, codes.length));
  for (const [row, code] of codes.entries()) {
    table.codes.set(code, row * words);
    table.has[row] = 1;
  }
  return new ExactIndex(table);
}

/** Every detection with the signals of its search; right if it meets a true box of its label at IoU 0.5. */
async function dotsOf(detections: readonly Coded[], truth: Described['truth'], sources: DotSources): Promise<PhotoDot[]> {
  const dots: PhotoDot[] = [];
  for (const { photo, found, code } of detections) {
    const { label, score } = found as Detection;
    const signals = dotSignals({ label, code, pinIndex: -1 }, await visualSearch({ code, pinIndex: -1 }, {}, sources), sources);
    const right = isRightDetection(found as Detection, truth[photo]);
    dots.push({ photo, score, signals, right });
  }
  return dots;
}

/**
 * Object -> scene by label: a held-out crop asks; right are indexed scenes (two or more objects) that hold any object of its label.
 * Object search looks among the scenes' crops, whole-image search among the scenes themselves. Chance draws scenes blindly: where most
 * scenes hold a shoe, most answers to a shoe are right by chance.
 */
async function sceneFigures({ truth, wholes, trueCrops }: Described, asks: readonly boolean[]) {
  const isScene = (photo: number): boolean => !asks[photo] && truth[photo].length >= 2;
  const crops = trueCrops.filter(({ photo }) => isScene(photo));
  const scenes = wholes.filter(({ photo }) => isScene(photo));
  const holding = (label: string) => new Set(crops.filter((crop) => crop.label === label).map((crop) => crop.photo));
  const queries = trueCrops.filter(({ photo, label }) => asks[photo] && holding(label).size > 0);
  const figure = async (rows: readonly Coded[]) => {
    const scan = scanOver(rows.map(({ code }) => code));
    const found: FoundScenes[] = queries.map(({ photo, label, code }) => {
      const { pinIndexes } = scan.search(code, 100);
      const photos = [...new Set([...pinIndexes].map((row) => rows[row].photo))];
      return {
        photo,
        found: photos,
        scenes: holding(label),
      };
    });
    return scenePrecision(found);
  };
  if (scenes.length === 0) return { queries: 0, scenes: 0 };
  return {
    queries: queries.length,
    scenes: scenes.length,
    precision10ByLabel: {
      objectSearch: await figure(crops),
      wholeImageSearch: await figure(scenes),
      chance: meanInterval(queries.map(({ photo, label }) => ({ photo, value: holding(label).size / scenes.length }))),
    },
  };
}

type Value = { readonly value: number; readonly low: number; readonly high: number };
interface Receipt {
  readonly photos: number;
  readonly queries: number;
  readonly indexedCrops: number;
  readonly precision: Readonly<Record<string, { readonly p1: Value; readonly p5: Value; readonly p10: Value; readonly queries: number }>>;
  readonly objectToScene: {
    readonly precision10ByLabel?: { readonly objectSearch: Value; readonly wholeImageSearch: Value; readonly chance: Value };
  };
  readonly dots: {
    readonly detections: number;
    readonly right: number;
    readonly table: readonly {
      readonly signals: readonly string[];
      readonly falseRemoved: Value;
      readonly recall: Value;
      readonly overScore: Value;
    }[];
  };
}

function describe({ photos, queries, indexedCrops, precision, objectToScene, dots }: Receipt): string[] {
  const shown = shownValue;
  return [
    `${counted(photos, 'photo')}, ${queries} ask, ${counted(indexedCrops, 'crop')} indexed`,
    ...Object.entries(precision).map(
      ([name, row]) => `${name.padEnd(14)} P@1 ${shown(row.p1)}  P@5 ${shown(row.p5)}  P@10 ${shown(row.p10)}`,
    ),
    ...(objectToScene.precision10ByLabel
      ? [
          `object to scene, P@10 by label: ${Object.entries(objectToScene.precision10ByLabel)
            .map(([name, value]) => `${name} ${shown(value)}`)
            .join('  ')}`,
        ]
      : []),
    `dots: ${counted(dots.detections, 'detection')}, ${dots.right} right; thresholds fitted on one half of the photos, judged on the other`,
    ...dots.table.map(
      ({ signals, falseRemoved, recall, overScore }) =>
        `  ${signals.join(' + ').padEnd(42)} false removed ${shown(falseRemoved)}  right kept ${shown(recall)}  over the detector alone ${shown(overScore)}`,
    ),
  ];
}
