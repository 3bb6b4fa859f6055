import type { RankingFeature } from '../ranking-feature.ts';

/** The weight of the board co-occurrence list; 0 for candidates that other sources proposed. */
export const cooccurrenceScore: RankingFeature = {
  name: 'cooccurrence-score',
  columns: ['cooccurrence'],
  fill({ candidates }, out, column) {
    const source = candidates.sourceNames.indexOf('board-cooccurrence');
    if (source < 0) return;
    const width = candidates.sourceNames.length;
    for (let row = 0; row < candidates.count; row++) {
      const score = candidates.sourceScores[row * width + source];
      if (score === score) out.data[row * out.columns + column] = score;
    }
  },
};
