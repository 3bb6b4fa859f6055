import type { RankingFeature } from '../scoring/ranking-feature.ts';

/**
 * 1 when the query has a dominant object (the same for a whole list: it moves the score, not the order), and 1 when the
 * candidate's dominant object is of the query's class.
 */
export const dominantObject: RankingFeature = {
  name: 'dominant-object',
  set: 'object',
  columns: ['query-has-dominant-object', 'same-object-class'],
  fill({ query, candidates, visual }, out, column) {
    if (!query.dominantObject) return;
    const { label } = query.dominantObject;
    const { pinIndexes, count } = candidates;
    out.column(column).fill(1, 0, count);
    if (!visual) return;
    const same = out.column(column + 1);
    for (let i = 0; i < count; i++) if (visual.objectLabelOf(pinIndexes[i]) === label) same[i] = 1;
  },
};
