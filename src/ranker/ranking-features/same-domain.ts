import type { RankingFeature } from '../ranking-feature.ts';

/** 1 when both pins link to the same domain. */
export const sameDomain: RankingFeature = {
  name: 'same-domain',
  set: 'control',
  columns: ['same-domain'],
  fill({ query, candidates, pins }, out, column) {
    const domain = query.pinIndex < 0 ? -1 : pins.domain[query.pinIndex];
    if (domain < 0) return;
    const values = out.column(column);
    for (let i = 0; i < candidates.count; i++) {
      if (pins.domain[candidates.pinIndexes[i]] === domain) values[i] = 1;
    }
  },
};
