import type { RankingFeature } from '../ranking-feature.ts';

let cosines = new Float32Array(1024);

/** Cosine of the class activations, and whether both sides have them. */
export const fc8Similarity: RankingFeature = {
  name: 'fc8-similarity',
  columns: ['fc8 similarity', 'both have fc8'],
  fill({ query, candidates, visual }, out, column) {
    const scores = query.visual?.scores;
    if (!visual || !scores) return;
    if (cosines.length < candidates.count) cosines = new Float32Array(2 * candidates.count);
    visual.imageScores.cosines(scores, candidates.pinIndexes, candidates.count, cosines);
    for (let row = 0; row < candidates.count; row++) {
      if (cosines[row] !== cosines[row]) continue;
      out.data[row * out.columns + column] = cosines[row];
      out.data[row * out.columns + column + 1] = 1;
    }
  },
};
