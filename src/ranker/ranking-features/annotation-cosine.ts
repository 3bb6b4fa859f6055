import type { RankingFeature } from '../ranking-feature.ts';
import { dotsWithRow } from '../sparse-dot.ts';

/** Cosine of the weighted annotations of both pins (their rows are of unit length). */
export const annotationCosine: RankingFeature = {
  name: 'annotation-cosine',
  set: 'control',
  columns: ['annotation-cosine'],
  fill({ query, candidates, pins }, out, column) {
    if (query.pinIndex < 0 || pins.annotations.length[query.pinIndex] === 0) return;
    dotsWithRow(pins.annotations, query.pinIndex, candidates.pinIndexes, candidates.count, out.column(column));
  },
};
