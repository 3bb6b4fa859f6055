/**
 * Which taught marks a picture shows, and where. Codes of regions say which taught pictures are compared first; local features of the whole
 * picture and its parts verify them. What verifies not well enough is unknown, and has no label: no set of classes is closed.
 * Source   Bastan, Wu, Cao, Kota and Tek, Large scale open-set deep logo detection, 2019 (OSLD).
 */
import { chosenFeatures, type LocalFeatures, POINT_NUMBERS } from '../exact/local-features.ts';
import { cornersOf, homographyOf, mapped } from '../exact/homography.ts';
import { verified } from '../exact/spatial-verification.ts';
import { hamming } from '../math/bits.ts';
import { type Box, boxIou, clipBox } from '../vision/box.ts';
import type { MarkView, PictureViews } from './picture-views.ts';

/**
 * Sureness from which a mark has its label: the inliers times the root of the share of the taught picture that they span. Inliers alone
 * accept strange marks that have a part in common with a taught one. Fitted by `npm run lab -- judge-marks`; DECISIONS.md says how well.
 */
export const MARK_SURENESS_MIN = 3.65;
/** Taught pictures that are compared, those that any region is nearest to by code first. */
export const COMPARED_MOST = 40;
/** Places of one picture at which one taught picture is found. */
const PLACES_MOST = 5;
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
  readonly sureness: number;
  readonly box: Box;
}

/** The marks of a picture, surest first. */
export function marksIn(views: PictureViews, taught: readonly TaughtMark[]): FoundMark[] {
  const kept: MarkCandidate[] = [];
  for (const candidate of markCandidates(views, taught)) {
    if (candidate.sureness < MARK_SURENESS_MIN) break;
    if (kept.every(({ box }) => boxIou(box, candidate.box) < SAME_PLACE)) kept.push(candidate);
  }
  return kept.map(({ label, sureness, box }) => ({ label, box, score: sureness / (sureness + MARK_SURENESS_MIN) }));
}

/** All that verification leaves of the taught pictures, surest first. */
export function markCandidates(views: PictureViews, taught: readonly TaughtMark[], most = COMPARED_MOST): MarkCandidate[] {
  const nearest = [...new Set(nearestPairsOf(views, taught).map(({ mark }) => mark))];
  return nearest
    .slice(0, most)
    .flatMap((mark) => placesOf(mark, views.features))
    .sort((a, b) => b.sureness - a.sureness);
}

/** Where a taught picture may be: after a place that is sure enough, the rest of the picture is asked. */
function placesOf(mark: TaughtMark, features: LocalFeatures): MarkCandidate[] {
  const places: MarkCandidate[] = [];
  for (let rest = features; places.length < PLACES_MOST;) {
    const place = placeOf(mark, rest);
    if (place === null) break;
    places.push(place);
    if (place.sureness < MARK_SURENESS_MIN) break;
    rest = featuresOutside(rest, place.box);
  }
  return places;
}

function placeOf(mark: TaughtMark, features: LocalFeatures): MarkCandidate | null {
  const { inliers, regions } = verified(features, mark.features);
  const map = regions && homographyOf(regions.second, regions.first);
  if (!map) return null;
  const { width, height } = mark.features;
  const box = clipBox(boxAround(cornersOf(width, height).map((corner) => mapped(map, corner))), features.width, features.height);
  if (box[2] <= box[0] || box[3] <= box[1]) return null;
  const [x1, y1, x2, y2] = boxAround(regions.second);
  const sureness = inliers * Math.sqrt(((x2 - x1) * (y2 - y1)) / (width * height));
  return { label: mark.label, sureness, box };
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

function featuresOutside(features: LocalFeatures, [x1, y1, x2, y2]: Box): LocalFeatures {
  const outside: number[] = [];
  for (let i = 0; i < features.count; i++) {
    const [x, y] = features.points.subarray(POINT_NUMBERS * i, POINT_NUMBERS * i + 2);
    if (x < x1 || x > x2 || y < y1 || y > y2) outside.push(i);
  }
  return chosenFeatures(features, outside);
}
