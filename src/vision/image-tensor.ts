/**
 * From a stranger's bytes to upright sRGB pixels, and from pixels to the tensor a net takes. The only importer of sharp.
 *
 * An image is decoded once, turned by its EXIF orientation, its first frame taken, CMYK and profiles converted to sRGB,
 * transparency flattened on white, and shrunk to at most WORKING_SIDE pixels a side (never enlarged; JPEG
 * decoders do most of that for nothing): that is the working image from which fingerprints and tensors are made.
 * What cannot be read is refused with a reason: IMAGE_REFUSED (broken), IMAGE_UNSUPPORTED (not one of our formats),
 * IMAGE_TOO_LARGE (bytes or pixels over the limit).
 */
import sharp from 'sharp';
import type { ResizeOptions, Sharp } from 'sharp';
import { reasonOf, ServiceError } from '../errors.ts';
import { boxArea, wholePixels } from './box.ts';
import type { Box } from './box.ts';
import { jpegEndMissing, whyBroken } from './image-damage.ts';
import { formatOf } from './image-format.ts';
import { cutBytes, decodedBytes, DECODED_BYTES_MAX, inTurn } from './large-pictures.ts';
import type { NetInput, ResizeRule } from './net-manifest.ts';
import { scalesOf } from './net-manifest.ts';
import { withoutExtras } from './picture-extras.ts';

sharp.cache(false);
sharp.concurrency(1);

export interface ImageLimits {
  readonly bytes: number;
  readonly pixels: number;
}
export const DEFAULT_IMAGE_LIMITS: ImageLimits = { bytes: 20_971_520, pixels: 100_000_000 };
const WORKING_SIDE = 1024;
/** Longest side: decoders work in bands of rows, and a band of a row of millions needs gigabytes (74 bytes of PNG can claim it). */
const SIDE_MAX = 32_768;

/** Most pictures take a hundredth of it; a picture that takes longer was made to. */
const DECODE_LIMIT = { seconds: 20 };

/** Interleaved 8-bit RGB, row by row. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

export interface DecodedImage {
  readonly format: string;
  /** Of the original, upright. Boxes are in these pixels. */
  readonly width: number;
  readonly height: number;
  /** The working image; smaller than the original if that was large. */
  readonly working: Pixels;
  /** What decoding the whole of it takes (large-pictures.ts). */
  readonly decodedBytes: number;
  readonly bytes: Uint8Array;
}

/** Where a region of the original went in the tensor: tensor x = (original x - originX) * scaleX + offsetX, and so for y. */
export interface Placement {
  readonly originX: number;
  readonly originY: number;
  readonly scaleX: number;
  readonly scaleY: number;
  readonly offsetX: number;
  readonly offsetY: number;
}

/** A box in pixels of the tensor -> a box in pixels of the original (not clipped). */
export function boxFromTensor(box: Box, p: Placement): Box {
  const x = (value: number): number => (value - p.offsetX) / p.scaleX + p.originX;
  const y = (value: number): number => (value - p.offsetY) / p.scaleY + p.originY;
  return [x(box[0]), y(box[1]), x(box[2]), y(box[3])];
}

/** Decodes an image as the head of this file says. Throws IMAGE_REFUSED, IMAGE_UNSUPPORTED or IMAGE_TOO_LARGE. */
export async function decodeImage(bytes: Uint8Array, limits: ImageLimits = DEFAULT_IMAGE_LIMITS): Promise<DecodedImage> {
  const { format, width, height, decodedBytes } = await measureImage(bytes, limits);
  const shrink = Math.max(width, height) > WORKING_SIDE;
  const pipeline = (): Sharp => {
    const image = open(bytes, limits);
    return shrink ? image.resize(WORKING_SIDE, WORKING_SIDE, { fit: 'inside', kernel: 'cubic' }) : image;
  };
  const working = await inTurn(decodedBytes, () => pixelsOf(pipeline, bytes));
  return { format, width, height, working, bytes, decodedBytes };
}

/**
 * The whole of an image straight at the size a net wants, without a working image: the short way of extraction. Refuses what
 * `decodeImage` refuses.
 */
export async function decodeAtSize(
  bytes: Uint8Array,
  width: number,
  height: number,
  rule: ResizeRule,
  limits: ImageLimits = DEFAULT_IMAGE_LIMITS,
): Promise<{ width: number; height: number; pixels: Pixels; placement: Placement }> {
  const original = await measureImage(bytes, limits);
  const pipeline = (): Sharp => open(bytes, limits).resize(width, height, resizeOptions(rule));
  const pixels = await inTurn(original.decodedBytes, () => pixelsOf(pipeline, bytes));
  const placement = placementOf([0, 0, original.width, original.height], width, height, rule);
  return { width: original.width, height: original.height, pixels, placement };
}

/**
 * A region of an image straight at the size a net wants: the short way for crops of ordinary pictures. Null if the image is
 * so large that a working image is cheaper (`decodeImage`, `resizeRegion`). Refuses what `decodeImage` refuses.
 */
export async function decodeRegion(
  bytes: Uint8Array,
  region: Box,
  { width, height, resize }: Pick<NetInput, 'width' | 'height' | 'resize'>,
  limits: ImageLimits = DEFAULT_IMAGE_LIMITS,
): Promise<{ width: number; height: number; pixels: Pixels; placement: Placement } | null> {
  const original = await measureImage(bytes, limits);
  if (Math.max(original.width, original.height) > WORKING_SIDE) return null;
  const box = wholePixels(region, original.width, original.height);
  const cut = { left: box[0], top: box[1], width: box[2] - box[0], height: box[3] - box[1] };
  const pixels = await pixelsOf(() => open(bytes, limits).extract(cut).resize(width, height, resizeOptions(resize)), bytes);
  return { width: original.width, height: original.height, pixels, placement: placementOf(box, width, height, resize) };
}

/** The same and nothing else looked at: what benches measure us against. */
export function decodeUnchecked(bytes: Uint8Array, width: number, height: number, rule: ResizeRule): Promise<Pixels> {
  return pixelsOf(() => sharp(bytes).autoOrient().resize(width, height, resizeOptions(rule)), bytes);
}

/** Format and upright size from the header alone; the same refusals as `decodeImage`, except for what only decoding shows. */
export async function measureImage(
  bytes: Uint8Array,
  limits: ImageLimits = DEFAULT_IMAGE_LIMITS,
): Promise<{ format: string; width: number; height: number; decodedBytes: number }> {
  if (bytes.byteLength > limits.bytes) {
    throw new ServiceError('IMAGE_TOO_LARGE', { reason: `${bytes.byteLength} bytes, the limit is ${limits.bytes}` });
  }
  const format = formatOf(bytes);
  const header = await sharp(withoutExtras(bytes, format), { limitInputPixels: false, failOn: 'none' })
    .metadata()
    .catch((error: unknown) => {
      throw new ServiceError('IMAGE_REFUSED', { reason: `its ${format} header cannot be read: ${whyBroken(bytes, format)}` }, error);
    });
  const { width, height } = header.autoOrient ?? header;
  if (!width || !height) throw new ServiceError('IMAGE_REFUSED', { reason: 'it has no size' });
  if (width * height > limits.pixels) {
    throw new ServiceError('IMAGE_TOO_LARGE', { reason: `${width} x ${height} pixels, the limit is ${limits.pixels}` });
  }
  if (Math.max(width, height) > SIDE_MAX) {
    throw new ServiceError('IMAGE_TOO_LARGE', { reason: `${width} x ${height} pixels, the limit of a side is ${SIDE_MAX}` });
  }
  const memory = decodedBytes(format, header);
  if (memory > DECODED_BYTES_MAX) {
    const [needed, most] = [memory, DECODED_BYTES_MAX].map((count) => Math.round(count / 2 ** 20));
    throw new ServiceError('IMAGE_TOO_LARGE', {
      reason: `decoding this ${format} of ${width} x ${height} pixels takes ${needed} MiB, the limit is ${most}`,
    });
  }
  return { format, width, height, decodedBytes: memory };
}

/** Frames of an animation, 1 for a still picture; pages of a TIFF are no frames, and of an animated PNG the first one alone is read. Refuses what is no image. */
export async function frameCount(bytes: Uint8Array): Promise<number> {
  const format = formatOf(bytes);
  if (format === 'tiff' || format === 'png') return 1;
  const header = await sharp(bytes, { limitInputPixels: false, failOn: 'none' })
    .metadata()
    .catch(() => null);
  return header?.pages ?? 1;
}

/** A JPEG that lacks its end marker and nothing else is read, as browsers do; what lacks more of its data is refused. */
function open(bytes: Uint8Array, limits: ImageLimits): Sharp {
  const format = formatOf(bytes);
  const endMissing = format === 'jpeg' && jpegEndMissing(bytes);
  const read = withoutExtras(bytes, format);
  const whole = endMissing ? Buffer.concat([read, Buffer.from([0xff, 0xd9])]) : read;
  return sharp(whole, { limitInputPixels: limits.pixels, failOn: endMissing ? 'warning' : 'error', pages: 1, animated: false })
    .timeout(DECODE_LIMIT)
    .autoOrient();
}

/** Runs a pipeline to interleaved RGB bytes, transparency on white. */
async function pixelsOf(pipeline: () => Sharp, bytes: Uint8Array): Promise<Pixels> {
  try {
    const { data, info } = await pipeline()
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const view = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return {
      width: info.width,
      height: info.height,
      data: info.channels === 3 ? view : threeChannels(view, info.channels),
    };
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    throw undecodable(bytes, error);
  }
}

function threeChannels(data: Uint8Array, channels: number): Uint8Array {
  const out = new Uint8Array((data.length / channels) * 3);
  for (let i = 0, at = 0; i < data.length; i += channels) {
    out[at++] = data[i];
    out[at++] = data[channels > 2 ? i + 1 : i];
    out[at++] = data[channels > 2 ? i + 2 : i];
  }
  return out;
}

/** The reason comes from the picture itself (image-damage.ts), except for a time limit. */
function undecodable(bytes: Uint8Array, error: unknown): ServiceError {
  const isLate = /timeout/i.test(reasonOf(error));
  return new ServiceError(
    'IMAGE_REFUSED',
    { reason: isLate ? 'decoding it takes too long' : `it cannot be decoded: ${whyBroken(bytes, formatOf(bytes))}` },
    error,
  );
}

/** A sharp pipeline over pixels in memory. */
function fromPixels(pixels: Pixels): Sharp {
  return sharp(pixels.data, { raw: { width: pixels.width, height: pixels.height, channels: 3 } });
}

/**
 * A region (absent: the whole) of an image at the size and by the rule a net wants.
 * A region that the working image shows smaller than the net's input is cut from the original again.
 */
export async function resizeRegion(
  image: DecodedImage,
  width: number,
  height: number,
  rule: ResizeRule,
  region?: Box,
  limits: ImageLimits = DEFAULT_IMAGE_LIMITS,
): Promise<{ pixels: Pixels; placement: Placement }> {
  const box = region ? wholePixels(region, image.width, image.height) : ([0, 0, image.width, image.height] as const);
  if (boxArea(box) <= 0) throw new RangeError(`region: expected an area inside the image, got ${box.join(', ')}`);
  const shrunk = image.working.width / image.width;
  const needsOriginal = shrunk < 1 && region !== undefined && ((box[2] - box[0]) * shrunk < width || (box[3] - box[1]) * shrunk < height);
  const scale = needsOriginal ? 1 : shrunk;
  const cut = region
    ? wholePixels(
        [box[0] * scale, box[1] * scale, box[2] * scale, box[3] * scale],
        Math.round(image.width * scale),
        Math.round(image.height * scale),
      )
    : null;
  const bytesDecoded = needsOriginal ? cutBytes(image.width * image.height, image.decodedBytes) : 0;
  const pixels = await inTurn(bytesDecoded, () =>
    pixelsOf(() => {
      let pipeline = needsOriginal ? open(image.bytes, limits) : fromPixels(image.working);
      if (cut) pipeline = pipeline.extract({ left: cut[0], top: cut[1], width: cut[2] - cut[0], height: cut[3] - cut[1] });
      return pipeline.resize(width, height, resizeOptions(rule));
    }, image.bytes),
  );
  return { pixels, placement: placementOf(box, width, height, rule) };
}

function resizeOptions(rule: ResizeRule): ResizeOptions {
  const [how, kernel] = rule.split('-');
  const fit = how === 'stretch' ? 'fill' : how === 'cover' ? 'cover' : 'contain';
  return {
    fit,
    position: 'centre',
    kernel: kernel === 'bicubic' ? 'cubic' : 'linear',
    background: { r: 114, g: 114, b: 114 },
  };
}

function placementOf(box: Box, width: number, height: number, rule: ResizeRule): Placement {
  const boxWidth = box[2] - box[0];
  const boxHeight = box[3] - box[1];
  let scaleX = width / boxWidth;
  let scaleY = height / boxHeight;
  if (!rule.startsWith('stretch')) {
    scaleX = rule.startsWith('cover') ? Math.max(scaleX, scaleY) : Math.min(scaleX, scaleY);
    scaleY = scaleX;
  }
  const offsetX = (width - boxWidth * scaleX) / 2;
  const offsetY = (height - boxHeight * scaleY) / 2;
  return { originX: box[0], originY: box[1], scaleX, scaleY, offsetX, offsetY };
}

/** Writes one image's tensor values, `3 * width * height` of them, at `offset`: (pixel - mean) x scale in the input's layout. */
export function writeTensor(pixels: Pixels, input: NetInput, out: Float32Array, offset: number): void {
  const plane = input.width * input.height;
  if (pixels.width !== input.width || pixels.height !== input.height) {
    throw new RangeError(`pixels: expected ${input.width} x ${input.height}, got ${pixels.width} x ${pixels.height}`);
  }
  const scales = scalesOf(input);
  for (let channel = 0; channel < 3; channel++) {
    const source = input.channels === 'RGB' ? channel : 2 - channel;
    const mean = input.mean[channel];
    const scale = scales[channel];
    const step = input.layout === 'NCHW' ? 1 : 3;
    let at = offset + (input.layout === 'NCHW' ? channel * plane : channel);
    for (let i = source; i < plane * 3; i += 3, at += step) out[at] = (pixels.data[i] - mean) * scale;
  }
}

/** A picture for serving, at most `width` wide, upright, metadata dropped. */
export async function thumbnail(
  bytes: Uint8Array,
  width: number,
  format: 'jpeg' | 'webp' = 'jpeg',
  limits: ImageLimits = DEFAULT_IMAGE_LIMITS,
): Promise<Uint8Array> {
  const original = await measureImage(bytes, limits);
  const pipeline = (): Sharp => open(bytes, limits).resize({ width, withoutEnlargement: true }).flatten({ background: '#ffffff' });
  return inTurn(original.decodedBytes, () => encoded(pipeline, format, 82, bytes));
}

/** A region of an image as a JPEG, at most `side` pixels a side. */
export async function cropJpeg(
  bytes: Uint8Array,
  region: Box,
  side: number,
  limits: ImageLimits = DEFAULT_IMAGE_LIMITS,
): Promise<Uint8Array> {
  const { width, height, decodedBytes } = await measureImage(bytes, limits);
  const box = wholePixels(region, width, height);
  const cut = { left: box[0], top: box[1], width: box[2] - box[0], height: box[3] - box[1] };
  const pipeline = (): Sharp =>
    open(bytes, limits).extract(cut).resize(side, side, { fit: 'inside', withoutEnlargement: true }).flatten({ background: '#ffffff' });
  return inTurn(cutBytes(width * height, decodedBytes), () => encoded(pipeline, 'jpeg', 85, bytes));
}

/** Pixels -> a file. */
export async function encodePixels(pixels: Pixels, format: 'jpeg' | 'png' | 'webp', quality = 90): Promise<Uint8Array> {
  return encoded(() => fromPixels(pixels), format, quality);
}

/** Draws our own SVG (never a stranger's: those are refused at the door), on white, at the size it names. */
export async function drawSvg(svg: string, format: 'png' | 'jpeg' = 'jpeg', quality = 88): Promise<Uint8Array> {
  return encoded(() => sharp(Buffer.from(svg)).flatten({ background: '#ffffff' }), format, quality);
}

/** `original`: the stranger's bytes that the pipeline reads, if it does. */
async function encoded(
  pipeline: () => Sharp,
  format: 'jpeg' | 'png' | 'webp',
  quality: number,
  original?: Uint8Array,
): Promise<Uint8Array> {
  try {
    const image = pipeline();
    if (format === 'png') return await image.png().toBuffer();
    return await (format === 'webp' ? image.webp({ quality }) : image.jpeg({ quality })).toBuffer();
  } catch (error) {
    if (original === undefined || error instanceof ServiceError) throw error;
    throw undecodable(original, error);
  }
}

/** The EXIF block of an image file, undefined without one. Reads the header only. Throws on a file that is no image. */
export async function exifBlock(path: string): Promise<Buffer | undefined> {
  return (await sharp(path).metadata()).exif;
}
