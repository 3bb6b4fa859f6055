/**
 * Where images lie to each other, laid out on a plane: UMAP (McInnes, Healy and Melville, arXiv 1802.03426, 2018) over exact
 * nearest neighbours by cosine. The only importer of umap-js. Same rows, same seed, same map.
 */
import { UMAP } from 'umap-js';
import { mixedSeed, seededRandom } from '../math/random.ts';
import { topK } from '../math/top-k.ts';
import { unitRows } from '../math/unit-rows.ts';

/** Neighbours that shape the map; of the library's 15, what a small set has. */
const NEIGHBORS = 15;
/** Thumbnails want air inside a cluster and little of it between clusters: more than the usual 0.1 and 1. */
const MIN_DISTANCE = 0.8;
const SPREAD = 2;

export interface MapLayout {
  /** n x 2, row-major, both axes within 0..1. */
  readonly points: Float32Array;
  /** Per image its nearest others in the space itself, nearest first: what the plane may hide. */
  readonly neighbors: readonly Int32Array[];
}

/** Rows of one length -> a map. Throws RangeError with fewer than three rows. */
export function layOutImages(rows: readonly Float32Array[], seed: number): MapLayout {
  if (rows.length < 3) throw new RangeError(`rows: expected three or more, got ${rows.length}`);
  const nearest = nearestRows(rows, Math.min(NEIGHBORS, rows.length - 1));
  const random = seededRandom(mixedSeed(seed, 'image map'));
  const map = new UMAP({ nNeighbors: nearest.ids[0].length, minDist: MIN_DISTANCE, spread: SPREAD, random: random.next });
  map.setPrecomputedKNN(
    nearest.ids.map((ids, i) => [i, ...ids.slice(0, -1)]),
    nearest.distances.map((distances) => [0, ...distances.slice(0, -1)]),
  );
  const placed = map.fit(rows.map(() => [0]));
  return { points: withinUnit(placed), neighbors: nearest.ids };
}

/** For every row the `count` nearest others by cosine, and 1 - cosine. */
function nearestRows(rows: readonly Float32Array[], count: number): { ids: Int32Array[]; distances: Float64Array[] } {
  const units = rows.map((row) => unitRows(row, row.length));
  const others = Int32Array.from(rows, (_, i) => i);
  const cosines = new Float64Array(rows.length);
  const found = units.map((unit, i) => {
    units.forEach((other, j) => {
      let sum = 0;
      for (let k = 0; k < unit.length; k++) sum += unit[k] * other[k];
      cosines[j] = j === i ? -2 : sum;
    });
    return topK(others, cosines, count);
  });
  return {
    ids: found.map(({ ids }) => ids),
    distances: found.map(({ scores }) => scores.map((cosine) => Math.max(0, 1 - cosine))),
  };
}

/** Both axes moved and shrunk by one factor, so that the map keeps its shape. */
function withinUnit(placed: readonly (readonly number[])[]): Float32Array {
  const span = [0, 1].map((axis) => {
    const values = placed.map((point) => point[axis]);
    return { low: Math.min(...values), high: Math.max(...values) };
  });
  const size = Math.max(...span.map(({ low, high }) => high - low), Number.MIN_VALUE);
  return Float32Array.from(placed.flat(), (value, i) => {
    const { low, high } = span[i % 2];
    return (value - (low + high) / 2) / size + 0.5;
  });
}
