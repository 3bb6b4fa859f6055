/**
 * Scores of affine models, four rows at a time: each row's sum is added in feature order, so it has the bits of the sum
 * that `explain` gives, while four independent sums keep the processor busy and every row is read once, in memory order.
 */
import type { Matrix } from '../math/matrix.ts';
import type { Normalization } from './normalizer.ts';

/** score = sum over f of weight_f x ((value_f - offset_f) x scale_f); features of weight 0 are left out. */
export interface AffineTerms {
  readonly columns: Int32Array;
  readonly weights: Float64Array;
  readonly offsets: Float64Array;
  readonly scales: Float64Array;
}

/** The terms of a model whose normalizations are all affine; null when one is not. */
export function affineTerms(
  normalizations: readonly Normalization[],
  weights: Float64Array,
  columns: Int32Array,
): AffineTerms | null {
  const used = Array.from(weights.keys()).filter((f) => weights[f] !== 0);
  const lines = used.map((f) => lineOf(normalizations[f]));
  if (lines.includes(null)) return null;
  const all = lines as readonly (readonly [number, number])[];
  return {
    columns: Int32Array.from(used, (f) => columns[f]),
    weights: Float64Array.from(used, (f) => weights[f]),
    offsets: Float64Array.from(all, ([offset]) => offset),
    scales: Float64Array.from(all, ([, scale]) => scale),
  };
}

function lineOf(normalization: Normalization): readonly [offset: number, scale: number] | null {
  if (normalization.kind === 'none') return [0, 1];
  if (normalization.kind === 'standard') return [normalization.mean, 1 / normalization.deviation];
  if (normalization.kind === 'min-max') return [normalization.min, 1 / (normalization.max - normalization.min)];
  return null;
}

export function affineScores({ columns, weights, offsets, scales }: AffineTerms, rows: Matrix): Float64Array {
  const { data, columns: width } = rows;
  const scores = new Float64Array(rows.rows);
  const whole = rows.rows - (rows.rows % 4);
  for (let row = 0; row < whole; row += 4) {
    const at = row * width;
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let f = 0; f < weights.length; f++) {
      const first = at + columns[f];
      const weight = weights[f];
      const offset = offsets[f];
      const scale = scales[f];
      a += weight * ((data[first] - offset) * scale);
      b += weight * ((data[first + width] - offset) * scale);
      c += weight * ((data[first + 2 * width] - offset) * scale);
      d += weight * ((data[first + 3 * width] - offset) * scale);
    }
    scores[row] = a;
    scores[row + 1] = b;
    scores[row + 2] = c;
    scores[row + 3] = d;
  }
  for (let row = whole; row < rows.rows; row++) {
    let sum = 0;
    for (let f = 0; f < weights.length; f++)
      sum += weights[f] * ((data[row * width + columns[f]] - offsets[f]) * scales[f]);
    scores[row] = sum;
  }
  return scores;
}
