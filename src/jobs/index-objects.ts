/** Describes the crop of every detected object, searches by it once, and keeps both: object search and dots are then at hand. */
import { availableParallelism } from 'node:os';
import { ExactIndex } from '../candidates/exact-index.ts';
import { type CatalogStore, openCatalog } from '../catalog/catalog-store.ts';
import { fetchImage } from '../catalog/image-fetch.ts';
import { loadPinColumns, siteCategories } from '../catalog/pin-columns.ts';
import type { PinImage } from '../catalog/pin-store.ts';
import type { Detection } from '../detection/detection.ts';
import { openDetectionStore } from '../detection/detection-store.ts';
import { readingRules } from '../detection/detector.ts';
import { readDetections } from '../detection/suppression.ts';
import { ServiceError } from '../errors.ts';
import { codeOf } from '../features/binarize.ts';
import { openConvNet } from '../features/convnet.ts';
import { netKeyOf, openFeatureStore } from '../features/feature-store.ts';
import { openFeatures } from '../features/resident-features.ts';
import { annotationIdf } from '../search/annotation-terms.ts';
import { visualSearch, type VisualSearchSources } from '../search/flashlight.ts';
import { dotSignals } from '../search/object-dots.ts';
import { openObjectStore, type PinObjectsRow, type StoredObject } from '../search/object-store.ts';
import { InferencePool } from '../vision/inference-pool.ts';
import { activeNet } from '../vision/net-folder.ts';
import { readNet } from '../vision/net-manifest.ts';
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
    { flag: '--anew', meaning: 'all pins again: what searches say changes as the catalogue grows' },
    { flag: '--workers <n>', meaning: 'inference threads (default: one per core)', kind: 'integer' },
  ],
  run: indexObjects,
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
      const columns = loadPinColumns(catalog, siteCategories(config.categories));
      const sources = {
        columns,
        index: new ExactIndex(visual.image),
        bits: visual.image.bits,
        idf: annotationIdf(columns),
      };
      const states = options.anew ? new Map<number, string>() : store.states();
      const { wanted, read } = wantedPins(catalog, detector, states, input);
      let objects = 0;
      let refused = 0;
      input.progress.start('index objects', wanted.length);
      const step = Math.max(1, Math.floor(pool.appetite / 4));
      for (let from = 0; from < wanted.length; from += step) {
        if (input.signal.aborted) throw new ServiceError('JOB_STOPPED');
        const part = wanted.slice(from, from + step);
        const crops = await cropsOf(part, input);
        const embedded = await net.embed(crops.map(({ bytes, object }) => ({ bytes, box: object.box })));
        const byPin = new Map<number, StoredObject[]>();
        for (const [i, { pinIndex, object }] of crops.entries()) {
          const one = embedded[i];
          if (!one.ok) {
            refused++;
            continue;
          }
          const code = codeOf(binarizer, one.fc6);
          byPin.set(pinIndex, [
            ...(byPin.get(pinIndex) ?? []),
            { ...object, code, signals: await signalsOf(code, pinIndex, sources) },
          ]);
          objects++;
        }
        store.put(
          part.map(
            ({ image, state }): PinObjectsRow => ({
              pinIndex: image.pinIndex,
              state,
              objects: byPin.get(image.pinIndex) ?? [],
            }),
          ),
        );
        input.progress.update(from + part.length);
      }
      input.progress.stop();
      return { read, written: wanted.length, unchanged: read - wanted.length, objects, refused };
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

interface Wanted {
  readonly image: PinImage;
  readonly objects: readonly Detection[];
  readonly state: string;
}

/** Pins whose objects are not those indexed. */
function wantedPins(
  catalog: CatalogStore,
  detector: ReturnType<typeof readNet>,
  states: ReadonlyMap<number, string>,
  { dataFolder, config }: JobInput,
): { wanted: Wanted[]; read: number } {
  const images = new Map([...catalog.pins.images()].map((image) => [image.pinIndex, image]));
  const detections = openDetectionStore(dataFolder, detector, { synchronous: config.synchronous });
  const wanted: Wanted[] = [];
  let read = 0;
  try {
    for (const { pinIndex, found } of detections.all()) {
      const image = images.get(pinIndex);
      if (!image) continue;
      read++;
      const objects = readDetections(found.detections, readingRules(detector.manifest)).slice(0, MOST_PER_PIN);
      const state = JSON.stringify([image.imageVersion, objects.map(({ label, box }) => [label, box])]);
      if (states.get(pinIndex) !== state) wanted.push({ image, objects, state });
    }
  } finally {
    detections.close();
  }
  if (read === 0)
    throw new ServiceError('NOTHING_TO_DO', {
      reason: 'No image was looked at by the active detector; detect-objects comes first.',
    });
  return { wanted, read };
}

/** The crops of some pins; an image that cannot be read now gives none. */
async function cropsOf(part: readonly Wanted[], { config, dataFolder }: JobInput) {
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

async function signalsOf(code: Uint32Array, pinIndex: number, sources: VisualSearchSources) {
  return dotSignals(await visualSearch({ code, pinIndex }, {}, sources), sources);
}
