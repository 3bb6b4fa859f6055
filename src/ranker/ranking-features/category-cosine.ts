import type { SparseRows } from '../../catalog/pins/pin-columns.ts';
import type { RankingFeature } from '../scoring/ranking-feature.ts';

/** Cosine of the category vectors. */
export const categoryCosine: RankingFeature = {
  name: 'category-cosine',
  set: 'control',
  columns: ['category-cosine'],
  signs: [1],
  fill({ query, candidates, candidatePins, pins }, out, column) {
    if (!candidatePins.hasCategories) return;
    const { categoryDots, categorySquares } = candidatePins;
    const values = out.column(column);
    const queryNorm = rowNorm(pins.categories, query.pinIndex);
    for (let i = 0; i < candidates.count; i++) {
      if (categorySquares[i] > 0) values[i] = categoryDots[i] / (queryNorm * Math.sqrt(categorySquares[i]));
    }
  },
};

/** Square root of the summed squares of a row. */
function rowNorm(rows: SparseRows, row: number): number {
  let squares = 0;
  for (let e = rows.start[row], end = e + rows.length[row]; e < end; e++) squares += rows.weights[e] ** 2;
  return Math.sqrt(squares);
}
