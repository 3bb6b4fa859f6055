import type { RankingFeature } from '../scoring/ranking-feature.ts';

/** Query has a dominant object x fc6 similarity, and x fc8 similarity. */
export const dominantSimilarities: RankingFeature = {
  name: 'dominant-similarities',
  set: 'object',
  columns: ['dominant x fc6', 'dominant x fc8'],
  fill({ query, fc6, fc8 }, out, column) {
    if (!query.dominantObject) return;
    const byFc6 = out.column(column);
    const byFc8 = out.column(column + 1);
    for (let i = 0; i < fc6.length; i++) {
      if (fc6[i] === fc6[i]) byFc6[i] = fc6[i];
      if (fc8[i] === fc8[i]) byFc8[i] = fc8[i];
    }
  },
};
