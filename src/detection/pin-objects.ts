import type { Box } from '../vision/box.ts';
import type { ImageDetections } from './detection.ts';
import { type DetectorSet, readUnited, scoreMinOf } from './detector-set.ts';
import { type DominanceRules, dominantObject } from './dominant-object.ts';

/** An object of a pin as callers see it (INTERFACES, "Objects"); `box` in pixels of the original image. */
export interface PinObject {
  readonly label: string;
  readonly score: number;
  readonly box: Box;
  /** Whether it carries a dot. */
  readonly shown: boolean;
  /** Whether it is the pin's dominant visual object. */
  readonly dominant: boolean;
  /** The signal that took its dot. */
  readonly suppressedBy?: string;
  /** The detector that found it. */
  readonly detector?: string;
}

/** The objects of a picture, and its size in pixels. */
export interface PinObjects {
  readonly width: number;
  readonly height: number;
  readonly objects: readonly PinObject[];
}

/**
 * The objects of one image after suppression and thresholds, highest score first. All are shown until the visual search
 * itself has judged them (object dots). The dominant one is chosen by its own rules, which may look at weaker detections
 * than those listed: then it is listed too.
 */
export function pinObjects(found: ImageDetections, set: DetectorSet, dominance: DominanceRules): readonly PinObject[] {
  const kept = readUnited(found.detections, set, (own) => Math.min(own, dominance.scoreMin));
  const dominant = dominantObject(kept, found, dominance);
  return kept
    .filter((detection) => detection === dominant || detection.score >= scoreMinOf(detection, set))
    .map((detection) => ({ ...detection, shown: true, dominant: detection === dominant }));
}

/** The dominant object of united detections, or null: suppression, then the rule. */
export function dominantOf(found: ImageDetections, set: DetectorSet, dominance: DominanceRules) {
  return dominantObject(
    readUnited(found.detections, set, () => dominance.scoreMin),
    found,
    dominance,
  );
}
