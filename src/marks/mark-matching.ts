/**
 * Which taught marks a picture shows, and where. Codes propose pairs of a region and a taught picture; local features verify them. What no
 * pair verifies well enough is unknown, and has no label: no set of classes is closed.
 * Source   Bastan, Wu, Cao, Kota and Tek, Large scale open-set deep logo detection, 2019 (OSLD).
 */
import { DESCRIPTOR_WORDS, type LocalFeatures, POINT_NUMBERS } from '../exact/local-features.ts';
import { cornersOf, homographyOf, mapped } from '../exact/homography.ts';
import { verified } from '../exact/spatial-verification.ts';
import { hamming } from '../math/bits.ts';
import { type Box, boxIou, clipBox } from '../vision/box.ts';
import type { MarkView, PictureViews } from './picture-views.ts';

/** Inliers from which a mark has its label: more than any of ten unknown logos reached (`npm run lab -- judge-marks`), which is no proof of a rate. */
export const MARK_INLIERS_MIN = 15;
/** Pairs of a region and a taught picture that are verified, the nearest by code first. */
export const PAIRS_MOST = 100;
/** A region is verified with so much around it, in shares of its sides: grids do not know where a mark ends. */
const AROUND = 0.25;
/** Marks that overlap this much are one: the surer stays. */
const SAME_PLACE = 0.3;

export interface TaughtMark extends MarkView {
  readonly label: string;
}

export interface FoundMark {
  readonly label: string;
  /** 0..1; a half where it is just sure enough. */
  readonly score: number;
  /** In pixels of the upright picture. */
  readonly box: Box;
}

/** A mark that may be there. */
interface MarkCandidate {
  readonly label: string;
  readonly inliers: number;
  readonly box: Box;
}

/** The marks of a picture, surest first. */
export function marksIn(views: PictureViews, taught: readonly TaughtMark[]): FoundMark[] {
  const kept: MarkCandidate[] = [];
  for (const candidate of markCandidates(views, taught)) {
    if (candidate.inliers < MARK_INLIERS_MIN) break;
    if (kept.every(({ box }) => boxIou(box, candidate.box) < SAME_PLACE)) kept.push(candidate);
  }
  return kept.map(({ label, inliers, box }) => ({ label, box, score: inliers / (inliers + MARK_INLIERS_MIN) }));
}

/** All that verification leaves of the proposed pairs, most inliers first. */
export function markCandidates(views: PictureViews, taught: readonly TaughtMark[], most = PAIRS_MOST): MarkCandidate[] {
  const { regions, features } = views;
  const around = new Map<number, LocalFeatures>();
  const found: MarkCandidate[] = [];
  for (const { region, mark } of nearestPairsOf(views, taught).slice(0, most)) {
    const inside = around.get(region) ?? featuresIn(features, regions[region]);
    around.set(region, inside);
    const { inliers, regions: places } = verified(inside, mark.features);
    const map = places && homographyOf(places.second, places.first);
    if (!map) continue;
    const box = boxAround(cornersOf(mark.features.width, mark.features.height).map((corner) => mapped(map, corner)));
    found.push({ label: mark.label, inliers, box: clipBox(box, features.width, features.height) });
  }
  return found.filter(({ box }) => box[2] > box[0] && box[3] > box[1]).sort((a, b) => b.inliers - a.inliers);
}

/** Pairs by the distance of their codes, the nearest first; of equals the lower region. */
export function nearestPairsOf({ codes }: PictureViews, taught: readonly TaughtMark[]) {
  const pairs = codes.flatMap((code, region) => taught.map((mark) => ({ region, mark, distance: hamming(code, mark.code) })));
  return pairs.sort((a, b) => a.distance - b.distance || a.region - b.region);
}

function boxAround(points: readonly (readonly [number, number])[]): Box {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

/** The features within a region and a little around it. */
function featuresIn(features: LocalFeatures, region: Box): LocalFeatures {
  const { width, height, points, descriptors } = features;
  const [dx, dy] = [AROUND * (region[2] - region[0]), AROUND * (region[3] - region[1])];
  const inside: number[] = [];
  for (let i = 0; i < features.count; i++) {
    const [x, y] = [points[POINT_NUMBERS * i], points[POINT_NUMBERS * i + 1]];
    if (x >= region[0] - dx && x <= region[2] + dx && y >= region[1] - dy && y <= region[3] + dy) inside.push(i);
  }
  const out = {
    width,
    height,
    count: inside.length,
    points: new Float32Array(inside.length * POINT_NUMBERS),
    descriptors: new Uint32Array(inside.length * DESCRIPTOR_WORDS),
  };
  inside.forEach((i, at) => {
    out.points.set(points.subarray(POINT_NUMBERS * i, POINT_NUMBERS * (i + 1)), POINT_NUMBERS * at);
    out.descriptors.set(descriptors.subarray(DESCRIPTOR_WORDS * i, DESCRIPTOR_WORDS * (i + 1)), DESCRIPTOR_WORDS * at);
  });
  return out;
}
