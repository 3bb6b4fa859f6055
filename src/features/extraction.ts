/**
 * Images -> rows of the feature store: fetched, decoded and run through a net side by side, written in order in small
 * transactions. Rows that are there (same net, same version of the image) are left alone, so a stopped run goes on.
 */
import { reasonOf, ServiceError } from '../errors.ts';
import type { InferencePool } from '../vision/inference-pool.ts';
import type { ImageFailure, ImageInput } from '../vision/inference-task.ts';
import { type PartDone, partsAhead } from '../vision/parts-ahead.ts';
import { type ActivationSample, type Binarizer, codeOf, FIT_SAMPLE, fitBinarizer, needsFit } from './binarize.ts';
import type { ConvNet } from './convnet.ts';
import type { FeatureRow, FeatureStore } from './feature-store.ts';

/** A pin's image by reference, as the catalogue gives it. */
export interface ImageToRead {
  readonly pinIndex: number;
  readonly image: string;
  readonly imageVersion: number;
}

export interface ExtractionInput {
  readonly convNet: ConvNet;
  readonly pool: InferencePool;
  readonly store: FeatureStore;
  /** The bytes behind a reference; throws a ServiceError with the reason. */
  readonly fetch: (image: string) => Promise<Uint8Array>;
  readonly signal?: AbortSignal;
}

/** The net's binarizer: as stored, or fitted on a sample of the images (evenly spaced) and stored. */
export async function binarizerFor(input: ExtractionInput, images: readonly ImageToRead[]): Promise<Binarizer> {
  const { convNet, store } = input;
  const netId = store.netIdOf(convNet.features);
  const stored = store.binarizer(netId);
  if (stored) return stored;
  const binarizer = fitBinarizer(convNet.features.rule, convNet.features.fc6Length, await sampleActivations(input, images));
  store.setBinarizer(netId, binarizer);
  return binarizer;
}

async function sampleActivations(input: ExtractionInput, images: readonly ImageToRead[]): Promise<ActivationSample> {
  const { convNet } = input;
  if (!needsFit(convNet.features.rule)) return { rows: 0, length: convNet.features.fc6Length, data: new Float32Array(0) };
  const count = Math.min(FIT_SAMPLE, images.length);
  const chosen = Array.from({ length: count }, (_, i) => images[Math.floor((i * images.length) / count)]);
  const rows: Float32Array[] = [];
  for await (const { found } of embedded(input, chosen)) {
    for (const one of found) if (one.ok) rows.push(one.fc6);
  }
  if (rows.length === 0) {
    throw new ServiceError('NOTHING_TO_DO', {
      reason: 'None of the images could be read, so there is nothing to fit the codes on.',
    });
  }
  const data = new Float32Array(rows.length * convNet.features.fc6Length);
  rows.forEach((row, i) => data.set(row, i * convNet.features.fc6Length));
  return { rows: rows.length, length: convNet.features.fc6Length, data };
}

/** Reads images and writes their rows; yields what was written, part by part. Begins no further part when aborted. */
export async function* extractRows(
  input: ExtractionInput,
  images: readonly ImageToRead[],
  binarizer: Binarizer,
): AsyncGenerator<FeatureRow[]> {
  const netId = input.store.netIdOf(input.convNet.features);
  for await (const { part, found } of embedded(input, images)) {
    const rows = part.map((image, i) => rowOf(image, found[i], binarizer));
    input.store.put(netId, 'image', rows);
    yield rows;
  }
}

type Embedded = Awaited<ReturnType<ConvNet['embed']>>;

function embedded(input: ExtractionInput, images: readonly ImageToRead[]): AsyncGenerator<PartDone<ImageToRead, Embedded>> {
  const size = Math.max(16, Math.ceil(input.pool.appetite / 2));
  return partsAhead(images, size, (part) => embedPart(input, part), input.signal);
}

async function embedPart({ convNet, fetch }: ExtractionInput, part: readonly ImageToRead[]): Promise<Embedded> {
  const fetched = await Promise.all(part.map(({ image }) => fetch(image).then((bytes): ImageInput => ({ bytes }), failureOf)));
  const readable = fetched.filter((one): one is ImageInput => 'bytes' in one);
  const found = await convNet.embed(readable);
  let at = 0;
  return fetched.map((one) => ('bytes' in one ? found[at++] : one));
}

function failureOf(error: unknown): ImageFailure {
  if (error instanceof ServiceError) return { ok: false, code: error.code, reason: String(error.fields.reason ?? error.message) };
  return { ok: false, code: 'IMAGE_REFUSED', reason: reasonOf(error) };
}

function rowOf({ pinIndex, imageVersion }: ImageToRead, found: Embedded[number], binarizer: Binarizer): FeatureRow {
  if (!found.ok) return { pinIndex, imageVersion, code: null, scores: null, failure: found.code, reason: found.reason };
  const { fc6, fc8, signature, phash, colours } = found;
  return { pinIndex, imageVersion, code: codeOf(binarizer, fc6), scores: fc8, signature, phash, colours };
}
