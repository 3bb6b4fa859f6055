import { siteCategories } from '../../catalog/pin-columns.ts';
import type { RankingFeature } from '../ranking-feature.ts';
import { fillCodeSimilarity } from './fc6-similarity.ts';

const CATEGORIES = siteCategories();
export const CATEGORY_CROSSES = CATEGORIES.map((name) => `${name} x fc6`);

/**
 * For each site-wide category: category weight of the query x fc6 similarity (the paper's section 5.2), so that a model
 * can trust the eye more in art than in quotes. Sparse: a query has a few categories.
 */
export const categoryCross: RankingFeature = {
  name: 'category-cross',
  columns: CATEGORY_CROSSES,
  fill({ query, candidates, pins, visual }, out, firstColumn) {
    if (!visual || !query.visual || query.pinIndex < 0) return;
    const rows = pins.categories;
    for (let k = rows.start[query.pinIndex]; k < rows.start[query.pinIndex] + rows.length[query.pinIndex]; k++) {
      const column = firstColumn + rows.ordinals[k];
      if (rows.ordinals[k] >= CATEGORIES.length) continue;
      fillCodeSimilarity(query.visual.code, visual.image, candidates.pinIndexes, candidates.count, out, column);
      const weight = rows.weights[k];
      for (let row = 0; row < candidates.count; row++) out.data[row * out.columns + column] *= weight;
    }
  },
};
