import type { Detection } from './detection.ts';

/**
 * Greedy non-maximum suppression, label by label: from the highest score down, a detection is kept unless it overlaps a
 * kept one of the same label by more than `iou`. Equal scores keep the order given. Returns the kept, highest first.
 *
 * Worked case: shoe 0.9 at [0,0,10,10], shoe 0.8 at [0,0,10,9] (IoU 0.9), bag 0.7 at [0,0,10,10]; iou 0.5 keeps the
 * first shoe and the bag.
 */
export function suppressOverlaps(detections: readonly Detection[], iou: number): readonly Detection[] {
  const keptByLabel = new Map<string, KeptBoxes>();
  return byScore(detections).filter((detection) => {
    let kept = keptByLabel.get(detection.label);
    if (!kept) {
      kept = new KeptBoxes();
      keptByLabel.set(detection.label, kept);
    }
    return kept.keep(detection, iou);
  });
}

/** Boxes of one label in one flat list: a detector with a low floor asks for hundreds of millions of overlaps. */
class KeptBoxes {
  /** x1, y1, x2, y2, area of each. */
  private readonly numbers: number[] = [];

  /** Keeps a box unless it overlaps a kept one by more than `iou`; says whether it did. */
  keep({ box }: Detection, iou: number): boolean {
    const { numbers } = this;
    const [x1, y1, x2, y2] = box;
    const area = (x2 - x1) * (y2 - y1);
    for (let i = 0; i < numbers.length; i += 5) {
      const width = Math.min(x2, numbers[i + 2]) - Math.max(x1, numbers[i]);
      const height = Math.min(y2, numbers[i + 3]) - Math.max(y1, numbers[i + 1]);
      if (width <= 0 || height <= 0) continue;
      const shared = width * height;
      if (shared > iou * (area + numbers[i + 4] - shared)) return false;
    }
    numbers.push(x1, y1, x2, y2, area);
    return true;
  }
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
  const strong = byScore(detections.filter((detection) => detection.score >= rules.scoreMin));
  return suppressOverlaps(rules.proposals === undefined ? strong : strong.slice(0, rules.proposals), rules.nmsIou);
}
