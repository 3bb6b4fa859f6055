import type { RankingFeature } from '../scoring/ranking-feature.ts';

/** Choice: a pin of thirty days is half as fresh as one of today; the papers fix no curve. */
const HALF_FRESH_MS = 30 * 24 * 3600 * 1000;

/** 1 / (1 + age / 30 days): 1 today, 0.5 after thirty days; 0 when the age is unknown. */
export const freshness: RankingFeature = {
  name: 'freshness',
  set: 'control',
  columns: ['freshness'],
  fill({ candidates, candidatePins, now }, out, column) {
    const { createdAt } = candidatePins;
    const values = out.column(column);
    for (let i = 0; i < candidates.count; i++) {
      const age = now - createdAt[i];
      if (age === age) values[i] = 1 / (1 + Math.max(0, age) / HALF_FRESH_MS);
    }
  },
};
