import type { RankingFeature } from '../ranking-feature.ts';

/** 1 when the candidate is in the query's near-duplicate group. */
export const nearDuplicate: RankingFeature = {
  name: 'near-duplicate',
  set: 'visual',
  columns: ['near-duplicate'],
  fill({ query, candidates, pins }, out, column) {
    if (query.pinIndex < 0) return;
    const group = pins.group[query.pinIndex];
    const values = out.column(column);
    for (let i = 0; i < candidates.count; i++) {
      if (pins.group[candidates.pinIndexes[i]] === group) values[i] = 1;
    }
  },
};
