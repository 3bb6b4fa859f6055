import { similaritiesTo } from '../../features/code-similarity.ts';
import type { RankingFeature } from '../scoring/ranking-feature.ts';

/** fc6 similarity of the query's object crop with the candidate's whole image; 0 without a dominant object. */
export const objectCropSimilarity: RankingFeature = {
  name: 'object-crop-similarity',
  set: 'object',
  columns: ['object-crop-fc6'],
  signs: [1],
  fill({ query, visual, candidates }, out, column) {
    if (!query.dominantObject || !visual) return;
    const similarities = new Float32Array(candidates.count);
    similaritiesTo(query.dominantObject.code, visual.image, candidates.pinIndexes, similarities);
    const values = out.column(column);
    for (let i = 0; i < similarities.length; i++) {
      if (similarities[i] === similarities[i]) values[i] = similarities[i];
    }
  },
};
