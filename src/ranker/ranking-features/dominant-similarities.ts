import type { RankingFeature } from '../ranking-feature.ts';

/** Query has a dominant object x fc6 similarity, and x fc8 similarity. */
export const dominantSimilarities: RankingFeature = {
  name: 'dominant-similarities',
  set: 'object',
  columns: ['dominant x fc6', 'dominant x fc8'],
  fill({ query, fc6, fc8 }, out, column) {
    if (!query.dominantObject) return;
    for (let i = 0; i < fc6.length; i++) {
      if (fc6[i] === fc6[i]) out.data[i * out.columns + column] = fc6[i];
      if (fc8[i] === fc8[i]) out.data[i * out.columns + column + 1] = fc8[i];
    }
  },
};
