import type { RankingFeature } from '../ranking-feature.ts';
import { fillSparseDots, sparseNorm } from '../sparse-similarity.ts';

/** Cosine of the category vectors of query and candidate; 0 where either has none. */
export const categoryCosine: RankingFeature = {
  name: 'category-cosine',
  columns: ['category cosine'],
  fill({ query, candidates, pins }, out, column) {
    if (query.pinIndex < 0) return;
    const rows = pins.categories;
    fillSparseDots(rows, query.pinIndex, candidates.pinIndexes, candidates.count, out, column);
    const queryNorm = sparseNorm(rows, query.pinIndex);
    for (let row = 0; row < candidates.count; row++) {
      const at = row * out.columns + column;
      if (out.data[at] !== 0) out.data[at] /= queryNorm * sparseNorm(rows, candidates.pinIndexes[row]);
    }
  },
};
