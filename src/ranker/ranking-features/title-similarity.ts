import type { RankingFeature } from '../ranking-feature.ts';
import { dotsWithRow } from '../sparse-dot.ts';

/** Cosine of the tf-idf weighted title words (their rows are of unit length). */
export const titleSimilarity: RankingFeature = {
  name: 'title-similarity',
  set: 'control',
  columns: ['title-similarity'],
  fill({ query, candidates, pins }, out, column) {
    dotsWithRow(pins.titleTerms, query.pinIndex, candidates.pinIndexes, candidates.count, (i, dot) => {
      out.data[i * out.columns + column] = dot;
    });
  },
};
