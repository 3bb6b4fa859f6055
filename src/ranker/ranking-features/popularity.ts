import type { RankingFeature } from '../scoring/ranking-feature.ts';

/** ln(1 + saves of the candidate). */
export const popularity: RankingFeature = {
  name: 'popularity',
  set: 'control',
  columns: ['log-saves'],
  fill({ candidates, candidatePins }, out, column) {
    const { saves } = candidatePins;
    const values = out.column(column);
    for (let i = 0; i < candidates.count; i++) values[i] = logOnePlus(saves[i]);
  },
};

/** Logarithms of small counts, the usual ones, come from a table. */
const SMALL = Float64Array.from({ length: 4096 }, (_, saves) => Math.log1p(saves));

function logOnePlus(saves: number): number {
  return saves < SMALL.length ? SMALL[saves] : Math.log1p(saves);
}
