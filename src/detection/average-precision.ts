import { boxIou } from '../vision/box.ts';
import type { Detection } from './detection.ts';
import type { TrueObject } from './true-objects.ts';

/** One image as an evaluation sees it: what was found and what is there, boxes in the same pixels. */
export interface JudgedImage {
  readonly found: readonly Detection[];
  readonly truth: readonly TrueObject[];
}

/** All detections of one label over all images, highest score first, each with whether it hit a true box. */
export interface MatchedLabel {
  readonly label: string;
  /** True boxes of the label. */
  readonly positives: number;
  readonly scores: Float64Array;
  readonly hits: Uint8Array;
}

/** Detections of a label in one image that count at most, as in COCO's evaluation (maxDets). */
const COCO_MOST_PER_IMAGE = 100;
/** COCO's ten IoU thresholds: 0.50, 0.55, ... 0.95. */
const COCO_IOUS: readonly number[] = Array.from({ length: 10 }, (_, i) => 0.5 + 0.05 * i);

/** The labels that are present in the truth, by name. */
function presentLabels(images: readonly JudgedImage[]): readonly string[] {
  return [...new Set(images.flatMap((image) => image.truth.map((object) => object.label)))].sort();
}

/** One label's share of a set of images: what was found (highest score first) and what is true, image by image. */
interface LabelImages {
  readonly label: string;
  readonly images: readonly JudgedImage[];
}

/** Images sorted by the labels present in the truth; images that show nothing of a label are left out of its share. */
export function imagesByLabel(images: readonly JudgedImage[]): readonly LabelImages[] {
  const shares = new Map(presentLabels(images).map((label) => [label, [] as JudgedImage[]]));
  for (const image of images) {
    const truth = groupedByLabel(image.truth);
    const found = groupedByLabel(image.found);
    for (const label of new Set([...truth.keys(), ...found.keys()])) {
      const sorted = [...(found.get(label) ?? [])].sort((a, b) => b.score - a.score);
      shares.get(label)?.push({ found: sorted, truth: truth.get(label) ?? [] });
    }
  }
  return [...shares].map(([label, share]) => ({ label, images: share }));
}

function groupedByLabel<T extends { readonly label: string }>(items: readonly T[]): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(item.label);
    if (group) group.push(item);
    else groups.set(item.label, [item]);
  }
  return groups;
}

/**
 * Matches one label as COCO does: in each image, detections from the highest score down each take the free true box they
 * overlap most, if the IoU is at least `iou`; of equal overlaps the later true box. A true box is taken once.
 * Equal scores keep the order of images, then of detections.
 */
export function matchLabel({ label, images }: LabelImages, iou: number, mostPerImage = Number.POSITIVE_INFINITY): MatchedLabel {
  const rows: { score: number; hit: number }[] = [];
  let positives = 0;
  for (const { found, truth } of images) {
    positives += truth.length;
    rows.push(...matchImage(found.slice(0, mostPerImage), truth, iou));
  }
  rows.sort((a, b) => b.score - a.score);
  return {
    label,
    positives,
    scores: Float64Array.from(rows, (row) => row.score),
    hits: Uint8Array.from(rows, (row) => row.hit),
  };
}

function matchImage(found: readonly Detection[], truth: readonly TrueObject[], iou: number): { score: number; hit: number }[] {
  const taken = new Uint8Array(truth.length);
  return found.map((detection) => {
    let best = Math.min(iou, 1 - 1e-10);
    let match = -1;
    for (let i = 0; i < truth.length; i++) {
      if (taken[i]) continue;
      const overlap = boxIou(detection.box, truth[i].box);
      if (overlap < best) continue;
      best = overlap;
      match = i;
    }
    if (match >= 0) taken[match] = 1;
    return { score: detection.score, hit: match >= 0 ? 1 : 0 };
  });
}

/** Recall and (interpolated: best at this recall or more) precision after each detection. */
function precisionCurve(matched: MatchedLabel): { recall: Float64Array; precision: Float64Array } {
  const n = matched.hits.length;
  const recall = new Float64Array(n);
  const precision = new Float64Array(n);
  let hits = 0;
  for (let i = 0; i < n; i++) {
    hits += matched.hits[i];
    recall[i] = hits / matched.positives;
    precision[i] = hits / (i + 1);
  }
  for (let i = n - 2; i >= 0; i--) precision[i] = Math.max(precision[i], precision[i + 1]);
  return { recall, precision };
}

/** Area under the interpolated precision curve, every point (PASCAL VOC since 2010). NaN without true boxes. */
export function averagePrecisionAllPoints(matched: MatchedLabel): number {
  if (matched.positives === 0) return Number.NaN;
  const { recall, precision } = precisionCurve(matched);
  let area = 0;
  for (let i = 0; i < recall.length; i++) area += (recall[i] - (i > 0 ? recall[i - 1] : 0)) * precision[i];
  return area;
}

/** Mean of the interpolated precision at recall 0, 0.01, ... 1 (COCO). NaN without true boxes. */
function averagePrecision101(matched: MatchedLabel): number {
  if (matched.positives === 0) return Number.NaN;
  const { recall, precision } = precisionCurve(matched);
  let sum = 0;
  let at = 0;
  for (let step = 0; step <= 100; step++) {
    while (at < recall.length && recall[at] < step / 100) at++;
    if (at < recall.length) sum += precision[at];
  }
  return sum / 101;
}

/** mAP at one IoU by all points over the labels present: label -> AP, and the mean. */
export function meanAveragePrecision(images: readonly JudgedImage[], iou: number): { mean: number; byLabel: Record<string, number> } {
  const rows = imagesByLabel(images).map((share) => [share.label, averagePrecisionAllPoints(matchLabel(share, iou))] as const);
  return { mean: meanOf(rows.map(([, precision]) => precision)), byLabel: Object.fromEntries(rows) };
}

/** COCO's AP: 101 points, at most 100 detections of a label an image, mean over labels present and the given IoUs. */
export function cocoAveragePrecision(images: readonly JudgedImage[], ious: readonly number[] = COCO_IOUS): number {
  const shares = imagesByLabel(images);
  return meanOf(ious.flatMap((iou) => shares.map((share) => averagePrecision101(matchLabel(share, iou, COCO_MOST_PER_IMAGE)))));
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0) / values.length;
}
