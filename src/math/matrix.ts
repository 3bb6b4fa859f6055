/** The one dense matrix that crosses folder lines: row-major, `data[row * columns + column]`, one name per column. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly names: readonly string[];
  readonly data: Float32Array;
}

/** A zeroed matrix of `rows` x `names.length`. */
export function zeroMatrix(rows: number, names: readonly string[]): Matrix {
  return { rows, columns: names.length, names, data: new Float32Array(rows * names.length) };
}
