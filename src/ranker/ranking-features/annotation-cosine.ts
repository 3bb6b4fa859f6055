import type { RankingFeature } from '../scoring/ranking-feature.ts';

/** Cosine of the weighted annotations of both pins (their rows are of unit length). */
export const annotationCosine: RankingFeature = {
  name: 'annotation-cosine',
  set: 'control',
  columns: ['annotation-cosine'],
  signs: [1],
  fill({ candidates, candidatePins }, out, column) {
    if (!candidatePins.hasAnnotations) return;
    const { annotationDots } = candidatePins;
    const values = out.column(column);
    for (let i = 0; i < candidates.count; i++) values[i] = annotationDots[i];
  },
};
