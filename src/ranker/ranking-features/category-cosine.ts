import type { RankingFeature } from '../ranking-feature.ts';
import { dotsWithRow, rowNorm } from '../sparse-dot.ts';

/** Cosine of the category vectors. */
export const categoryCosine: RankingFeature = {
  name: 'category-cosine',
  set: 'control',
  columns: ['category-cosine'],
  fill({ query, candidates, pins }, out, column) {
    if (query.pinIndex < 0) return;
    const queryNorm = rowNorm(pins.categories, query.pinIndex);
    dotsWithRow(pins.categories, query.pinIndex, candidates.pinIndexes, candidates.count, (i, dot, squares) => {
      out.data[i * out.columns + column] = dot / (queryNorm * Math.sqrt(squares));
    });
  },
};
