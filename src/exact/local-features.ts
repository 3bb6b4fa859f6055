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
