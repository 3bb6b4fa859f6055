import type { RankingFeature } from '../ranking-feature.ts';
import { dotsWithRow } from '../sparse-dot.ts';

/** Cosine of the tf-idf weighted title words (their rows are of unit length). */
export const titleSimilarity: RankingFeature = {
  name: 'title-similarity',
  set: 'control',
  columns: ['title-similarity'],
  fill({ query, candidates, pins }, out, column) {
    const { pinIndexes, count } = candidates;
    const found = dotsWithRow(pins.titleTerms, query.pinIndex, pinIndexes, count);
    if (!found) return;
    const values = out.column(column);
    for (let i = 0; i < count; i++) values[i] = found.dots[i];
  },
};
