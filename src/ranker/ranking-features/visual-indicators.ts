import type { RankingFeature } from '../ranking-feature.ts';

/** 1 when both sides have a binary code; 1 when both sides have class scores. */
export const visualIndicators: RankingFeature = {
  name: 'visual-indicators',
  set: 'visual',
  columns: ['has-fc6', 'has-fc8'],
  fill({ fc6, fc8 }, out, column) {
    for (let i = 0; i < fc6.length; i++) {
      if (fc6[i] === fc6[i]) out.data[i * out.columns + column] = 1;
      if (fc8[i] === fc8[i]) out.data[i * out.columns + column + 1] = 1;
    }
  },
};
