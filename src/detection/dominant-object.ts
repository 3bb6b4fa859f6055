import { type Box, boxArea, boxIou, clipBox } from '../vision/box.ts';
import type { Detection } from './detection.ts';
import { groupOfLabel } from './label-words.ts';

/**
 * When an image has a dominant visual object (paper, section 6.2): of the detections scored `scoreMin` or more, after
 * suppression, the largest one, if it covers at least `areaMin` of the image or its own confidence is over
 * `ownScoreMin`; else none.
 */
export interface DominanceRules {
  readonly scoreMin: number;
  readonly areaMin: number;
  readonly ownScoreMin: number;
}

export const DOMINANCE: DominanceRules = { scoreMin: 0.3, areaMin: 0.25, ownScoreMin: 0.9 };

export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** The share of the image a box covers; what lies outside the image does not count. */
function coverage(box: Box, image: ImageSize): number {
  return boxArea(clipBox(box, image.width, image.height)) / (image.width * image.height);
}

/** Who wears and carries other objects. */
const WEARER = 'person';
/** Share of an object inside a person from which the person wears it. */
const WORN_SHARE = 0.8;

/** Whether a detection is a person on whom a garment, shoe or bag was found: what is worn is what the picture offers. */
function isWearing(person: Detection, detections: readonly Detection[]): boolean {
  if (person.label !== WEARER) return false;
  const worn = ({ box }: Detection): boolean => boxArea(box) > 0 && boxArea(clipTo(box, person.box)) >= WORN_SHARE * boxArea(box);
  return detections.some((other) => groupOfLabel(other.label) === 'fashion' && worn(other));
}

function clipTo(box: Box, within: Box): Box {
  return [Math.max(box[0], within[0]), Math.max(box[1], within[1]), Math.min(box[2], within[2]), Math.min(box[3], within[3])];
}

/**
 * The dominant object among suppressed detections, or null. Equal areas: the higher score, then the earlier one. A person who wears
 * a garment, shoe or bag that was found too is none.
 */
export function dominantObject(detections: readonly Detection[], image: ImageSize, rules: DominanceRules = DOMINANCE): Detection | null {
  let largest: Detection | null = null;
  let largestShare = -1;
  const sure = detections.filter(({ score }) => score >= rules.scoreMin);
  for (const detection of sure) {
    if (isWearing(detection, sure)) continue;
    const share = coverage(detection.box, image);
    if (share < largestShare || (share === largestShare && largest !== null && detection.score <= largest.score)) continue;
    largest = detection;
    largestShare = share;
  }
  if (largest === null) return null;
  return largestShare >= rules.areaMin || largest.score > rules.ownScoreMin ? largest : null;
}

/** Where truth is known: the largest true box if it covers `areaMin` of the image, else none. */
export function dominantTrueBox(boxes: readonly Box[], image: ImageSize, areaMin: number = DOMINANCE.areaMin): Box | null {
  let largest: Box | null = null;
  for (const box of boxes) if (largest === null || coverage(box, image) > coverage(largest, image)) largest = box;
  return largest !== null && coverage(largest, image) >= areaMin ? largest : null;
}

/** Agreement of a found and a true dominant object: both none, or IoU at least 0.5. */
export function dominantAgrees(found: Box | null, truth: Box | null): boolean {
  if (found === null || truth === null) return found === truth;
  return boxIou(found, truth) >= 0.5;
}
