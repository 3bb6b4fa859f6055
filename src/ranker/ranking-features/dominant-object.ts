import type { RankingFeature } from '../ranking-feature.ts';

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
    for (let i = 0; i < candidates.count; i++) {
      const at = i * out.columns + column;
      out.data[at] = 1;
      if (visual?.objectOf(candidates.pinIndexes[i])?.label === label) out.data[at + 1] = 1;
    }
  },
};
