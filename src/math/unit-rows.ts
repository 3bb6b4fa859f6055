/** Rows of one length, n x d row-major, brought to length 1, and gradients through that. */

/** Copies of rows, each of length 1; a row of zeros stays. */
export function unitRows(rows: Float32Array, length: number): Float32Array {
  const out = new Float32Array(rows.length);
  for (let from = 0; from < rows.length; from += length) {
    const scale = 1 / lengthOf(rows, from, length);
    for (let i = 0; i < length; i++) out[from + i] = rows[from + i] * scale;
  }
  return out;
}

/** The gradient with respect to rows, from that with respect to the same of length 1: (g - (g.u) u) / |row|. */
export function throughNorm(gradient: Float32Array, unit: Float32Array, rows: Float32Array, length: number): Float32Array {
  const out = new Float32Array(gradient.length);
  for (let from = 0; from < rows.length; from += length) {
    let along = 0;
    for (let i = 0; i < length; i++) along += gradient[from + i] * unit[from + i];
    const scale = 1 / lengthOf(rows, from, length);
    for (let i = 0; i < length; i++) out[from + i] = (gradient[from + i] - along * unit[from + i]) * scale;
  }
  return out;
}

/** Length of the row at `from`; of zeros a little more than 0, so that it can be divided by. */
export function lengthOf(rows: Float32Array, from: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += rows[from + i] ** 2;
  return Math.sqrt(sum) || 1e-12;
}
