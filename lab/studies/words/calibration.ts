/** A score that was right or not, as a share: temperature, and the rising curve nearest to what happened. */
export interface JudgedWord {
  readonly set: string;
  /** 0..1. */
  readonly score: number;
  readonly right: boolean;
}

const TEMPERATURES = Array.from({ length: 31 }, (_, i) => Math.round(100 * 0.5 * 1.06 ** i) / 100);

/** The temperature, of 31 from 0.5 to 2.9, with the highest mean log of the share given to what is right. */
export function fitTemperature(shareOf: readonly ((temperature: number) => number)[]): number {
  const meanLog = (t: number): number => shareOf.reduce((sum, share) => sum + Math.log(Math.max(1e-9, share(t))), 0) / shareOf.length;
  return TEMPERATURES.map((t) => ({ t, fit: meanLog(t) })).reduce((best, one) => (one.fit > best.fit ? one : best)).t;
}

/** Fewest photos of a step: a share of fewer says little. */
const STEP_PHOTOS = 25;

/**
 * Isotonic regression of right (1) or not (0) on the score, by pooling adjacent violators over steps of STEP_PHOTOS; points
 * are the mean score and the share right of each pool.
 * Source   Ayer et al., An empirical distribution function for sampling with incomplete information, 1955.
 */
export function fitCurve(rows: readonly JudgedWord[]): readonly (readonly [number, number])[] {
  const sorted = [...rows].sort((a, b) => a.score - b.score);
  const pools: { score: number; right: number; count: number }[] = [];
  for (let from = 0; from < sorted.length; from += STEP_PHOTOS) {
    const step = sorted.slice(from, from + STEP_PHOTOS);
    pools.push({
      score: step.reduce((sum, row) => sum + row.score, 0),
      right: step.filter(({ right }) => right).length,
      count: step.length,
    });
    for (let last = pools.length - 1; last > 0; last--) {
      const [a, b] = [pools[last - 1], pools[last]];
      if (a.right / a.count < b.right / b.count) break;
      pools.splice(last - 1, 2, { score: a.score + b.score, right: a.right + b.right, count: a.count + b.count });
    }
  }
  const round = (value: number): number => Math.round(1000 * value) / 1000;
  return pools.map(({ score, right, count }) => [round(score / count), round(right / count)] as const);
}

const BINS = 10;

/** Expected calibration error: over ten bins of equal width, the mean gap of score and share right, by how many are in a bin. */
export function expectedError(rows: readonly JudgedWord[]): number {
  let gap = 0;
  for (let bin = 0; bin < BINS; bin++) {
    const inside = rows.filter(({ score }) => Math.min(BINS - 1, Math.floor(score * BINS)) === bin);
    gap += Math.abs(inside.reduce((sum, { score, right }) => sum + score - (right ? 1 : 0), 0));
  }
  return Math.round((1000 * gap) / Math.max(1, rows.length)) / 1000;
}
