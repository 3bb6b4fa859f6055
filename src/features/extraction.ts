/**
 * Images -> rows of the feature store: fetched, decoded and run through a net side by side, written in order in small
 * transactions. Rows that are there (same net, same version of the image) are left alone, so a stopped run goes on.
 */
import type { ImageOutcome } from '../catalog/pins/pin-store.ts';
import { isPassing } from '../catalog/pins/image-fetch.ts';
import { reasonOf, ServiceError } from '../errors.ts';
import type { InferencePool } from '../vision/inference-pool.ts';
import type { ImageFailure, ImageInput } from '../vision/inference-task.ts';
import { type PartDone, partsAhead } from '../vision/parts-ahead.ts';
import { type Binarizer, codeOf, FIT_SAMPLE, fitBinarizer, needsFit } from './binarize.ts';
import type { ActivationSample } from './itq.ts';
import { classRowOf, type ConvNet } from './convnet.ts';
import type { FeatureRow, FeatureStore } from './feature-store.ts';
import { asAnnotations, type Naming, seenWords } from './words.ts';

/** A pin's image by reference, as the catalogue gives it. */
export interface ImageToRead {
  readonly pinIndex: number;
  readonly image: string;
  readonly imageVersion: number;
}

/** What images are read with. */
export interface ImageReading {
  readonly convNet: ConvNet;
  readonly pool: InferencePool;
  /** The bytes behind a reference; throws a ServiceError with the reason. */
  readonly fetch: (image: string) => Promise<Uint8Array>;
  readonly signal?: AbortSignal;
  /** Told of images that are to be asked for again later: their servers are busy or away. They get no row. */
  readonly postpone?: (image: string) => void;
}

export interface ExtractionInput extends ImageReading {
  readonly store: FeatureStore;
}

/**
 * The net's binarizer: as stored, or fitted on a sample of the images (evenly spaced) and stored for good.
 *
 * Choice: what is fitted cannot be mended later without making every code again, so the caller says on how few images it may
 * be fitted. The job takes what the catalogue has, because a small catalogue must have codes too; a service asks for FIT_FEWEST.
 *
 * @throws JOB_STOPPED when aborted (part of a sample is no sample), NOTHING_TO_DO when fewer than `fewest` could be read.
 */
export async function binarizerFor(input: ExtractionInput, images: readonly ImageToRead[], fewest = 1): Promise<Binarizer> {
  const { convNet, store } = input;
  const netId = store.netIdOf(convNet.features);
  const stored = store.binarizer(netId);
  if (stored) return stored;
  const binarizer = fitBinarizer(convNet.features.rule, convNet.features.fc6Length, await sampleActivations(input, images, fewest));
  store.setBinarizer(netId, binarizer);
  return binarizer;
}

async function sampleActivations(input: ExtractionInput, images: readonly ImageToRead[], fewest: number): Promise<ActivationSample> {
  const { convNet } = input;
  if (!needsFit(convNet.features.rule)) return { rows: 0, length: convNet.features.fc6Length, data: new Float32Array(0) };
  const count = Math.min(FIT_SAMPLE, images.length);
  const chosen = Array.from({ length: count }, (_, i) => images[Math.floor((i * images.length) / count)]);
  const rows: Float32Array[] = [];
  if (images.length >= fewest) {
    for await (const { found } of embedded(input, chosen)) {
      for (const one of found) if (one?.ok) rows.push(one.fc6);
    }
  }
  if (input.signal?.aborted) throw new ServiceError('JOB_STOPPED');
  if (rows.length < fewest) {
    const reason =
      fewest === 1
        ? 'None of the images could be read, so there is nothing to fit the codes on.'
        : `Fewer than ${fewest} images can be read, too few to fit the codes of ${convNet.features.name} on for good; extract-features fits them on what there is.`;
    throw new ServiceError('NOTHING_TO_DO', { reason });
  }
  const data = new Float32Array(rows.length * convNet.features.fc6Length);
  rows.forEach((row, i) => data.set(row, i * convNet.features.fc6Length));
  return { rows: rows.length, length: convNet.features.fc6Length, data };
}

/** Reads images and writes their rows, as `readRows`; yields what was written, part by part. */
export async function* extractRows(
  input: ExtractionInput,
  images: readonly ImageToRead[],
  binarizer: Binarizer,
): AsyncGenerator<FeatureRow[]> {
  const netId = input.store.netIdOf(input.convNet.features);
  for await (const rows of readRows(input, images, binarizer)) {
    input.store.put(netId, 'image', rows);
    yield rows;
  }
}

/**
 * The rows of images, part by part. Begins no further part when aborted; images whose fetching the abort broke off get no row,
 * so that the next run reads them.
 */
export async function* readRows(input: ImageReading, images: readonly ImageToRead[], binarizer: Binarizer): AsyncGenerator<FeatureRow[]> {
  for await (const { part, found } of embedded(input, images))
    yield part.flatMap((image, i) => rowOf(image, found[i], binarizer, input.convNet.naming) ?? []);
}

/** Of each image of a part; null: a stop broke off its fetching, or its server is busy. */
type Embedded = (Awaited<ReturnType<ConvNet['embed']>>[number] | null)[];

function embedded(input: ImageReading, images: readonly ImageToRead[]): AsyncGenerator<PartDone<ImageToRead, Embedded>> {
  const size = Math.max(16, Math.ceil(input.pool.appetite / 2));
  return partsAhead(images, size, (part) => embedPart(input, part), input.signal);
}

async function embedPart({ convNet, fetch, signal, postpone }: ImageReading, part: readonly ImageToRead[]): Promise<Embedded> {
  // Once stopped, a failure says nothing about the image: the abort itself looks like an address that is refused.
  const failed = (image: string, error: unknown): ImageFailure | null => {
    if (signal?.aborted) return null;
    if (!isPassing(error)) return failureOf(error);
    postpone?.(image);
    return null;
  };
  const fetched = await Promise.all(
    part.map(({ image }) =>
      fetch(image).then(
        (bytes): ImageInput => ({ bytes }),
        (error: unknown) => failed(image, error),
      ),
    ),
  );
  const isRead = (one: ImageInput | ImageFailure | null): one is ImageInput => one !== null && 'bytes' in one;
  const found = await convNet.embed(fetched.filter(isRead));
  let at = 0;
  return fetched.map((one) => (isRead(one) ? found[at++] : one));
}

/** What the catalogue notes of a picture that was read. */
export function outcomeOf({ pinIndex, imageVersion, failure, words = [] }: FeatureRow): ImageOutcome {
  return { pinIndex, imageVersion, failure: failure ?? null, words: asAnnotations(words) };
}

function failureOf(error: unknown): ImageFailure {
  if (error instanceof ServiceError) return { ok: false, code: error.code, reason: String(error.fields.reason ?? error.message) };
  return { ok: false, code: 'IMAGE_REFUSED', reason: reasonOf(error) };
}

function rowOf(
  { pinIndex, imageVersion }: ImageToRead,
  found: Embedded[number],
  binarizer: Binarizer,
  naming: Naming | null,
): FeatureRow | null {
  if (found === null) return null;
  if (!found.ok) return { pinIndex, imageVersion, code: null, scores: null, failure: found.code, reason: found.reason };
  const { fc6, embedding = null, signature, phash, colours } = found;
  const words = naming ? seenWords(found.fc8, naming) : [];
  return { pinIndex, imageVersion, code: codeOf(binarizer, fc6), scores: classRowOf(found), embedding, words, signature, phash, colours };
}
