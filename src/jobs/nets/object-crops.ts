import type { ImageFetchOptions } from '../../catalog/pins/image-fetch.ts';
import { fetchImage } from '../../catalog/pins/image-fetch.ts';
import type { PinImage } from '../../catalog/pins/pin-store.ts';
import type { Detection } from '../../detection/detection.ts';
import type { DominanceRules } from '../../detection/dominant-object.ts';
import { dominantOf } from '../../detection/pin-objects.ts';
import { ServiceError } from '../../errors.ts';
import { type Binarizer, codeOf, unfitted } from '../../features/binarize.ts';
import { classRowOf, type ConvNet, openConvNet } from '../../features/convnet.ts';
import type { FeatureRow, FeatureStore } from '../../features/feature-store.ts';
import { seenWords } from '../../features/words.ts';
import type { Progress } from '../../progress.ts';
import type { InferencePool } from '../../vision/inference-pool.ts';
import { partsAhead } from '../../vision/parts-ahead.ts';
import type { DetectorSet } from '../../detection/detector-set.ts';
import type { SetDetections } from '../../detection/set-detections.ts';

interface CropRequest {
  readonly netFolder: string;
  /** By pinIndex. */
  readonly images: ReadonlyMap<number, PinImage>;
  readonly detections: SetDetections;
  readonly set: DetectorSet;
  readonly dominance: DominanceRules;
  readonly store: FeatureStore;
  readonly pool: InferencePool;
  readonly fetch: ImageFetchOptions;
  /** Look again at crops that were refused before. */
  readonly retryFailed: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

interface CropReceipt {
  /** Pins with a dominant object under the present thresholds. */
  readonly dominant: number;
  readonly written: number;
  readonly unchanged: number;
  readonly refused: number;
  readonly note?: string;
}

interface Wanted {
  readonly image: PinImage;
  readonly object: Detection | null;
}

/**
 * Code and class scores of each dominant object's crop, stored as the pin's `object` features. A crop that stands as it is
 * (same image, same label, same box) is left alone; when thresholds or detections changed it is made again, or taken away.
 */
export async function describeDominantCrops(request: CropRequest): Promise<CropReceipt> {
  const { store, pool, progress, signal } = request;
  const net = await openConvNet(request.netFolder, pool);
  const netId = store.netIdOf(net.features);
  const binarizer = store.binarizer(netId) ?? unfitted(net.features.rule, net.features.fc6Length);
  const { wanted, dominant, unchanged } = outdatedCrops(request, netId);
  if (binarizer === null) {
    const note = `the codes of ${net.net.manifest.name} are not fitted yet: run extract-features, then this again`;
    return { dominant, written: 0, unchanged, refused: 0, note };
  }
  let written = 0;
  let refused = 0;
  progress.start('describe crops', wanted.length);
  let done = 0;
  const look = (part: readonly Wanted[]): Promise<FeatureRow[]> => describedPart(part, net, binarizer, request.fetch);
  for await (const { found: rows } of partsAhead(wanted, Math.ceil(pool.appetite / 2), look, signal)) {
    store.put(netId, 'object', rows);
    refused += rows.filter((row) => row.failure).length;
    written += rows.filter((row) => row.code).length;
    done += rows.length;
    progress.update(done);
  }
  progress.stop();
  if (signal.aborted) throw new ServiceError('JOB_STOPPED');
  return { dominant, written, unchanged, refused };
}

/** Pins whose stored crop is not the one that the thresholds now want; those of pictures that the detector refuses want none. */
function outdatedCrops({ images, detections, set, dominance, store, retryFailed }: CropRequest, netId: number) {
  const stored = new Map<number, string>();
  for (const row of store.rows(netId, 'object')) {
    if (!(retryFailed && row.failure)) stored.set(row.pinIndex, stateOf(row.imageVersion, row.label, row.box));
  }
  const wanted: Wanted[] = [];
  let dominant = 0;
  let unchanged = 0;
  for (const { pinIndex, found } of detections.all()) {
    const image = images.get(pinIndex);
    if (!image) continue;
    const object = dominantOf(found, set, dominance);
    if (object) dominant++;
    const state = stateOf(image.imageVersion, object?.label, object && JSON.stringify(object.box));
    const before = stored.get(pinIndex);
    stored.delete(pinIndex);
    if (before === state || (before === undefined && object === null)) unchanged++;
    else wanted.push({ image, object });
  }
  for (const [pinIndex, state] of stored) {
    const image = images.get(pinIndex);
    if (image && state !== stateOf(image.imageVersion, null, null)) wanted.push({ image, object: null });
  }
  return { wanted, dominant, unchanged };
}

function stateOf(imageVersion: number, label: string | null | undefined, box: string | null | undefined): string {
  return JSON.stringify([imageVersion, label ?? null, box ?? null]);
}

async function describedPart(part: readonly Wanted[], net: ConvNet, binarizer: Binarizer, fetch: ImageFetchOptions): Promise<FeatureRow[]> {
  const rows: FeatureRow[] = [];
  const crops: { image: PinImage; object: Detection; bytes: Uint8Array }[] = [];
  for (const { image, object } of part) {
    if (object === null) rows.push(emptyRow(image));
    else {
      try {
        crops.push({ image, object, bytes: await fetchImage(image.image, fetch) });
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        rows.push({ ...emptyRow(image), ...cropOf(object), failure: error.code, reason: error.message });
      }
    }
  }
  const found = await net.embed(crops.map(({ bytes, object }) => ({ bytes, box: object.box })));
  for (const [i, { image, object }] of crops.entries()) {
    const one = found[i];
    rows.push(
      one.ok
        ? {
            pinIndex: image.pinIndex,
            imageVersion: image.imageVersion,
            code: codeOf(binarizer, one.fc6),
            scores: classRowOf(one),
            words: net.naming ? seenWords(one.fc8, net.naming) : [],
            ...cropOf(object),
          }
        : { ...emptyRow(image), ...cropOf(object), failure: one.code, reason: one.reason },
    );
  }
  return rows;
}

function emptyRow({ pinIndex, imageVersion }: PinImage): FeatureRow {
  return { pinIndex, imageVersion, code: null, scores: null };
}

function cropOf(object: Detection): Pick<FeatureRow, 'label' | 'box'> {
  return { label: object.label, box: JSON.stringify(object.box) };
}
