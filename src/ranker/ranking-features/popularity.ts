import type { RankingFeature } from '../ranking-feature.ts';

/** ln(1 + saves of the candidate): 0 saves give 0, 20 give 3.04. */
export const popularity: RankingFeature = {
  name: 'popularity',
  columns: ['popularity'],
  fill({ candidates, pins }, out, column) {
    for (let row = 0; row < candidates.count; row++) out.data[row * out.columns + column] = Math.log1p(pins.saves[candidates.pinIndexes[row]]);
  },
};
