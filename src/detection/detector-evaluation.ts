import type { Box } from '../vision/box.ts';
import { boxArea, boxIou } from '../vision/box.ts';
import {
  cocoAveragePrecision,
  imagesByLabel,
  type JudgedImage,
  type MatchedLabel,
  matchLabel,
  meanAveragePrecision,
} from './average-precision.ts';
import type { Detection } from './detection.ts';
import { dominantAgrees, type DominanceRules, dominantObject, dominantTrueBox } from './dominant-object.ts';
import { type ReadingRules, readDetections } from './suppression.ts';
import type { TrueObject } from './true-objects.ts';

/** One image with everything the net said (before suppression) and what is true, boxes in the same pixels. */
export interface EvaluatedImage {
  readonly width: number;
  readonly height: number;
  readonly detections: readonly Detection[];
  readonly truth: readonly TrueObject[];
}

/** Stored detections -> those of this score or more after suppression, highest first. */
export type DetectionReader = (detections: readonly Detection[], scoreMin: number) => readonly Detection[];

export interface EvaluationRules {
  readonly read: DetectionReader;
  /** The stated threshold at which precision and recall are given. */
  readonly scoreThreshold: number;
  readonly dominance: DominanceRules;
}

interface PrecisionRecall {
  readonly precision: number;
  readonly recall: number;
  /** True boxes judged. */
  readonly boxes: number;
}

/** IoU at which Table 3 of the paper states precision and recall. */
export const TABLE_IOU = 0.7;
const FLOOR = 0.01;

/** Images after suppression, with all detections scored `scoreMin` or more. */
export function judged(images: readonly EvaluatedImage[], read: DetectionReader, scoreMin = FLOOR): readonly JudgedImage[] {
  return images.map((image) => ({ found: read(image.detections, scoreMin), truth: image.truth }));
}

/** Every label's detections matched at the IoU of Table 3. */
export function tableMatches(images: readonly JudgedImage[]): readonly MatchedLabel[] {
  return imagesByLabel(images).map((share) => matchLabel(share, TABLE_IOU));
}

/** Precision and recall at IoU 0.7 of detections scored `scoreThreshold` or more, over all labels, or those given. */
export function precisionRecall(matches: readonly MatchedLabel[], scoreThreshold: number, labels?: readonly string[]): PrecisionRecall {
  let hits = 0;
  let found = 0;
  let boxes = 0;
  for (const matched of matches) {
    if (labels && !labels.includes(matched.label)) continue;
    boxes += matched.positives;
    for (let i = 0; i < matched.scores.length && matched.scores[i] >= scoreThreshold; i++) {
      found++;
      hits += matched.hits[i];
    }
  }
  return { precision: found === 0 ? 0 : hits / found, recall: boxes === 0 ? 0 : hits / boxes, boxes };
}

/** Share of images on which the dominant object agrees with the truth, and how often either side has one. */
export function dominantAgreement(images: readonly EvaluatedImage[], rules: EvaluationRules): Readonly<Record<string, number>> {
  let agreed = 0;
  let bothNone = 0;
  let found = 0;
  let real = 0;
  let located = 0;
  for (const image of images) {
    const mine = dominantObject(rules.read(image.detections, rules.dominance.scoreMin), image, rules.dominance)?.box ?? null;
    const truth = dominantTrueBox(
      image.truth.map((object) => object.box),
      image,
      rules.dominance.areaMin,
    );
    if (mine) found++;
    if (truth) real++;
    if (!dominantAgrees(mine, truth)) continue;
    agreed++;
    if (mine === null) bothNone++;
    else located++;
  }
  const share = (count: number, of: number): number => (of === 0 ? 0 : count / of);
  return {
    agreement: share(agreed, images.length),
    precision: share(located, found),
    recall: share(located, real),
    found,
    real,
    bothNone,
  };
}

/** Share of images with true boxes whose largest one is met (IoU 0.5) by the detection with the highest score x area. */
export function largestBoxFound(images: readonly EvaluatedImage[], read: DetectionReader): number {
  let met = 0;
  let judgedCount = 0;
  for (const { detections, truth } of images) {
    if (truth.length === 0) continue;
    judgedCount++;
    const largest = largestOf(truth, (object) => boxArea(object.box)).box;
    const found = read(detections, FLOOR);
    if (found.length === 0) continue;
    const pick: Box = largestOf(found, (detection) => detection.score * boxArea(detection.box)).box;
    if (boxIou(pick, largest) >= 0.5) met++;
  }
  return judgedCount === 0 ? 0 : met / judgedCount;
}

function largestOf<T>(items: readonly T[], size: (item: T) => number): T {
  return items.reduce((best, item) => (size(item) > size(best) ? item : best));
}

/**
 * mAP and Table 3's figures at one setting; the whole reading of an evaluation in one record.
 *
 *   map50      area under the whole interpolated precision curve at IoU 0.5 (PASCAL VOC since 2010), every detection counted
 *   map50Coco  COCO's AP50: 101 points of that curve, at most 100 detections of a label an image
 *   map5095    COCO's AP: the same, mean over IoU 0.5, 0.55, ... 0.95
 */
export function detectorFigures(images: readonly EvaluatedImage[], rules: EvaluationRules) {
  const all = judged(images, rules.read);
  const map50 = meanAveragePrecision(all, 0.5);
  return {
    map50: map50.mean,
    map50Coco: cocoAveragePrecision(all, [0.5]),
    map5095: cocoAveragePrecision(all),
    ...precisionRecall(tableMatches(all), rules.scoreThreshold),
    apByLabel: map50.byLabel,
    labelsPresent: Object.keys(map50.byLabel).length,
  };
}

const SCORE_STEPS = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
const NMS_STEPS = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8];
const PROPOSAL_STEPS = [10, 25, 50, 100, 300, 1000];

/** Rows of the sweeps of Table 3: score threshold, suppression overlap, number of proposals; one varied at a time. */
export function detectorSweeps(images: readonly EvaluatedImage[], scoreThreshold: number, { nmsIou, proposals }: ReadingRules) {
  const readerOf =
    (settings: Omit<ReadingRules, 'scoreMin'>): DetectionReader =>
    (detections, scoreMin) =>
      readDetections(detections, { ...settings, scoreMin });
  const asRead = tableMatches(judged(images, readerOf({ nmsIou, proposals })));
  const point = (settings: Omit<ReadingRules, 'scoreMin'>) => {
    const read = judged(images, readerOf(settings));
    const { precision, recall } = precisionRecall(tableMatches(read), scoreThreshold);
    return { precision, recall, map50: meanAveragePrecision(read, 0.5).mean };
  };
  return {
    scoreThreshold: SCORE_STEPS.map((value) => {
      const { precision, recall } = precisionRecall(asRead, value);
      return { value, precision, recall };
    }),
    nmsIou: NMS_STEPS.map((value) => ({ value, ...point({ nmsIou: value, proposals }) })),
    proposals: PROPOSAL_STEPS.map((value) => ({ value, ...point({ nmsIou, proposals: value }) })),
  };
}
