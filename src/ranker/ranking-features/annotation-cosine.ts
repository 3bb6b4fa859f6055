import type { RankingFeature } from '../ranking-feature.ts';
import { dotsWithRow } from '../sparse-dot.ts';

/** Cosine of the weighted annotations of both pins (their rows are of unit length). */
export const annotationCosine: RankingFeature = {
  name: 'annotation-cosine',
  set: 'control',
  columns: ['annotation-cosine'],
  fill({ query, candidates, pins }, out, column) {
    const { pinIndexes, count } = candidates;
    const found = dotsWithRow(pins.annotations, query.pinIndex, pinIndexes, count);
    if (!found) return;
    const values = out.column(column);
    for (let i = 0; i < count; i++) values[i] = found.dots[i];
  },
};
