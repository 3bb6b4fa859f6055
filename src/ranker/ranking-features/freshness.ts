import type { RankingFeature } from '../ranking-feature.ts';

const DAY_MS = 86_400_000;
/** Choice: a month halves it; the papers give no form. */
const HALF_DAYS = 30;

/** 1 / (1 + age / 30 days): a pin of today has 1, of a month ago 0.5; unknown age 0. */
export const freshness: RankingFeature = {
  name: 'freshness',
  columns: ['freshness'],
  fill({ candidates, pins, now }, out, column) {
    for (let row = 0; row < candidates.count; row++) {
      const createdAt = pins.createdAt[candidates.pinIndexes[row]];
      if (createdAt === createdAt) out.data[row * out.columns + column] = 1 / (1 + Math.max(0, now - createdAt) / DAY_MS / HALF_DAYS);
    }
  },
};
