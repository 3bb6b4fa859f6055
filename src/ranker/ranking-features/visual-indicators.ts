import type { RankingFeature } from '../scoring/ranking-feature.ts';

/** 1 when both sides have a binary code; 1 when both sides have class scores. */
export const visualIndicators: RankingFeature = {
  name: 'visual-indicators',
  set: 'visual',
  columns: ['has-fc6', 'has-fc8'],
  fill({ fc6, fc8 }, out, column) {
    const hasFc6 = out.column(column);
    const hasFc8 = out.column(column + 1);
    for (let i = 0; i < fc6.length; i++) {
      if (fc6[i] === fc6[i]) hasFc6[i] = 1;
      if (fc8[i] === fc8[i]) hasFc8[i] = 1;
    }
  },
};
