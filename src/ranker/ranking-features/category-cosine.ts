import type { RankingFeature } from '../ranking-feature.ts';
import { dotsWithRow, rowNorm } from '../sparse-dot.ts';

/** Cosine of the category vectors. */
export const categoryCosine: RankingFeature = {
  name: 'category-cosine',
  set: 'control',
  columns: ['category-cosine'],
  fill({ query, candidates, pins }, out, column) {
    const { pinIndexes, count } = candidates;
    const found = dotsWithRow(pins.categories, query.pinIndex, pinIndexes, count);
    if (!found) return;
    const values = out.column(column);
    const { dots, squares } = found;
    const queryNorm = rowNorm(pins.categories, query.pinIndex);
    for (let i = 0; i < count; i++) if (squares[i] > 0) values[i] = dots[i] / (queryNorm * Math.sqrt(squares[i]));
  },
};
