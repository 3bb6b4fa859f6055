/** Images through a net: decoded side by side, run in batches, a batch that fails run again image by image. */
import { reasonOf, ServiceError } from '../errors.ts';
import type { Box } from './box.ts';
import { colourHistogram, fingerprint, fingerprintOfPixels, type ImageFingerprint } from './fingerprint.ts';
import {
  decodeAtSize,
  decodeImage,
  decodeRegion,
  type ImageLimits,
  type Pixels,
  type Placement,
  resizeRegion,
  writeTensor,
} from './image-tensor.ts';
import type { Embedding, ImageFailure, ImageInput, RawOutputs, TaskKind, TaskResult } from './inference-task.ts';
import { EMBEDDING_ROLE, type Net, type NetInput, SHORT_CODE_ROLE } from './net-manifest.ts';
import { type OnnxSession, type OutputValues, shapeOf } from './onnx-session.ts';

/** An image ready for the net, or why it is not. */
export type DecodedInput =
  | {
      readonly ok: true;
      readonly width: number;
      readonly height: number;
      readonly placement: Placement;
      readonly values: Float32Array;
      /** Of a whole image that is to be embedded, else null: detectors and crops have no use for it. */
      readonly prints: ImageFingerprint | null;
      readonly histogram: Float32Array | null;
    }
  | ImageFailure;
type Ready = Extract<DecodedInput, { ok: true }>;

export function decodedInputs(
  images: readonly ImageInput[],
  input: NetInput,
  limits: ImageLimits,
  kind: TaskKind,
): Promise<DecodedInput[]> {
  return Promise.all(images.map((image) => decodedInput(image, input, limits, kind)));
}

async function decodedInput({ bytes, box }: ImageInput, input: NetInput, limits: ImageLimits, kind: TaskKind): Promise<DecodedInput> {
  try {
    const short = box === undefined && input.resize.startsWith('stretch') && Math.min(input.width, input.height) >= 32;
    const crop = box && kind === 'embed' ? await decodeRegion(bytes, box, input, limits) : null;
    const { pixels, prints, histogram, ...image }: Looked =
      crop ?? (await (short ? wholeImage(bytes, input, limits) : region(bytes, box, input, limits)));
    const values = new Float32Array(3 * input.width * input.height);
    writeTensor(pixels, input, values, 0);
    const wanted = kind !== 'outputs' && box === undefined;
    return {
      ok: true,
      ...image,
      values,
      prints: (wanted && (await prints?.())) || null,
      histogram: (kind === 'layers' && histogram?.()) || null,
    };
  } catch (error) {
    return failureOf(error);
  }
}

/** A picture, or a region of one, at the net's size; a crop that nobody else asks about comes without the rest. */
interface Looked {
  readonly width: number;
  readonly height: number;
  readonly pixels: Pixels;
  readonly placement: Placement;
  readonly prints?: () => ImageFingerprint | Promise<ImageFingerprint>;
  readonly histogram?: () => Float32Array;
}

/** The whole image at the net's size shows all that fingerprints need: one decode, no working image. */
async function wholeImage(bytes: Uint8Array, { width, height, resize }: NetInput, limits: ImageLimits) {
  const image = await decodeAtSize(bytes, width, height, resize, limits);
  return {
    ...image,
    prints: () => fingerprintOfPixels(image.pixels, image.width / image.height),
    histogram: () => colourHistogram(image.pixels),
  };
}

async function region(bytes: Uint8Array, box: Box | undefined, input: NetInput, limits: ImageLimits) {
  const image = await decodeImage(bytes, limits);
  const { pixels, placement } = await resizeRegion(image, input.width, input.height, input.resize, box, limits);
  const { width, height, working } = image;
  const [prints, histogram] = [() => fingerprint(image), () => colourHistogram(working)];
  return { width, height, pixels, placement, prints, histogram };
}

function failureOf(error: unknown): ImageFailure {
  if (error instanceof ServiceError) return { ok: false, code: error.code, reason: String(error.fields.reason ?? error.message) };
  return { ok: false, code: 'IMAGE_REFUSED', reason: reasonOf(error) };
}

/** fc6 and fc8 (with `all`: every layer the manifest names) of every image that could be decoded, in the order given. */
export async function embedImages(
  session: OnnxSession,
  net: Net,
  inputs: readonly DecodedInput[],
  batch: number,
  all: boolean,
): Promise<TaskResult[]> {
  const results: TaskResult[] = inputs.map((input) => (input.ok ? { ok: false, code: 'IMAGE_REFUSED', reason: '' } : input));
  const ready = inputs.flatMap((input, at) => (input.ok ? [{ at, input }] : []));
  const limit = net.manifest.input.batch ?? 'free';
  const size = limit === 'free' ? batch : Math.min(batch, limit);
  for (let from = 0; from < ready.length; from += size) {
    const slice = ready.slice(from, from + size);
    const images = slice.map(({ input }) => input);
    const found = await batchOrSingly(session, net, images, all);
    slice.forEach(({ at }, i) => {
      results[at] = found[i];
    });
  }
  return results;
}

async function batchOrSingly(session: OnnxSession, net: Net, inputs: readonly Ready[], all: boolean): Promise<TaskResult[]> {
  try {
    return await embedBatch(session, net, inputs, all);
  } catch (error) {
    if (inputs.length === 1) return [{ ok: false, code: 'IMAGE_REFUSED', reason: `the net fails on it: ${reasonOf(error)}` }];
    const results: TaskResult[] = [];
    for (const input of inputs) results.push(...(await batchOrSingly(session, net, [input], all)));
    return results;
  }
}

async function embedBatch(session: OnnxSession, net: Net, inputs: readonly Ready[], all: boolean): Promise<Embedding[]> {
  const { input, outputs } = net.manifest;
  const fixed = typeof input.batch === 'number' ? input.batch : inputs.length;
  const size = 3 * input.width * input.height;
  const values = new Float32Array(fixed * size);
  inputs.forEach((one, i) => values.set(one.values, i * size));
  const roles = all ? Object.keys(outputs) : ['fc6', 'fc8', SHORT_CODE_ROLE, EMBEDDING_ROLE].filter((role) => role in outputs);
  const wanted = [...new Set(roles.map((role) => outputs[role].tensor))];
  const found = await session.run(values, shapeOf(input, fixed), wanted);
  const rows = roles.map((role) => rowsOf(found, outputs[role].tensor, fixed, outputs[role].length));
  return inputs.map(({ width, height, prints, histogram }, i) => {
    const layers = Object.fromEntries(roles.map((role, at) => [role, rows[at](i)]));
    const { fc6, fc8, ...others } = layers;
    const { [SHORT_CODE_ROLE]: fc8Code, [EMBEDDING_ROLE]: embedding } = others;
    const more = histogram ? { layers: { ...others, histogram } } : {};
    return { ok: true, width, height, fc6, fc8, ...(fc8Code ? { fc8Code } : {}), ...(embedding ? { embedding } : {}), ...prints, ...more };
  });
}

/** One image's row of an output whose first dimension is the batch. Refuses another length than the manifest's, and NaN. */
function rowsOf(found: readonly OutputValues[], name: string, batch: number, length: number | undefined): (i: number) => Float32Array {
  const output = found.find((one) => one.name === name);
  if (!output) throw new RangeError(`output ${name}: expected, got ${found.map((one) => one.name).join(', ')}`);
  const each = output.data.length / batch;
  if (!Number.isInteger(each) || (length !== undefined && each !== length)) {
    throw new RangeError(`output ${name}: expected ${length ?? 'equal'} values an image, got ${output.dims.join(' x ')} for ${batch}`);
  }
  return (i) => {
    const row = Float32Array.from(output.data.subarray(i * each, (i + 1) * each) as Float32Array);
    for (const value of row) if (!Number.isFinite(value)) throw new RangeError(`output ${name} holds ${value}`);
    return row;
  };
}

/** All outputs of each image, run alone because detectors' outputs can't always be cut by image. */
export async function rawOutputs(session: OnnxSession, net: Net, inputs: readonly DecodedInput[]): Promise<TaskResult[]> {
  const results: TaskResult[] = [];
  for (const input of inputs) results.push(input.ok ? await rawOutput(session, net, input) : input);
  return results;
}

async function rawOutput(session: OnnxSession, net: Net, ready: Ready): Promise<RawOutputs | ImageFailure> {
  try {
    const plain = session.inputs[0].dims.length === 3;
    const dims = shapeOf(net.manifest.input, 1);
    const outputs = await session.run(ready.values, plain ? dims.slice(1) : dims);
    const copies = outputs.map((output) => ({ ...output, dims: [...output.dims], data: output.data.slice() }));
    return { ok: true, width: ready.width, height: ready.height, placement: ready.placement, outputs: copies };
  } catch (error) {
    return { ok: false, code: 'IMAGE_REFUSED', reason: `the net fails on it: ${reasonOf(error)}` };
  }
}
