import type { RankingFeature } from '../scoring/ranking-feature.ts';

/** The weight of the candidate in the query's co-occurrence list; 0 when it is not in it. */
export const cooccurrenceScore: RankingFeature = {
  name: 'cooccurrence-score',
  set: 'control',
  columns: ['cooccurrence-score'],
  signs: [1],
  fill({ candidates }, out, column) {
    const { count, sourceNames, sourceScores } = candidates;
    const source = sourceNames.indexOf('board-cooccurrence');
    if (source < 0) return;
    const values = out.column(column);
    for (let i = 0; i < count; i++) {
      const score = sourceScores[i * sourceNames.length + source];
      if (score === score) values[i] = score;
    }
  },
};
