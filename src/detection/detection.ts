import type { Box } from '../vision/box.ts';

/** An object found in an image: what, how sure (0..1), where (pixel corners of the original, upright image). */
export interface Detection {
  readonly label: string;
  readonly score: number;
  readonly box: Box;
  /** The detector that found it, where several work together. */
  readonly detector?: string;
}

/** All a detector said about one image, highest score first, before suppression and thresholds. */
export interface ImageDetections {
  readonly width: number;
  readonly height: number;
  readonly detections: readonly Detection[];
}

/** Detections scored below are not even kept: they move no figure by more than a thousandth and triple the rows. */
export const SCORE_FLOOR = 0.01;
