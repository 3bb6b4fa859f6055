/** Training rows as the loss sees them: two products and single rows, dense or sparse, each column times a scale. */
export interface DesignMatrix {
  readonly rows: number;
  readonly columns: number;
  /** out = X w, length `rows`. */
  times(w: Float64Array, out: Float64Array): void;
  /** out = X^T v, length `columns`. */
  transposeTimes(v: Float64Array, out: Float64Array): void;
  /** out = row `row` of X, length `columns`. */
  row(row: number, out: Float64Array): void;
}

/**
 * Row-major n x d values. `scale` multiplies columns: a normalization (x - shift) * scale needs no copy of the rows,
 * because the shift cancels in every difference of two rows.
 */
export function denseDesign(data: Float32Array | Float64Array, columns: number, scale?: Float64Array): DesignMatrix {
  const rows = data.length / columns;
  if (!Number.isInteger(rows)) throw new RangeError(`rows: expected a multiple of ${columns} values, got ${data.length}`);
  const scaled = new Float64Array(columns);
  return {
    rows,
    columns,
    times(w, out) {
      for (let c = 0; c < columns; c++) scaled[c] = w[c] * (scale ? scale[c] : 1);
      let row = 0;
      for (; row + 3 < rows; row += 4) dotFourRows(data, row * columns, columns, scaled, row, out);
      for (; row < rows; row++) {
        let sum = 0;
        for (let c = 0; c < columns; c++) sum += data[row * columns + c] * scaled[c];
        out[row] = sum;
      }
    },
    transposeTimes(v, out) {
      out.fill(0);
      let row = 0;
      for (; row + 3 < rows; row += 4) addFourRows(data, row * columns, columns, v, row, out);
      for (; row < rows; row++) {
        for (let c = 0; c < columns; c++) out[c] += v[row] * data[row * columns + c];
      }
      if (scale) for (let c = 0; c < columns; c++) out[c] *= scale[c];
    },
    row(row, out) {
      for (let c = 0; c < columns; c++) out[c] = data[row * columns + c] * (scale ? scale[c] : 1);
    },
  };
}

/** out_r = x_r w for four rows at once: one sum alone would wait for each addition to finish before the next. */
function dotFourRows(
  data: Float32Array | Float64Array,
  at: number,
  columns: number,
  w: Float64Array,
  row: number,
  out: Float64Array,
): void {
  const at1 = at + columns;
  const at2 = at1 + columns;
  const at3 = at2 + columns;
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let c = 0; c < columns; c++) {
    const weight = w[c];
    s0 += data[at + c] * weight;
    s1 += data[at1 + c] * weight;
    s2 += data[at2 + c] * weight;
    s3 += data[at3 + c] * weight;
  }
  out[row] = s0;
  out[row + 1] = s1;
  out[row + 2] = s2;
  out[row + 3] = s3;
}

/** out += v_r x_r for four rows at once, so that `out` is read and written once for the four. */
function addFourRows(
  data: Float32Array | Float64Array,
  at: number,
  columns: number,
  v: Float64Array,
  row: number,
  out: Float64Array,
): void {
  const v0 = v[row];
  const v1 = v[row + 1];
  const v2 = v[row + 2];
  const v3 = v[row + 3];
  const at1 = at + columns;
  const at2 = at1 + columns;
  const at3 = at2 + columns;
  for (let c = 0; c < columns; c++) out[c] += v0 * data[at + c] + v1 * data[at1 + c] + (v2 * data[at2 + c] + v3 * data[at3 + c]);
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
    row(row, out) {
      out.fill(0);
      for (let k = start[row]; k < start[row + 1]; k++) out[indexes[k]] = values[k] * (scale ? scale[indexes[k]] : 1);
    },
  };
}
