/** Training rows as the solver sees them: two products and nothing else, dense or sparse, each column times a scale. */
export interface DesignMatrix {
  readonly rows: number;
  readonly columns: number;
  /** out = X w, length `rows`. */
  times(w: Float64Array, out: Float64Array): void;
  /** out = X^T v, length `columns`. */
  transposeTimes(v: Float64Array, out: Float64Array): void;
}

/**
 * Row-major n x d values. `scale` multiplies columns: a normalization (x - shift) * scale needs no copy of the rows,
 * because the shift cancels in every difference of two rows.
 */
export function denseDesign(data: Float32Array | Float64Array, columns: number, scale?: Float64Array): DesignMatrix {
  const rows = data.length / columns;
  if (!Number.isInteger(rows))
    throw new RangeError(`rows: expected a multiple of ${columns} values, got ${data.length}`);
  const scaled = new Float64Array(columns);
  return {
    rows,
    columns,
    times(w, out) {
      for (let c = 0; c < columns; c++) scaled[c] = w[c] * (scale ? scale[c] : 1);
      for (let row = 0, at = 0; row < rows; row++) {
        let sum = 0;
        for (let c = 0; c < columns; c++) sum += data[at++] * scaled[c];
        out[row] = sum;
      }
    },
    transposeTimes(v, out) {
      out.fill(0);
      for (let row = 0; row < rows; row++) {
        const value = v[row];
        if (value === 0) continue;
        const at = row * columns;
        for (let c = 0; c < columns; c++) out[c] += value * data[at + c];
      }
      if (scale) for (let c = 0; c < columns; c++) out[c] *= scale[c];
    },
  };
}

/** Compressed sparse rows: row r has columns `indexes[start[r] .. start[r + 1])` with `values`; absent is 0. */
export function sparseDesign(
  start: Uint32Array | Float64Array,
  indexes: Uint32Array,
  values: Float32Array | Float64Array,
  columns: number,
  scale?: Float64Array,
): DesignMatrix {
  const rows = start.length - 1;
  const scaled = new Float64Array(columns);
  return {
    rows,
    columns,
    times(w, out) {
      for (let c = 0; c < columns; c++) scaled[c] = w[c] * (scale ? scale[c] : 1);
      for (let row = 0; row < rows; row++) {
        let sum = 0;
        for (let k = start[row]; k < start[row + 1]; k++) sum += values[k] * scaled[indexes[k]];
        out[row] = sum;
      }
    },
    transposeTimes(v, out) {
      out.fill(0);
      for (let row = 0; row < rows; row++) {
        const value = v[row];
        if (value !== 0) for (let k = start[row]; k < start[row + 1]; k++) out[indexes[k]] += value * values[k];
      }
      if (scale) for (let c = 0; c < columns; c++) out[c] *= scale[c];
    },
  };
}
