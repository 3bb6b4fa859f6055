import type { RankingFeature } from '../ranking-feature.ts';
import { fillSparseDots } from '../sparse-similarity.ts';

/** Cosine of the annotation vectors of query and candidate (rows come with length 1). */
export const annotationCosine: RankingFeature = {
  name: 'annotation-cosine',
  columns: ['annotation cosine'],
  fill({ query, candidates, pins }, out, column) {
    if (query.pinIndex >= 0) fillSparseDots(pins.annotations, query.pinIndex, candidates.pinIndexes, candidates.count, out, column);
  },
};
