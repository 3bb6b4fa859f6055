import type { RankingFeature } from '../ranking-feature.ts';
import { dotsWithRow } from '../sparse-dot.ts';

/** Cosine of the tf-idf weighted title words (their rows are of unit length). */
export const titleSimilarity: RankingFeature = {
  name: 'title-similarity',
  set: 'control',
  columns: ['title-similarity'],
  fill({ query, candidates, pins }, out, column) {
    if (query.pinIndex < 0 || pins.titleTerms.length[query.pinIndex] === 0) return;
    dotsWithRow(pins.titleTerms, query.pinIndex, candidates.pinIndexes, candidates.count, out.column(column));
  },
};
