import { boxIou } from '../vision/box.ts';
import type { Detection } from './detection.ts';

/**
 * Greedy non-maximum suppression, label by label: from the highest score down, a detection is kept unless it overlaps a
 * kept one of the same label by more than `iou`. Equal scores keep the order given. Returns the kept, highest first.
 *
 * Worked case: shoe 0.9 at [0,0,10,10], shoe 0.8 at [0,0,10,9] (IoU 0.9), bag 0.7 at [0,0,10,10]; iou 0.5 keeps the
 * first shoe and the bag.
 */
export function suppressOverlaps(detections: readonly Detection[], iou: number): readonly Detection[] {
  const kept: Detection[] = [];
  const keptByLabel = new Map<string, Detection[]>();
  for (const detection of byScore(detections)) {
    const sisters = keptByLabel.get(detection.label) ?? [];
    if (sisters.some((sister) => boxIou(sister.box, detection.box) > iou)) continue;
    sisters.push(detection);
    keptByLabel.set(detection.label, sisters);
    kept.push(detection);
  }
  return kept;
}

/** Highest score first; equal scores keep the order given. */
export function byScore(detections: readonly Detection[]): readonly Detection[] {
  return [...detections].sort((a, b) => b.score - a.score);
}

/**
 * What is read from stored detections: at most `proposals` of the highest scored go into suppression (Faster R-CNN
 * finding of the paper, section 5: 100 instead of 300 cost nothing), those under `scoreMin` are left out.
 */
export interface ReadingRules {
  readonly scoreMin: number;
  readonly nmsIou: number;
  readonly proposals?: number;
}

export function readDetections(detections: readonly Detection[], rules: ReadingRules): readonly Detection[] {
  const strong = byScore(detections).filter((detection) => detection.score >= rules.scoreMin);
  return suppressOverlaps(rules.proposals === undefined ? strong : strong.slice(0, rules.proposals), rules.nmsIou);
}
