import type { RankingFeature } from '../ranking-feature.ts';
import { fillSparseDots } from '../sparse-similarity.ts';

/** Cosine of the tf-idf vectors of the titles' words. */
export const titleSimilarity: RankingFeature = {
  name: 'title-similarity',
  columns: ['title similarity'],
  fill({ query, candidates, pins }, out, column) {
    if (query.pinIndex >= 0) fillSparseDots(pins.titleTerms, query.pinIndex, candidates.pinIndexes, candidates.count, out, column);
  },
};
