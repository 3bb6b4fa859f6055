import type { Matrix } from '../math/matrix.ts';

/**
 * Matrices for the feature rows of all candidates of a request. A thousand rows take half a megabyte: made anew each
 * time, most of a request would go into touching fresh memory. Whoever takes one gives it back; requests that wait for a
 * model of their own kind hold several at once.
 */
export class RowScratch {
  private readonly names: readonly string[];
  private readonly free: Float32Array[] = [];

  constructor(names: readonly string[]) {
    this.names = names;
  }

  /** A zeroed matrix; only until it is given back. */
  take(rows: number): Matrix {
    const columns = this.names.length;
    const wanted = rows * columns;
    let data = this.free.pop() ?? new Float32Array(0);
    if (data.length < wanted) data = new Float32Array(wanted);
    else data.fill(0, 0, wanted);
    return { rows, columns, names: this.names, data };
  }

  giveBack(matrix: Matrix): void {
    if (this.free.length < 8) this.free.push(matrix.data);
  }
}

/** Copies of some rows, in the order given. */
export function pickedRows(all: Matrix, rows: ArrayLike<number>): Matrix {
  const { columns, names } = all;
  const data = new Float32Array(rows.length * columns);
  for (let i = 0; i < rows.length; i++) {
    const from = rows[i] * columns;
    data.set(all.data.subarray(from, from + columns), i * columns);
  }
  return { rows: rows.length, columns, names, data };
}
