/** Describes the crop of every detected object, searches by it once, and keeps both: object search and dots are then at hand. */
import { availableParallelism } from 'node:os';
import { counted } from '../../counted.ts';
import { ExactIndex } from '../../candidates/visual/exact-index.ts';
import { type CatalogStore, openCatalog } from '../../catalog/pins/catalog-store.ts';
import { fetchImage, imageFetching } from '../../catalog/pins/image-fetch.ts';
import { loadPinColumns } from '../../catalog/pins/pin-columns.ts';
import type { PinImage } from '../../catalog/pins/pin-store.ts';
import type { Config } from '../../config.ts';
import type { Detection } from '../../detection/detection.ts';
import { ServiceError } from '../../errors.ts';
import { type Binarizer, codeOf } from '../../features/binarize.ts';
import { type ConvNet, openConvNet } from '../../features/convnet.ts';
import { type FeatureStore, netKeyOf, openFeatureStore } from '../../features/feature-store.ts';
import { openFeatures } from '../../features/resident-features.ts';
import type { VisualFeatures } from '../../features/visual-features.ts';
import { seenWords } from '../../features/words.ts';
import { annotationIdf } from '../../search/annotation-terms.ts';
import { visualSearch, type VisualSearchSources } from '../../search/flashlight.ts';
import { type DotSignals, dotSignals, type DotSources } from '../../search/object-dots.ts';
import type { ObjectIndex } from '../../search/object-index.ts';
import { type ObjectStore, openObjectStore, type PinObjectsRow, REMOVED, type StoredObject } from '../../search/object-store.ts';
import type { RegionSight } from '../../search/picture.ts';
import { ResidentObjects } from '../../search/resident-objects.ts';
import { openPool, type InferencePool } from '../../vision/inference-pool.ts';
import { activeNet } from '../../vision/net-folder.ts';
import { partsAhead } from '../../vision/parts-ahead.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';
import { type DetectorSet, readDetectorSet, readUnited } from '../../detection/detector-set.ts';
import { openSetDetections } from '../../detection/set-detections.ts';

/** Objects indexed per pin, surest first. */
const MOST_PER_PIN = 10;
const JUDGED_AT_ONCE = 64;
/** The state of a row whose picture could not be read: it holds nothing, and the next run reads the picture again. */
const UNREAD = 'unread';
/** Until a crop is searched by. */
const NOT_JUDGED: DotSignals = { visual: 0, annotation: 0, conformity: null, agreement: null };

const FLAGS = flags([
  { flag: '--anew', meaning: 'search again by every stored crop: what searches say changes as the catalogue grows' },
  { flag: '--workers <n>', meaning: 'inference threads (default: one per core)', kind: 'integer' },
  { flag: '--retry-failed', meaning: 'describe again the objects of pictures some of whose crops were refused before' },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'index-objects',
  summary: 'describes every detected object’s crop, and what a search by it says: object search and dots',
  examples: [
    'related-pins index-objects',
    'related-pins index-objects --anew --json   # after the catalogue has grown',
    'related-pins index-objects --retry-failed',
  ],
  options: FLAGS,
  alone: () => true,
  run: indexObjects,
  describe: ({ read, written, unchanged, unread, removed, objects, refused }) => [
    `${counted(read, 'picture')}: ${written} written, ${unchanged} unchanged, ${unread} not to be read now, ${removed} gone; ${counted(objects, 'object')} searched by, ${refused} refused`,
  ],
});

async function indexObjects(input: Input) {
  const { config, dataFolder, options } = input;
  const { synchronous } = config;
  const catalog = openCatalog(dataFolder, { synchronous });
  const features = openFeatureStore(dataFolder, { synchronous });
  const pool = openPool(config, { workers: options.workers ?? availableParallelism() });
  try {
    const net = await openConvNet(activeNet(dataFolder, 'visual'), pool);
    const binarizer = features.binarizer(features.netIdOf(net.features));
    if (!binarizer)
      throw new ServiceError('NOTHING_TO_DO', {
        reason: 'No image was read by the active net; extract-features comes first.',
      });
    const visual = openFeatures(dataFolder, features, net.features, 0);
    const set = readDetectorSet(dataFolder);
    const store = openObjectStore(dataFolder, netKeyOf(net.features), set.digest, { synchronous });
    try {
      const found = foundObjects(catalog, set, input);
      const states = store.states();
      const removed = forgetGone(store, states, found);
      const isDescribed = ({ image, state }: Found): boolean => [state, unjudged(state)].includes(states.get(image.pinIndex) ?? '');
      const retried = options.retryFailed === true ? (one: Found): boolean => lacksObjects(store, one) : () => false;
      const wanted = found.filter((one) => !isDescribed(one) || retried(one));
      const refused = await describeObjects(wanted, { net, binarizer, store, pool, knownSight: knownSights(features, net, store) }, input);
      const sources = { ...sourcesOf(catalog, visual, config), objects: loadedIndex(store, visual.image.bits) };
      const described = store.states();
      const readable = found.filter(({ image }) => described.get(image.pinIndex) !== UNREAD);
      const written = options.anew ? readable : readable.filter(({ image, state }) => described.get(image.pinIndex) !== state);
      const objects = await judgeObjects(written, store, sources, input);
      const unchanged = readable.length - written.length;
      return { read: found.length, written: written.length, unchanged, unread: found.length - readable.length, removed, objects, refused };
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

function sourcesOf(catalog: CatalogStore, { image }: VisualFeatures, config: Config): VisualSearchSources {
  const columns = loadPinColumns(catalog);
  return { columns, index: new ExactIndex(image), bits: image.bits, idf: annotationIdf(columns) };
}

function loadedIndex(store: ObjectStore, bits: number): ObjectIndex {
  const objects = new ResidentObjects(store, bits);
  while (objects.refresh());
  return objects.index;
}

interface Found {
  readonly image: PinImage;
  readonly objects: readonly Detection[];
  readonly state: string;
}

/** The objects of every picture that a detector has looked at. */
function foundObjects(catalog: CatalogStore, set: DetectorSet, { dataFolder, config }: Input): readonly Found[] {
  const images = new Map([...catalog.pins.images()].map((image) => [image.pinIndex, image]));
  const detections = openSetDetections(dataFolder, set, { synchronous: config.synchronous });
  const all: Found[] = [];
  try {
    for (const { pinIndex, found } of detections.all()) {
      const image = images.get(pinIndex);
      if (!image) continue;
      const objects = readUnited(found.detections, set).slice(0, MOST_PER_PIN);
      all.push({ image, objects, state: stateOf(image.imageVersion, objects) });
    }
  } finally {
    detections.close();
  }
  if (all.length === 0)
    throw new ServiceError('NOTHING_TO_DO', {
      reason: 'No image was looked at by a detector; detect-objects comes first.',
    });
  return all;
}

function stateOf(imageVersion: number, objects: readonly Detection[]): string {
  return JSON.stringify([imageVersion, objects.map(({ label, box }) => [label, box])]);
}

/** Whether a row was made from this version of the image, judged or not. */
function isOfVersion(state: string, imageVersion: number): boolean {
  return [`[${imageVersion},`, unjudged(`[${imageVersion},`)].some((start) => state.startsWith(start));
}

/** The state of a row whose crops are described but not searched by yet. */
function unjudged(state: string): string {
  return `unjudged ${state}`;
}

/** Whether a row holds fewer objects than were found: the net refused a crop, or (in rows of earlier versions) the picture was away. */
function lacksObjects(store: ObjectStore, { image, objects }: Found): boolean {
  return (store.read(image.pinIndex)?.objects.length ?? 0) < objects.length;
}

/** Empties the rows of pins that were removed or lost their picture; returns how many. */
function forgetGone(store: ObjectStore, states: ReadonlyMap<number, string>, found: readonly Found[]): number {
  const there = new Set(found.map(({ image }) => image.pinIndex));
  const gone = [...states].filter(([pinIndex, state]) => state !== REMOVED && !there.has(pinIndex));
  store.put(gone.map(([pinIndex]) => ({ pinIndex, state: REMOVED, objects: [] })));
  return gone.length;
}

/** Searches by stored codes, of new rows and (again) of old ones; no net runs. Returns the number of objects. */
async function judgeObjects(rows: readonly Found[], store: ObjectStore, sources: DotSources, input: Input): Promise<number> {
  input.progress.start('search by crops', rows.length);
  let objects = 0;
  for (let from = 0; from < rows.length; from += JUDGED_AT_ONCE) {
    if (input.signal.aborted) throw new ServiceError('JOB_STOPPED');
    const judged: PinObjectsRow[] = [];
    for (const { image, state } of rows.slice(from, from + JUDGED_AT_ONCE)) {
      const { pinIndex } = image;
      const row: StoredObject[] = [];
      for (const object of store.read(pinIndex)?.objects ?? [])
        row.push({
          ...object,
          signals: dotSignals({ ...object, pinIndex }, await visualSearch({ code: object.code, pinIndex }, {}, sources), sources),
        });
      judged.push({ pinIndex, state, objects: row });
      objects += row.length;
    }
    store.put(judged);
    input.progress.update(from + judged.length);
  }
  input.progress.stop();
  return objects;
}

interface Describing {
  readonly net: ConvNet;
  readonly binarizer: Binarizer;
  readonly store: ObjectStore;
  readonly pool: InferencePool;
  readonly knownSight: KnownSight;
}

/** What the net made of a crop that was described before: as the dominant object, or under another set of detectors; else null. */
type KnownSight = (image: PinImage, object: Detection) => RegionSight | null;

function knownSights(features: FeatureStore, net: ConvNet, store: ObjectStore): KnownSight {
  const netId = features.netIdOf(net.features);
  let stored: { readonly of: PinImage; readonly sights: ReadonlyMap<string, RegionSight> } | null = null;
  return (image, { box }) => {
    const { pinIndex, imageVersion } = image;
    const row = features.get(netId, 'object', pinIndex);
    if (row?.code && row.imageVersion === imageVersion && row.box === JSON.stringify(box))
      return { code: row.code, words: row.words ?? [] };
    if (stored?.of !== image) stored = { of: image, sights: store.sightsByBox(pinIndex, (state) => isOfVersion(state, imageVersion)) };
    return stored.sights.get(box.join()) ?? null;
  };
}

/**
 * Runs the net over the crops of each picture and keeps their codes, part by part: a stop loses one part. Returns crops refused,
 * those of pictures that could not be read among them.
 */
async function describeObjects(wanted: readonly Found[], describing: Describing, input: Input): Promise<number> {
  const { store, pool } = describing;
  let refused = 0;
  input.progress.start('index objects', wanted.length);
  const step = Math.ceil(pool.appetite / 2);
  let done = 0;
  const look = (part: readonly Found[]): Promise<DescribedPart> => describedCrops(part, describing, input);
  for await (const { part, found } of partsAhead(wanted, step, look, input.signal)) {
    const byPin = new Map<number, StoredObject[]>(part.map(({ image }) => [image.pinIndex, []]));
    for (const { image, object, sight } of found.crops) {
      if (sight !== null) byPin.get(image.pinIndex)?.push({ ...object, ...sight, signals: NOT_JUDGED });
    }
    store.put(
      part.map(({ image: { pinIndex }, state }) => ({
        pinIndex,
        state: found.unread.has(pinIndex) ? UNREAD : unjudged(state),
        objects: byPin.get(pinIndex) ?? [],
      })),
    );
    for (const { image, objects } of part) refused += objects.length - (byPin.get(image.pinIndex)?.length ?? 0);
    done += part.length;
    input.progress.update(done);
  }
  input.progress.stop();
  if (input.signal.aborted) throw new ServiceError('JOB_STOPPED');
  return refused;
}

interface Crop {
  readonly image: PinImage;
  readonly object: Detection;
  readonly bytes: Uint8Array;
  /** Null: not described, or refused. */
  readonly sight: RegionSight | null;
}

interface DescribedPart {
  readonly crops: readonly Crop[];
  /** Pins whose picture could not be read. */
  readonly unread: ReadonlySet<number>;
}

async function describedCrops(part: readonly Found[], { net, binarizer, knownSight }: Describing, input: Input): Promise<DescribedPart> {
  const { crops, unread } = await cropsOf(part, knownSight, input);
  const anew = crops.filter(({ sight }) => sight === null);
  const embedded = await net.embed(anew.map(({ bytes, object }) => ({ bytes, box: object.box })));
  let next = 0;
  const described = crops.map((crop) => {
    if (crop.sight !== null) return crop;
    const one = embedded[next++];
    if (!one.ok) return crop;
    return { ...crop, sight: { code: codeOf(binarizer, one.fc6), words: net.naming ? seenWords(one.fc8, net.naming) : [] } };
  });
  return { crops: described, unread };
}

/** The crops of some pins; an image that cannot be read now gives none. */
async function cropsOf(part: readonly Found[], knownSight: KnownSight, { config, dataFolder }: Input): Promise<DescribedPart> {
  const crops: Crop[] = [];
  const unread = new Set<number>();
  for (const { image, objects } of part) {
    if (objects.length === 0) continue;
    const bytes = await fetchImage(image.image, imageFetching(config, dataFolder)).catch((error: unknown) => {
      if (error instanceof ServiceError) return null;
      throw error;
    });
    if (bytes) for (const object of objects) crops.push({ image, object, bytes, sight: knownSight(image, object) });
    else unread.add(image.pinIndex);
  }
  return { crops, unread };
}
