import type { RankingFeature } from '../scoring/ranking-feature.ts';

/** fc6 similarity of the query's object crop with the candidate's whole image; 0 without a dominant object. */
export const objectCropSimilarity: RankingFeature = {
  name: 'object-crop-similarity',
  set: 'object',
  columns: ['object-crop-fc6'],
  signs: [1],
  fill({ query, visual, cropFc6 }, out, column) {
    if (!query.dominantObject || !visual) return;
    const values = out.column(column);
    for (let i = 0; i < cropFc6.length; i++) if (cropFc6[i] === cropFc6[i]) values[i] = cropFc6[i];
  },
};
