/**
 * Dot products of one sparse row with many: the query's row is spread out once, every other row then gathers from it.
 *
 * The rows lie anywhere in memory, and waiting for them is most of the cost. So it is done in three passes: find where
 * the rows begin, touch the beginning of each, work. The first two are loops of independent loads, of which a processor
 * has ten and more under way at a time; in one loop the next row would wait for the branches of the one before.
 */
import type { SparseRows } from '../catalog/pin-columns.ts';

let spread = new Float32Array(4096);
let first = new Uint32Array(1024);
let size = new Uint16Array(1024);
let sums = new Float64Array(1024);
let squareSums = new Float64Array(1024);
/** Keeps the touching loads from being dropped as useless. */
let touched = 0;

export interface RowDots {
  /** Dot product of candidate i's row with the query's. */
  readonly dots: Float64Array;
  /** Sum of the squared weights of its own row. */
  readonly squares: Float64Array;
}

/** The dot products of all candidates' rows, until the next call; null when the query's row is empty. */
export function dotsWithRow(rows: SparseRows, queryRow: number, candidates: Int32Array, count: number): RowDots | null {
  if (queryRow < 0 || rows.length[queryRow] === 0) return null;
  const highest = spreadOut(rows, queryRow);
  locate(rows, candidates, count);
  const { ordinals, weights } = rows;
  // One kind of array each, always: the engine's code for a choice of kinds is several times slower.
  const [begins, sizes, query, dots, squares] = [first, size, spread, sums, squareSums];
  for (let i = 0; i < count; i++) {
    let dot = 0;
    let square = 0;
    for (let e = begins[i], end = e + sizes[i]; e < end; e++) {
      const weight = weights[e];
      const ordinal = ordinals[e];
      square += weight * weight;
      if (ordinal <= highest) dot += weight * query[ordinal];
    }
    dots[i] = dot;
    squares[i] = square;
  }
  const start = rows.start[queryRow];
  for (let e = start, end = start + rows.length[queryRow]; e < end; e++) query[ordinals[e]] = 0;
  return { dots, squares };
}

/** Lays the query's weights where its ordinals point; returns the highest. */
function spreadOut({ start, length, ordinals, weights }: SparseRows, row: number): number {
  const end = start[row] + length[row];
  const highest = ordinals[end - 1];
  if (highest >= spread.length) spread = new Float32Array(2 * (highest + 1));
  for (let e = start[row]; e < end; e++) spread[ordinals[e]] = weights[e];
  return highest;
}

function locate({ start, length, ordinals, weights }: SparseRows, candidates: Int32Array, count: number): void {
  if (count > first.length) {
    first = new Uint32Array(2 * count);
    size = new Uint16Array(2 * count);
    sums = new Float64Array(2 * count);
    squareSums = new Float64Array(2 * count);
  }
  const [begins, sizes] = [first, size];
  for (let i = 0; i < count; i++) begins[i] = start[candidates[i]];
  for (let i = 0; i < count; i++) sizes[i] = length[candidates[i]];
  let sum = 0;
  for (let i = 0; i < count; i++) sum += ordinals[begins[i]];
  for (let i = 0; i < count; i++) sum += weights[begins[i]];
  touched = sum;
}

/** What the passes touched last; of no meaning. */
export function lastTouched(): number {
  return touched;
}

/** Square root of the summed squares of a row. */
export function rowNorm(rows: SparseRows, row: number): number {
  let squares = 0;
  for (let e = rows.start[row], end = e + rows.length[row]; e < end; e++) squares += rows.weights[e] ** 2;
  return Math.sqrt(squares);
}
