/** Dot products of one sparse row with many: the query's row is spread out once, every other row then gathers from it. */
import type { SparseRows } from '../catalog/pin-columns.ts';

let spread = new Float32Array(4096);

/**
 * Calls `take(i, dot, squares)` for each candidate i that has entries: `dot` of its row with the query's, `squares` the
 * sum of its own squared weights. Does nothing when the query's row is empty.
 */
export function dotsWithRow(
  rows: SparseRows,
  queryRow: number,
  candidates: Int32Array,
  count: number,
  take: (i: number, dot: number, squares: number) => void,
): void {
  if (queryRow < 0 || rows.length[queryRow] === 0) return;
  const { start, length, ordinals, weights } = rows;
  const first = start[queryRow];
  const end = first + length[queryRow];
  const highest = ordinals[end - 1];
  if (highest >= spread.length) spread = new Float32Array(2 * (highest + 1));
  for (let e = first; e < end; e++) spread[ordinals[e]] = weights[e];
  for (let i = 0; i < count; i++) {
    const row = candidates[i];
    let dot = 0;
    let squares = 0;
    for (let e = start[row], last = e + length[row]; e < last; e++) {
      const weight = weights[e];
      const ordinal = ordinals[e];
      squares += weight * weight;
      if (ordinal <= highest) dot += weight * spread[ordinal];
    }
    if (squares > 0) take(i, dot, squares);
  }
  for (let e = first; e < end; e++) spread[ordinals[e]] = 0;
}

/** Square root of the summed squares of a row. */
export function rowNorm(rows: SparseRows, row: number): number {
  let squares = 0;
  for (let e = rows.start[row], end = e + rows.length[row]; e < end; e++) squares += rows.weights[e] ** 2;
  return Math.sqrt(squares);
}
