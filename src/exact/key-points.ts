/**
 * Pixels -> local features, by OpenCV compiled to WebAssembly. The only importer of opencv-js.
 *
 * The package is a script of 11 MB that takes handlers of uncaught errors for the whole process when it loads, so it is loaded at the
 * first picture, and only in worker threads. It has no other state: the same pixels give the same bits.
 */
import { createRequire } from 'node:module';
import { ServiceError } from '../errors.ts';
import { decodeAtSize, type ImageLimits, measureImage, type Pixels } from '../vision/image-tensor.ts';
import { DESCRIPTOR_WORDS, joinedFeatures, type LocalFeatures, POINT_NUMBERS } from './local-features.ts';

/**
 * Longer sides at which key points are looked for, and the share of all that each gives. Choice: left to itself ORB takes nearly all of
 * them from the finest scales, and a thing seen small shows none of those. Small pictures are enlarged, at most by ENLARGED.
 */
const OCTAVES = [
  { side: 640, share: 0.4 },
  { side: 320, share: 0.35 },
  { side: 160, share: 0.25 },
] as const;
const ENLARGED = 2;
/** Scales within an octave, each SCALE times smaller than the one before. */
const LEVELS = 4;
const SCALE = 1.2;
const EDGE = 15;
const PATCH = 31;
/** How much darker or brighter than its surroundings a corner must be. */
const FAST_THRESHOLD = 10;

interface Mat {
  readonly rows: number;
  readonly data: Uint8Array;
  delete(): void;
}
interface KeyPoint {
  readonly pt: { readonly x: number; readonly y: number };
  readonly size: number;
  readonly angle: number;
}
interface KeyPointVector {
  size(): number;
  get(i: number): KeyPoint;
  delete(): void;
}
interface Orb {
  detectAndCompute(image: Mat, mask: Mat, points: KeyPointVector, descriptors: Mat): void;
  delete(): void;
}
interface OpenCv {
  readonly Mat: { new (): Mat; new (rows: number, columns: number, type: number): Mat };
  readonly KeyPointVector: new () => KeyPointVector;
  readonly ORB: new (...parameters: readonly number[]) => Orb;
  readonly CV_8UC1: number;
  readonly ORB_HARRIS_SCORE: number;
  onRuntimeInitialized?: () => void;
  exceptionFromPtr(pointer: number): { readonly msg: string };
}

let loaded: Promise<{ readonly cv: OpenCv }> | null = null;

/** In a record, because the module has a `then` of its own that would be awaited for ever. Throws INDEX_UNAVAILABLE. */
function openCv(): Promise<{ readonly cv: OpenCv }> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<{ readonly cv: OpenCv }> {
  let cv: OpenCv;
  try {
    cv = createRequire(import.meta.url)('@techstark/opencv-js') as OpenCv;
  } catch (error) {
    const reason = 'the optional package @techstark/opencv-js is not there; npm install @techstark/opencv-js brings it';
    throw new ServiceError('INDEX_UNAVAILABLE', { index: 'local features', reason }, error);
  }
  if (cv.Mat === undefined) await new Promise<void>((ready) => (cv.onRuntimeInitialized = ready));
  // It ends the process on any rejection, and prints its own source on the way.
  for (const event of ['uncaughtException', 'unhandledRejection']) process.removeAllListeners(event);
  return { cv };
}

/**
 * At most `most` local features of a picture, the strongest corners of each octave. A plain picture has none.
 * @throws IMAGE_..., INDEX_UNAVAILABLE without the package.
 */
export async function localFeatures(bytes: Uint8Array, limits: ImageLimits, most: number): Promise<LocalFeatures> {
  const { cv } = await openCv();
  const { width, height } = await measureImage(bytes, limits);
  const found: LocalFeatures[] = [];
  for (const { side, share } of OCTAVES) {
    const scale = Math.min(ENLARGED, side / Math.max(width, height));
    const [columns, rows] = [width, height].map((length) => Math.max(1, Math.round(length * scale)));
    const { pixels } = await decodeAtSize(bytes, columns, rows, 'stretch-bicubic', limits);
    found.push(keyPointsOf(cv, pixels, { width, height }, Math.round(most * share)));
  }
  return joinedFeatures(found, { width, height });
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Places are in pixels of the picture of the size given, whatever size it is looked at. */
function keyPointsOf(cv: OpenCv, pixels: Pixels, { width, height }: Size, most: number): LocalFeatures {
  const [scaleX, scaleY] = [pixels.width / width, pixels.height / height];
  const grey = new cv.Mat(pixels.height, pixels.width, cv.CV_8UC1);
  const [mask, found, around] = [new cv.Mat(), new cv.KeyPointVector(), new cv.Mat()];
  const orb = new cv.ORB(most, SCALE, LEVELS, EDGE, 0, 2, cv.ORB_HARRIS_SCORE, PATCH, FAST_THRESHOLD);
  try {
    grey.data.set(greyOf(pixels));
    orb.detectAndCompute(grey, mask, found, around);
    const count = Math.min(most, found.size());
    const points = new Float32Array(count * POINT_NUMBERS);
    for (let i = 0; i < count; i++) {
      const { pt, size, angle } = found.get(i);
      points.set([pt.x / scaleX, pt.y / scaleY, size / scaleX, angle], i * POINT_NUMBERS);
    }
    const descriptors = new Uint32Array(count * DESCRIPTOR_WORDS);
    if (count > 0) new Uint8Array(descriptors.buffer).set(around.data.subarray(0, descriptors.byteLength));
    return { width, height, count, points, descriptors };
  } catch (error) {
    if (typeof error !== 'number') throw error;
    throw new ServiceError('IMAGE_REFUSED', { reason: `no key points can be found in it: ${cv.exceptionFromPtr(error).msg}` }, error);
  } finally {
    for (const one of [grey, mask, found, around, orb]) one.delete();
  }
}

/** Luma of ITU-R BT.601. */
function greyOf({ data }: Pixels): Uint8Array {
  const grey = new Uint8Array(data.length / 3);
  for (let i = 0, at = 0; i < grey.length; i++, at += 3) {
    grey[i] = (299 * data[at] + 587 * data[at + 1] + 114 * data[at + 2] + 500) / 1000;
  }
  return grey;
}
