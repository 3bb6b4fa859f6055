/**
 * Local features of a picture: places that are found again when the thing is seen once more, and what lies around each as 256 bits (ORB).
 * Source   Rublee, Rabaud, Konolige and Bradski, ORB: an efficient alternative to SIFT or SURF, ICCV 2011.
 */

/** What the features depend on; rows of another recipe are not comparable. */
export const RECIPE = 'orb-500-640-1';
/** Key points kept of a picture of the catalog. */
export const KEY_POINTS_MAX = 500;
/** 32-bit words of a descriptor. */
export const DESCRIPTOR_WORDS = 8;
/** Numbers of a key point: x and y in pixels of the upright picture, size in the same, angle in degrees. */
export const POINT_NUMBERS = 4;

export interface LocalFeatures {
  /** Of the upright picture, in pixels. */
  readonly width: number;
  readonly height: number;
  readonly count: number;
  /** `count` x POINT_NUMBERS. */
  readonly points: Float32Array;
  /** `count` x DESCRIPTOR_WORDS. */
  readonly descriptors: Uint32Array;
}

/** Features of several looks at one picture as one list; all have places in the whole picture, whose size is given. */
export function joinedFeatures(parts: readonly LocalFeatures[], { width, height }: Pick<LocalFeatures, 'width' | 'height'>): LocalFeatures {
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const points = new Float32Array(count * POINT_NUMBERS);
  const descriptors = new Uint32Array(count * DESCRIPTOR_WORDS);
  let at = 0;
  for (const part of parts) {
    points.set(part.points, at * POINT_NUMBERS);
    descriptors.set(part.descriptors, at * DESCRIPTOR_WORDS);
    at += part.count;
  }
  return { width, height, count, points, descriptors };
}

/** Some features of a picture, by their places in the list. */
export function chosenFeatures(features: LocalFeatures, chosen: readonly number[]): LocalFeatures {
  const points = new Float32Array(chosen.length * POINT_NUMBERS);
  const descriptors = new Uint32Array(chosen.length * DESCRIPTOR_WORDS);
  chosen.forEach((i, at) => {
    points.set(features.points.subarray(i * POINT_NUMBERS, (i + 1) * POINT_NUMBERS), at * POINT_NUMBERS);
    descriptors.set(features.descriptors.subarray(i * DESCRIPTOR_WORDS, (i + 1) * DESCRIPTOR_WORDS), at * DESCRIPTOR_WORDS);
  });
  return { ...features, count: chosen.length, points, descriptors };
}
