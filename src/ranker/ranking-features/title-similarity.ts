import type { RankingFeature } from '../scoring/ranking-feature.ts';

/** Cosine of the tf-idf weighted title words (their rows are of unit length). */
export const titleSimilarity: RankingFeature = {
  name: 'title-similarity',
  set: 'control',
  columns: ['title-similarity'],
  signs: [1],
  fill({ candidates, candidatePins }, out, column) {
    if (!candidatePins.hasTitle) return;
    const { titleDots } = candidatePins;
    const values = out.column(column);
    for (let i = 0; i < candidates.count; i++) values[i] = titleDots[i];
  },
};
