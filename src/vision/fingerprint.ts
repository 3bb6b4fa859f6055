/**
 * Fingerprints that distinguish copies of one image from other images.
 *
 * Signature: digest of the decoded, upright image shrunk to 12 x 12 coarse grey cells and 2 x 2 of colour; files that
 * decode to the same pixels always share it, light re-encodings often (how often: docs/DECISIONS.md), other photos not.
 * Perceptual hash: 64 bits, the signs of the 8 x 8 lowest frequencies (the constant one left out, replaced by the next
 * of the first row) of a 32 x 32 grey image against their median.
 * Colours: the mean colour of 24 x 24 cells, 1,728 bytes: a picture small enough to keep and to lay over another.
 * Source   Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010, section 3.2.1 (DCT hash).
 */
import { createHash } from 'node:crypto';
import { type DecodedImage, type Pixels, resizeRegion } from './image-tensor.ts';

const SIDE = 32;
const LOW = 8;
/** Cells a side of the colours. */
export const COLOUR_SIDE = 24;
export const COLOUR_BYTES = 3 * COLOUR_SIDE ** 2;

/** Steps of the signature's grey levels and colour differences; finer ones distinguish more and survive less. */
const GREY_STEP = 24;
const CHROMA_STEP = 48;

export interface ImageFingerprint {
  readonly signature: string;
  readonly phash: string;
  readonly colours: Uint8Array;
}

const BASE_SIDE = 64;

export async function fingerprint(image: DecodedImage): Promise<ImageFingerprint> {
  const { pixels } = await resizeRegion(image, BASE_SIDE, BASE_SIDE, 'stretch-bilinear');
  return fingerprintOfPixels(pixels, image.width / image.height);
}

/** From pixels of the whole image at any size from 32 x 32; `aspect` is width over height of the original. */
export function fingerprintOfPixels(pixels: Pixels, aspect: number): ImageFingerprint {
  const base = { width: SIDE, height: SIDE, data: shrink(pixels, SIDE, SIDE) };
  return { signature: imageSignature(base, aspect), phash: perceptualHash(base), colours: colourCells(pixels) };
}

/** Pixels or mean colours. */
interface Cells {
  readonly width: number;
  readonly height: number;
  readonly data: ArrayLike<number>;
}

/** 32 hexadecimal digits; `aspect` is width over height of the original. */
function imageSignature(image: Cells, aspect: number): string {
  const grey = greyOf(shrink(image, 12, 12));
  const quarters = shrink(image, 2, 2);
  const chroma = [0, 1, 2, 3].flatMap((i) => {
    const [red, green, blue] = quarters.subarray(3 * i, 3 * i + 3);
    return [Math.round((red - green) / CHROMA_STEP), Math.round((blue - green) / CHROMA_STEP)];
  });
  const shape = Math.round(8 * Math.log2(aspect));
  const levels = Array.from(grey, (value) => Math.round(value / GREY_STEP));
  const text = [3, shape, ...chroma, ...levels].join(',');
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** Mean colours of 24 x 24 cells, interleaved RGB, row by row. */
export function colourCells(image: Cells): Uint8Array {
  return Uint8Array.from(shrink(image, COLOUR_SIDE, COLOUR_SIDE), Math.round);
}

/** 16 hexadecimal digits, first bit highest. */
export function perceptualHash(image: Cells): string {
  const grey = greyOf(shrink(image, SIDE, SIDE));
  const low = lowFrequencies(grey);
  const median = [...low].sort((a, b) => a - b)[low.length / 2];
  let hash = 0n;
  for (const value of low) hash = (hash << 1n) | (value > median ? 1n : 0n);
  return hash.toString(16).padStart(16, '0');
}

/** Differing bits of two perceptual hashes, 0..64. */
export function perceptualDistance(a: string, b: string): number {
  let differing = BigInt(`0x${a}`) ^ BigInt(`0x${b}`);
  let count = 0;
  for (; differing > 0n; differing &= differing - 1n) count++;
  return count;
}

/** Mean colour of each cell of a `columns` x `rows` grid, interleaved RGB; cells weigh partial pixels by their share. */
function shrink({ width, height, data }: Cells, columns: number, rows: number): Float64Array {
  const across = shares(width, columns);
  const down = shares(height, rows);
  const strip = new Float64Array(height * columns * 3);
  for (let y = 0; y < height; y++) {
    for (let c = 0; c < columns; c++) {
      const { first, weights } = across[c];
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let k = 0, from = (y * width + first) * 3; k < weights.length; k++, from += 3) {
        red += weights[k] * data[from];
        green += weights[k] * data[from + 1];
        blue += weights[k] * data[from + 2];
      }
      const at = (y * columns + c) * 3;
      strip[at] = red;
      strip[at + 1] = green;
      strip[at + 2] = blue;
    }
  }
  const out = new Float64Array(columns * rows * 3);
  for (let r = 0; r < rows; r++) {
    const { first, weights } = down[r];
    for (let k = 0; k < weights.length; k++) {
      const from = (first + k) * columns * 3;
      for (let i = 0; i < columns * 3; i++) out[r * columns * 3 + i] += weights[k] * strip[from + i];
    }
  }
  return out;
}

function shares(length: number, cells: number): { first: number; weights: number[] }[] {
  return Array.from({ length: cells }, (_, cell) => {
    const from = (cell * length) / cells;
    const to = ((cell + 1) * length) / cells;
    const first = Math.min(length - 1, Math.floor(from));
    const last = Math.min(length - 1, Math.ceil(to) - 1);
    const weights: number[] = [];
    for (let i = first; i <= last; i++) weights.push((Math.min(to, i + 1) - Math.max(from, i)) / (to - from));
    return { first, weights };
  });
}

function greyOf(rgb: Float64Array): Float64Array {
  const grey = new Float64Array(rgb.length / 3);
  for (let i = 0; i < grey.length; i++) grey[i] = 0.299 * rgb[3 * i] + 0.587 * rgb[3 * i + 1] + 0.114 * rgb[3 * i + 2];
  return grey;
}

const COSINES = Float64Array.from({ length: (LOW + 1) * SIDE }, (_, i) =>
  Math.cos((Math.PI / SIDE) * ((i % SIDE) + 0.5) * Math.floor(i / SIDE)),
);

/** Frequencies 0..7 each way, row by row, (0, 0) replaced by (8, 0). */
function lowFrequencies(grey: Float64Array): Float64Array {
  const rows = new Float64Array(SIDE * (LOW + 1));
  for (let y = 0; y < SIDE; y++)
    for (let u = 0; u <= LOW; u++) {
      let sum = 0;
      for (let x = 0; x < SIDE; x++) sum += grey[y * SIDE + x] * COSINES[u * SIDE + x];
      rows[y * (LOW + 1) + u] = sum;
    }
  const out = new Float64Array(LOW * LOW);
  for (let v = 0; v < LOW; v++)
    for (let u = 0; u < LOW; u++) {
      const across = u === 0 && v === 0 ? LOW : u;
      for (let y = 0; y < SIDE; y++) out[v * LOW + u] += rows[y * (LOW + 1) + across] * COSINES[v * SIDE + y];
    }
  return out;
}

/** Share of pixels in each of 4 x 4 x 4 colour cells: the plain baseline that nets are measured against. */
export function colourHistogram(pixels: Pixels): Float32Array {
  const out = new Float32Array(64);
  const count = pixels.width * pixels.height;
  for (let i = 0; i < count * 3; i += 3) {
    out[((pixels.data[i] >> 6) << 4) | ((pixels.data[i + 1] >> 6) << 2) | (pixels.data[i + 2] >> 6)] += 1 / count;
  }
  return out;
}
