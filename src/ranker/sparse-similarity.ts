import type { SparseRows } from '../catalog/pin-columns.ts';
import type { Matrix } from '../math/matrix.ts';

let scratch = new Float32Array(1024);

/**
 * Writes the dot product of sparse row `query` with each candidate's row into a column (a cosine when rows have length 1).
 * The query's weights are laid out densely once, so that a candidate costs its own terms only.
 */
export function fillSparseDots(rows: SparseRows, query: number, pinIndexes: Int32Array, count: number, out: Matrix, column: number): void {
  const from = rows.start[query];
  const to = from + rows.length[query];
  if (from === to) return;
  const highest = rows.ordinals[to - 1];
  if (scratch.length <= highest) scratch = new Float32Array(2 * highest + 2);
  for (let k = from; k < to; k++) scratch[rows.ordinals[k]] = rows.weights[k];
  for (let row = 0; row < count; row++) {
    const start = rows.start[pinIndexes[row]];
    const end = start + rows.length[pinIndexes[row]];
    let sum = 0;
    for (let k = start; k < end; k++) {
      const ordinal = rows.ordinals[k];
      if (ordinal > highest) break;
      sum += scratch[ordinal] * rows.weights[k];
    }
    out.data[row * out.columns + column] = sum;
  }
  for (let k = from; k < to; k++) scratch[rows.ordinals[k]] = 0;
}

/** The L2 norm of one sparse row. */
export function sparseNorm(rows: SparseRows, row: number): number {
  let sum = 0;
  for (let k = rows.start[row]; k < rows.start[row] + rows.length[row]; k++) sum += rows.weights[k] ** 2;
  return Math.sqrt(sum);
}
