import type { RankingFeature } from '../scoring/ranking-feature.ts';

/**
 * Past engagement of the query-candidate pair: clicks over those expected at the positions it was shown at, decayed and
 * shrunk towards the average pair, as ln of the ratio: 0 for the average pair and for a pair never shown.
 */
export const clicksOverExpected: RankingFeature = {
  name: 'clicks-over-expected',
  set: 'control',
  columns: ['clicks-over-expected'],
  signs: [1],
  fill({ query, candidates, engagement }, out, column) {
    if (!engagement || query.pinIndex < 0) return;
    const ratios = new Float32Array(candidates.count);
    if (!engagement.clicksOverExpected(query.pinIndex, candidates.pinIndexes, candidates.count, ratios)) return;
    const values = out.column(column);
    for (let i = 0; i < candidates.count; i++) if (ratios[i] > 0) values[i] = Math.log(ratios[i]);
  },
};
