/**
 * Whether two pictures show the same flat thing: pairs of key points that one projective map explains.
 *
 * Each pair by itself says how the thing was moved, turned and scaled (key points have a size and an angle); the
 * guess that most pairs agree with roughly is kept (Philbin, Chum, Isard, Sivic and Zisserman, Object retrieval with large vocabularies
 * and fast spatial matching, CVPR 2007, section 4). Among those that agree, homographies through four drawn pairs are tried (RANSAC;
 * Fischler and Bolles, CACM 1981), and the one with the most inliers counts. Draws are seeded: same pictures, same answer.
 */
import { type Random, seededRandom } from '../math/random.ts';
import { distinctPairs, type KeyPointPair, nearestPairs } from './descriptor-matches.ts';
import { type Homography, homographyOf, mapped, type Point, type Quadrilateral } from './homography.ts';
import { type LocalFeatures, POINT_NUMBERS } from './local-features.ts';

export interface Verified {
  /** Pairs of key points that one homography explains, each place counted once. */
  readonly inliers: number;
  /** What the pairs span: the matched region of the second picture and where it lies in the first, in pixels of each. */
  readonly regions: { readonly first: Quadrilateral; readonly second: Quadrilateral } | null;
}

const NONE: Verified = { inliers: 0, regions: null };
const PAIRS_MIN = 4;
/** How far a mapped point may lie from its partner, in shares of the longer side: roughly, and by the final homography. */
const ROUGH = 0.06;
const CLOSE = 0.012;
const DRAWS = 120;
/** Guesses that are tried at most. */
const GUESSES = 150;
/** A scale factor beyond these is no likeness. */
const SCALE_MAX = 8;
/** Inliers in one cell of so many shares of the longer side count once: a corner found at five scales is one place. */
const CELL = 0.008;

/** Verifies the first picture against the second. */
export function verified(first: LocalFeatures, second: LocalFeatures): Verified {
  if (first.count < PAIRS_MIN || second.count < PAIRS_MIN) return NONE;
  const pairs = distinctPairs(nearestPairs(first.descriptors, second.descriptors));
  return verifiedPairs(first, second, pairs);
}

/** The same from pairs that were found before. */
export function verifiedPairs(first: LocalFeatures, second: LocalFeatures, pairs: readonly KeyPointPair[]): Verified {
  const agreeing = roughlyAgreeing(first, second, pairs);
  if (agreeing.length < PAIRS_MIN) return NONE;
  const places = agreeing.map(([a, b]) => ({ from: pointOf(first, a), to: pointOf(second, b) }));
  const side = Math.max(second.width, second.height);
  const best = bestHomography(places, CLOSE * side, seededRandom(places.length));
  if (best === null) return NONE;
  const inliers = places.filter((place) => isNear(best, place, CLOSE * side));
  const count = Math.min(distinctPlaces(inliers, 'from', first), distinctPlaces(inliers, 'to', second));
  return count < PAIRS_MIN ? NONE : { inliers: count, regions: regionsOf(inliers, best) };
}

interface Place {
  readonly from: Point;
  readonly to: Point;
}

const pointOf = ({ points }: LocalFeatures, i: number): Point => [points[POINT_NUMBERS * i], points[POINT_NUMBERS * i + 1]];

/** A similarity: (x, y) goes to (p x - q y + u, q x + p y + v). */
interface Similarity {
  readonly p: number;
  readonly q: number;
  readonly u: number;
  readonly v: number;
}

function similarityOf(first: LocalFeatures, second: LocalFeatures, [a, b]: KeyPointPair): Similarity | null {
  const [x, y, size, angle] = first.points.subarray(POINT_NUMBERS * a, POINT_NUMBERS * (a + 1));
  const [u, v, otherSize, otherAngle] = second.points.subarray(POINT_NUMBERS * b, POINT_NUMBERS * (b + 1));
  const scale = otherSize / size;
  if (!(scale < SCALE_MAX && scale > 1 / SCALE_MAX)) return null;
  const turn = ((otherAngle - angle) * Math.PI) / 180;
  const [p, q] = [scale * Math.cos(turn), scale * Math.sin(turn)];
  return { p, q, u: u - p * x + q * y, v: v - q * x - p * y };
}

/** The pairs that agree with the guess that most agree with. */
function roughlyAgreeing(first: LocalFeatures, second: LocalFeatures, pairs: readonly KeyPointPair[]): KeyPointPair[] {
  const reach = (ROUGH * Math.max(second.width, second.height)) ** 2;
  const step = Math.max(1, pairs.length / GUESSES);
  let best: { readonly guess: Similarity; readonly count: number } | null = null;
  for (let i = 0; i < pairs.length; i += step) {
    const guess = similarityOf(first, second, pairs[Math.floor(i)]);
    if (guess === null) continue;
    let count = 0;
    for (const pair of pairs) if (missOf(guess, first, second, pair) <= reach) count++;
    if (best === null || count > best.count) best = { guess, count };
  }
  if (best === null) return [];
  const { guess } = best;
  return pairs.filter((pair) => missOf(guess, first, second, pair) <= 2 * reach);
}

/** Squared distance in the second picture. */
function missOf({ p, q, u, v }: Similarity, first: LocalFeatures, second: LocalFeatures, [a, b]: KeyPointPair): number {
  const [x, y] = [first.points[POINT_NUMBERS * a], first.points[POINT_NUMBERS * a + 1]];
  const dx = p * x - q * y + u - second.points[POINT_NUMBERS * b];
  const dy = q * x + p * y + v - second.points[POINT_NUMBERS * b + 1];
  return dx * dx + dy * dy;
}

function bestHomography(places: readonly Place[], reach: number, random: Random): Homography | null {
  let best: { readonly map: Homography; readonly count: number } | null = null;
  for (let draw = 0; draw < DRAWS; draw++) {
    const map = homographyThrough(fourOf(places, random));
    if (map === null) continue;
    let count = 0;
    for (const place of places) if (isNear(map, place, reach)) count++;
    if (best === null || count > best.count) best = { map, count };
  }
  if (best === null) return null;
  // Once more through all that agree: drawn corners lie close together as often as not.
  const all = places.filter((place) => isNear(best.map, place, reach));
  const refined = fittedHomography(all);
  return refined !== null && places.filter((place) => isNear(refined, place, reach)).length >= best.count ? refined : best.map;
}

function fourOf(places: readonly Place[], random: Random): Place[] {
  const chosen = new Set<number>();
  while (chosen.size < 4) chosen.add(random.integer(places.length));
  return [...chosen].map((i) => places[i]);
}

/** Null where the map mirrors, or lies on a line: no camera does that to a thing it sees from the front. */
function homographyThrough(four: readonly Place[]): Homography | null {
  for (let i = 0; i < 4; i++) {
    const [a, b, c] = [four[i], four[(i + 1) % 4], four[(i + 2) % 4]];
    const turned = turnOf(a.from, b.from, c.from) * turnOf(a.to, b.to, c.to);
    if (!(turned > 0)) return null;
  }
  return homographyOf(
    four.map(({ from }) => from),
    four.map(({ to }) => to),
  );
}

function turnOf([ax, ay]: Point, [bx, by]: Point, [cx, cy]: Point): number {
  return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
}

/** The affine map that fits all places best, by least squares, as a homography; null where they lie on a line. */
function fittedHomography(places: readonly Place[]): Homography | null {
  const n = places.length;
  if (n < PAIRS_MIN) return null;
  const mean = (of: (place: Place) => number): number => places.reduce((sum, place) => sum + of(place), 0) / n;
  const [mx, my, mu, mv] = [mean((p) => p.from[0]), mean((p) => p.from[1]), mean((p) => p.to[0]), mean((p) => p.to[1])];
  const centred = places.map(({ from, to }) => [from[0] - mx, from[1] - my, to[0] - mu, to[1] - mv]);
  const sum = (i: number, j: number): number => centred.reduce((total, row) => total + row[i] * row[j], 0);
  const [xx, xy, yy] = [sum(0, 0), sum(0, 1), sum(1, 1)];
  const det = xx * yy - xy * xy;
  if (det < 1e-6 * xx * yy || det === 0) return null;
  const row = (k: number): readonly [number, number] => [(sum(0, k) * yy - sum(1, k) * xy) / det, (sum(1, k) * xx - sum(0, k) * xy) / det];
  const [[a, b], [c, d]] = [row(2), row(3)];
  return [a, b, mu - a * mx - b * my, c, d, mv - c * mx - d * my, 0, 0, 1];
}

function isNear(map: Homography, { from, to }: Place, reach: number): boolean {
  const [x, y] = mapped(map, from);
  return Math.abs(x - to[0]) <= reach && Math.abs(y - to[1]) <= reach;
}

function distinctPlaces(places: readonly Place[], end: 'from' | 'to', { width, height }: LocalFeatures): number {
  const cell = CELL * Math.max(width, height);
  return new Set(places.map((place) => place[end].map((value) => Math.floor(value / cell)).join(' '))).size;
}

/** The box around the inliers of the second picture, and where its corners are in the first: there the thing may lie turned. */
function regionsOf(inliers: readonly Place[], map: Homography): Verified['regions'] {
  const xs = inliers.map(({ to }) => to[0]);
  const ys = inliers.map(({ to }) => to[1]);
  const [left, top, right, foot] = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
  const second: Quadrilateral = [
    [left, top],
    [right, top],
    [right, foot],
    [left, foot],
  ];
  const [[ax, ay], [bx, by]] = [inliers[0].from, inliers[1].from];
  const reach = 1 + Math.abs(bx - ax) + Math.abs(by - ay);
  const around: Point[] = [
    [ax, ay],
    [ax + reach, ay],
    [ax + reach, ay + reach],
    [ax, ay + reach],
  ];
  const back = homographyOf(
    around.map((point) => mapped(map, point)),
    around,
  );
  return back && { first: second.map((corner) => mapped(back, corner)) as unknown as Quadrilateral, second };
}
