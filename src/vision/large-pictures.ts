/**
 * What a picture costs to decode, read from its header, and turns for those that cost much. A few bytes of a stranger are
 * enough to claim hundreds of MiB: 846 bytes of AVIF, 25 megapixels, took 450.
 */
import type { Metadata } from 'sharp';
import type { ImageFormat } from './image-format.ts';

/** Decoding may take so many bytes of memory; more is refused. A camera's 48 megapixels stay below in every common format. */
export const DECODED_BYTES_MAX = 256 * 2 ** 20;
/** Pictures that take more are decoded one after another in the whole process. */
const LARGE_BYTES = 64 * 2 ** 20;

/**
 * Bytes per pixel at the peak of decoding, as measured with libvips 8.18 on 25 megapixels, rounded up. Most decoders hold
 * a few rows; these hold the whole picture: interlaced PNG (as it is stored), progressive JPEG (its coefficients), GIF, WebP
 * (for a cut), AVIF (planes, and a copy).
 */
const BYTES_PER_PIXEL: Readonly<Record<ImageFormat, number>> = { png: 3, jpeg: 1, tiff: 3, gif: 6, webp: 8.5, avif: 20 };
const PROGRESSIVE_JPEG = 7;
/** With colours at a quarter of the resolution, as cameras write them. */
const PROGRESSIVE_JPEG_420 = 4;
/** Over the samples themselves. */
const INTERLACED_PNG = 1.3;
const SAMPLE_BYTES: Readonly<Record<string, number>> = { ushort: 2, short: 2, uint: 4, int: 4, float: 4, double: 8 };

/** About how many bytes of memory decoding a whole picture takes at its peak. */
export function decodedBytes(format: ImageFormat, header: Metadata): number {
  return (header.width ?? 0) * (header.height ?? 0) * bytesPerPixel(format, header);
}

function bytesPerPixel(format: ImageFormat, { isProgressive = false, chromaSubsampling, channels = 4, depth = 'uchar' }: Metadata): number {
  if (format === 'png' && isProgressive) return channels * (SAMPLE_BYTES[depth] ?? 1) * INTERLACED_PNG;
  if (format === 'jpeg' && isProgressive) return chromaSubsampling === '4:2:0' ? PROGRESSIVE_JPEG_420 : PROGRESSIVE_JPEG;
  return BYTES_PER_PIXEL[format];
}

/** The same for a region at full size: a picture that is turned upright is held whole for it. */
export function cutBytes(pixels: number, bytes: number): number {
  return Math.max(pixels * 4, bytes);
}

/** What the threads of a process share: whether one of them decodes a large picture, and since when (seconds). */
let turns = new Int32Array(new SharedArrayBuffer(8));
const [TAKEN, SINCE] = [0, 1];
/** A thread that has ended keeps no turn: decoding is cut off before (DECODE_LIMIT of image-tensor.ts). */
const HELD_SECONDS_MAX = 30;
const LOOK_MS = 1000;

/** The turns of this thread, for others of its process to take part in. */
export function sharedTurns(): SharedArrayBuffer {
  return turns.buffer;
}

/** From now on this thread takes its turns among those of another one. */
export function takeTurnsAmong(shared: SharedArrayBuffer): void {
  turns = new Int32Array(shared);
}

let last: Promise<unknown> = Promise.resolve();

/**
 * Runs `decode` at once for an ordinary picture; for one that takes many bytes, when no thread of the process decodes such a
 * one: a query has its picture read by the serving thread, by the net's and by the detector's, each of which would hold it whole.
 */
export function inTurn<T>(bytes: number, decode: () => Promise<T>): Promise<T> {
  if (bytes <= LARGE_BYTES) return decode();
  const turn = last.then(() => alone(decode));
  last = turn.catch(() => undefined);
  return turn;
}

async function alone<T>(decode: () => Promise<T>): Promise<T> {
  while (Atomics.compareExchange(turns, TAKEN, 0, 1) !== 0) {
    const seconds = Math.floor(Date.now() / 1000) | 0;
    const since = Atomics.load(turns, SINCE);
    if (seconds - since > HELD_SECONDS_MAX && Atomics.compareExchange(turns, SINCE, since, seconds) === since) break;
    await Atomics.waitAsync(turns, TAKEN, 1, LOOK_MS).value;
  }
  Atomics.store(turns, SINCE, Math.floor(Date.now() / 1000) | 0);
  try {
    return await decode();
  } finally {
    Atomics.store(turns, TAKEN, 0);
    Atomics.notify(turns, TAKEN, 1);
  }
}
