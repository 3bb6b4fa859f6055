import type { AffineTerms } from '../../src/ranker/scoring/affine-scores.ts';
import type { FeatureColumns } from '../../src/ranker/scoring/feature-columns.ts';

/** One row after the other: the plain twin of the kernel. */
export function plainScores({ columns, weights, offsets, scales }: AffineTerms, table: FeatureColumns): Float64Array {
  const scores = new Float64Array(table.rows);
  for (let row = 0; row < scores.length; row++) {
    let sum = 0;
    for (let f = 0; f < weights.length; f++) sum += weights[f] * ((table.valueAt(row, columns[f]) - offsets[f]) * scales[f]);
    scores[row] = sum;
  }
  return scores;
}
