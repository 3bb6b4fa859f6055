import type { RankingFeature } from '../scoring/ranking-feature.ts';

/** 1 - Hamming / bits of the query's and the candidate's binary codes; 0 when one is missing. */
export const fc6Similarity: RankingFeature = {
  name: 'fc6-similarity',
  set: 'visual',
  columns: ['fc6-similarity'],
  signs: [1],
  visualWeight: true,
  fill({ fc6 }, out, column) {
    const values = out.column(column);
    for (let i = 0; i < fc6.length; i++) if (fc6[i] === fc6[i]) values[i] = fc6[i];
  },
};
