/** Describes the crop of every detected object, searches by it once, and keeps both: object search and dots are then at hand. */
import { availableParallelism } from 'node:os';
import { ExactIndex } from '../candidates/exact-index.ts';
import { type CatalogStore, openCatalog } from '../catalog/catalog-store.ts';
import { fetchImage } from '../catalog/image-fetch.ts';
import { loadPinColumns, siteCategories } from '../catalog/pin-columns.ts';
import type { PinImage } from '../catalog/pin-store.ts';
import type { Config } from '../config.ts';
import type { Detection } from '../detection/detection.ts';
import { openDetectionStore } from '../detection/detection-store.ts';
import { readingRules } from '../detection/detector.ts';
import { readDetections } from '../detection/suppression.ts';
import { ServiceError } from '../errors.ts';
import { type Binarizer, codeOf } from '../features/binarize.ts';
import { type ConvNet, openConvNet } from '../features/convnet.ts';
import { netKeyOf, openFeatureStore } from '../features/feature-store.ts';
import { openFeatures } from '../features/resident-features.ts';
import type { VisualFeatures } from '../features/visual-features.ts';
import { annotationIdf } from '../search/annotation-terms.ts';
import { visualSearch } from '../search/flashlight.ts';
import { labelCategories } from '../search/label-categories.ts';
import { dotSignals, type DotSources } from '../search/object-dots.ts';
import { type ObjectStore, openObjectStore, type PinObjectsRow, REMOVED, type StoredObject } from '../search/object-store.ts';
import { InferencePool } from '../vision/inference-pool.ts';
import { activeNet } from '../vision/net-folder.ts';
import { type Net, readNet } from '../vision/net-manifest.ts';
import type { ProviderChoice } from '../vision/onnx-session.ts';
import { fetchOptions } from './detect-objects.ts';
import type { Job, JobInput } from './job.ts';

/** Objects indexed per pin, surest first. */
const MOST_PER_PIN = 10;

export const job: Job = {
  name: 'index-objects',
  summary: 'describes every detected object’s crop, and what a search by it says: object search and dots',
  examples: [
    'related-pins index-objects',
    'related-pins index-objects --anew --json   # after the catalogue has grown',
  ],
  options: [
    { flag: '--anew', meaning: 'search again by every stored crop: what searches say changes as the catalogue grows' },
    { flag: '--workers <n>', meaning: 'inference threads (default: one per core)', kind: 'integer' },
  ],
  alone: () => true,
  run: indexObjects,
  describe: ({ read, written, unchanged, removed, objects, refused }) => [
    `${read} pictures: ${written} written, ${unchanged} unchanged, ${removed} gone; ${objects} objects searched by, ${refused} refused`,
  ],
};

async function indexObjects(input: JobInput): Promise<Readonly<Record<string, unknown>>> {
  const { config, dataFolder, options } = input;
  const { synchronous } = config;
  const catalog = openCatalog(dataFolder, { synchronous });
  const features = openFeatureStore(dataFolder, { synchronous });
  const pool = new InferencePool({
    workers: (options.workers as number | undefined) ?? availableParallelism(),
    provider: config.executionProvider as ProviderChoice,
    limits: { bytes: config.uploadLimitBytes, pixels: config.imagePixelLimit },
  });
  try {
    const net = await openConvNet(activeNet(dataFolder, 'visual'), pool);
    const binarizer = features.binarizer(features.netIdOf(net.features));
    if (!binarizer)
      throw new ServiceError('NOTHING_TO_DO', {
        reason: 'No image was read by the active net; extract-features comes first.',
      });
    const visual = openFeatures(dataFolder, features, net.features, 0);
    const detector = readNet(activeNet(dataFolder, 'detector'));
    const store = openObjectStore(dataFolder, netKeyOf(net.features), detector.digest, { synchronous });
    try {
      const found = foundObjects(catalog, detector, input);
      const sources = sourcesOf(catalog, visual, found, config);
      const states = store.states();
      const removed = forgetGone(store, states, found);
      const wanted = found.filter(({ image, state }) => states.get(image.pinIndex) !== state);
      const standing = new Set(found.map(({ image }) => image.pinIndex).filter((pinIndex) => states.has(pinIndex)));
      for (const { image } of wanted) standing.delete(image.pinIndex);
      const judged = options.anew ? await judgeAnew(standing, store, sources, input) : { pins: 0, objects: 0 };
      const described = await describeObjects(wanted, { net, binarizer, store, sources, pool }, input);
      const written = judged.pins + wanted.length;
      const { objects, refused } = described;
      return { read: found.length, written, unchanged: found.length - written, removed, objects: objects + judged.objects, refused };
    } finally {
      store.close();
      visual.close();
    }
  } finally {
    await pool.close();
    features.close();
    catalog.close();
  }
}

/** What dots are judged by: a search among the catalogue's whole images. */
function sourcesOf(catalog: CatalogStore, { image }: VisualFeatures, found: readonly Found[], config: Config): DotSources {
  const columns = loadPinColumns(catalog, siteCategories(config.categories));
  const labelled = found.map((row) => ({ pinIndex: row.image.pinIndex, labels: row.objects.map(({ label }) => label) }));
  const belonging = labelCategories(labelled, columns);
  return { columns, index: new ExactIndex(image), bits: image.bits, idf: annotationIdf(columns), labelCategories: belonging };
}

interface Found {
  readonly image: PinImage;
  readonly objects: readonly Detection[];
  readonly state: string;
}

/** The objects of every picture that the active detector has looked at. */
function foundObjects(catalog: CatalogStore, detector: Net, { dataFolder, config }: JobInput): readonly Found[] {
  const images = new Map([...catalog.pins.images()].map((image) => [image.pinIndex, image]));
  const detections = openDetectionStore(dataFolder, detector, { synchronous: config.synchronous });
  const all: Found[] = [];
  try {
    for (const { pinIndex, found } of detections.all()) {
      const image = images.get(pinIndex);
      if (!image) continue;
      const objects = readDetections(found.detections, readingRules(detector.manifest)).slice(0, MOST_PER_PIN);
      all.push({ image, objects, state: stateOf(image.imageVersion, objects) });
    }
  } finally {
    detections.close();
  }
  if (all.length === 0)
    throw new ServiceError('NOTHING_TO_DO', {
      reason: 'No image was looked at by the active detector; detect-objects comes first.',
    });
  return all;
}

function stateOf(imageVersion: number, objects: readonly Detection[]): string {
  return JSON.stringify([imageVersion, objects.map(({ label, box }) => [label, box])]);
}

/** Empties the rows of pins that were removed or lost their picture; returns how many. */
function forgetGone(store: ObjectStore, states: ReadonlyMap<number, string>, found: readonly Found[]): number {
  const there = new Set(found.map(({ image }) => image.pinIndex));
  const gone = [...states].filter(([pinIndex, state]) => state !== REMOVED && !there.has(pinIndex));
  store.put(gone.map(([pinIndex]) => ({ pinIndex, state: REMOVED, objects: [] })));
  return gone.length;
}

/** Searches again by stored codes; no net runs. */
async function judgeAnew(pins: ReadonlySet<number>, store: ObjectStore, sources: DotSources, input: JobInput) {
  input.progress.start('search by crops', pins.size);
  let objects = 0;
  let done = 0;
  for (const pinIndex of pins) {
    if (input.signal.aborted) throw new ServiceError('JOB_STOPPED');
    const row = store.read(pinIndex) as PinObjectsRow;
    const judged: StoredObject[] = [];
    for (const object of row.objects) judged.push({ ...object, signals: await signalsOf(object, object.code, pinIndex, sources) });
    store.put([{ ...row, objects: judged }]);
    objects += judged.length;
    input.progress.update(++done);
  }
  input.progress.stop();
  return { pins: pins.size, objects };
}

interface Describing {
  readonly net: ConvNet;
  readonly binarizer: Binarizer;
  readonly store: ObjectStore;
  readonly sources: DotSources;
  readonly pool: InferencePool;
}

/** Runs the net over the crops of each picture and keeps codes and signals, part by part: a stop loses one part. */
async function describeObjects(wanted: readonly Found[], { net, binarizer, store, sources, pool }: Describing, input: JobInput) {
  let objects = 0;
  let refused = 0;
  input.progress.start('index objects', wanted.length);
  const step = Math.max(1, Math.floor(pool.appetite / 4));
  for (let from = 0; from < wanted.length; from += step) {
    if (input.signal.aborted) throw new ServiceError('JOB_STOPPED');
    const part = wanted.slice(from, from + step);
    const crops = await cropsOf(part, input);
    const embedded = await net.embed(crops.map(({ bytes, object }) => ({ bytes, box: object.box })));
    const byPin = new Map<number, StoredObject[]>(part.map(({ image }) => [image.pinIndex, []]));
    for (const [i, { pinIndex, object }] of crops.entries()) {
      const one = embedded[i];
      if (!one.ok) refused++;
      else {
        const code = codeOf(binarizer, one.fc6);
        byPin.get(pinIndex)?.push({ ...object, code, signals: await signalsOf(object, code, pinIndex, sources) });
        objects++;
      }
    }
    store.put(part.map(({ image, state }) => ({ pinIndex: image.pinIndex, state, objects: byPin.get(image.pinIndex) ?? [] })));
    input.progress.update(from + part.length);
  }
  input.progress.stop();
  return { objects, refused };
}

/** The crops of some pins; an image that cannot be read now gives none. */
async function cropsOf(part: readonly Found[], { config, dataFolder }: JobInput) {
  const crops: { pinIndex: number; object: Detection; bytes: Uint8Array }[] = [];
  for (const { image, objects } of part) {
    if (objects.length === 0) continue;
    const bytes = await fetchImage(image.image, fetchOptions(config, dataFolder)).catch((error: unknown) => {
      if (error instanceof ServiceError) return null;
      throw error;
    });
    if (bytes) for (const object of objects) crops.push({ pinIndex: image.pinIndex, object, bytes });
  }
  return crops;
}

async function signalsOf({ label }: Detection, code: Uint32Array, pinIndex: number, sources: DotSources) {
  return dotSignals(label, await visualSearch({ code, pinIndex }, {}, sources), sources);
}
