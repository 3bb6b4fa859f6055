import type { RankingFeature } from '../scoring/ranking-feature.ts';

/** 1 when both pins link to the same domain. */
export const sameDomain: RankingFeature = {
  name: 'same-domain',
  set: 'control',
  columns: ['same-domain'],
  signs: [1],
  fill({ query, candidates, candidatePins, pins }, out, column) {
    const own = query.pinIndex < 0 ? -1 : pins.domain[query.pinIndex];
    if (own < 0) return;
    const { domain } = candidatePins;
    const values = out.column(column);
    for (let i = 0; i < candidates.count; i++) {
      if (domain[i] === own) values[i] = 1;
    }
  },
};
