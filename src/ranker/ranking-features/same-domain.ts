import type { RankingFeature } from '../ranking-feature.ts';

/** 1 when both links lead to the same domain. */
export const sameDomain: RankingFeature = {
  name: 'same-domain',
  columns: ['same domain'],
  fill({ query, candidates, pins }, out, column) {
    const domain = query.pinIndex < 0 ? -1 : pins.domain[query.pinIndex];
    if (domain < 0) return;
    for (let row = 0; row < candidates.count; row++) {
      if (pins.domain[candidates.pinIndexes[row]] === domain) out.data[row * out.columns + column] = 1;
    }
  },
};
