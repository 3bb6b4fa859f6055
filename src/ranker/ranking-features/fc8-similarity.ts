import type { RankingFeature } from '../scoring/ranking-feature.ts';

/** Cosine of the query's and the candidate's class scores; 0 when one is missing. */
export const fc8Similarity: RankingFeature = {
  name: 'fc8-similarity',
  set: 'visual',
  columns: ['fc8-similarity'],
  signs: [1],
  visualWeight: true,
  fill({ fc8 }, out, column) {
    const values = out.column(column);
    for (let i = 0; i < fc8.length; i++) if (fc8[i] === fc8[i]) values[i] = fc8[i];
  },
};
