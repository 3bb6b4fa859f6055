import { SITE_CATEGORIES } from '../../config.ts';
import type { RankingFeature } from '../scoring/ranking-feature.ts';

/**
 * For each of the 32 site-wide categories: category weight of the query x fc6 similarity. Unknown categories have no
 * column: ordinals beyond the 32 are passed over.
 */
export const fc6CategoryCrosses: RankingFeature = {
  name: 'fc6-category-crosses',
  set: 'cross',
  columns: SITE_CATEGORIES.map((category) => `fc6 x ${category}`),
  visualWeight: true,
  fill({ query, fc6, pins }, out, firstColumn) {
    if (query.pinIndex < 0) return;
    const { start, length, ordinals, weights } = pins.categories;
    for (let e = start[query.pinIndex], end = e + length[query.pinIndex]; e < end; e++) {
      const column = SITE_CATEGORIES.indexOf(pins.categoryNames[ordinals[e]]);
      if (column < 0) continue;
      const values = out.column(firstColumn + column);
      for (let i = 0; i < fc6.length; i++) {
        if (fc6[i] === fc6[i]) values[i] = weights[e] * fc6[i];
      }
    }
  },
};
