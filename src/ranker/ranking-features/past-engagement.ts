import type { RankingFeature } from '../ranking-feature.ts';

/** Clicks over expected clicks of the pair so far, less 1: 0 says "as expected, or nothing known". */
export const pastEngagement: RankingFeature = {
  name: 'past-engagement',
  columns: ['past engagement'],
  fill({ query, candidates, engagement }, out, column) {
    if (!engagement || query.pinIndex < 0) return;
    for (let row = 0; row < candidates.count; row++) out.data[row * out.columns + column] = engagement.of(query.pinIndex, candidates.pinIndexes[row]) - 1;
  },
};
