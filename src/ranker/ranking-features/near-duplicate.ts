import type { RankingFeature } from '../scoring/ranking-feature.ts';

/** 1 when the candidate is in the query's near-duplicate group. */
export const nearDuplicate: RankingFeature = {
  name: 'near-duplicate',
  set: 'visual',
  columns: ['near-duplicate'],
  fill({ query, candidates, candidatePins, pins }, out, column) {
    if (query.pinIndex < 0) return;
    const own = pins.group[query.pinIndex];
    const { group } = candidatePins;
    const values = out.column(column);
    for (let i = 0; i < candidates.count; i++) {
      if (group[i] === own) values[i] = 1;
    }
  },
};
