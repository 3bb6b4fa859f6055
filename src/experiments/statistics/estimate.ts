import type { SufficientStatistics } from '../counting/sufficient-statistics.ts';

/** A metric's value in one arm. `variance` is that of the value (the square of its standard error); NaN if undefined. */
export interface Estimate {
  readonly units: number;
  readonly value: number;
  readonly variance: number;
}

/**
 * Ratio of sums R = sum x / sum d, clustered on units by the delta method (Deng, Knoblich, Lu, KDD 2018, section 3):
 *
 *   Var R = n s^2 / (sum d)^2,   s^2 = sum (x - R d)^2 / (n - 1)
 *
 * With d = 1 this is the mean and its usual variance; with x, d in {0, 1} the proportion over units that have d = 1.
 */
export function estimateOf(s: SufficientStatistics): Estimate {
  const units = s[0];
  const value = s[1] / s[2];
  const squares = Math.max(0, s[3] - 2 * value * s[5] + value * value * s[4]);
  return { units, value, variance: units > 1 ? (squares / (units - 1)) * (units / (s[2] * s[2])) : Number.NaN };
}

/**
 * The same, adjusted by the pre-period covariate c (CUPED: Deng, Xu, Kohavi, Walker, WSDM 2013; for ratios on the
 * residuals u = x - R d):
 *
 *   R_adjusted = R - theta (mean c of the arm - mean c of all arms) / mean d of the arm
 *
 * theta = sum over arms of the within-arm cross products u c, over that of c c; one theta for all arms, so that the
 * adjustment cannot move the difference of equal arms. Returns one estimate per arm, in order.
 */
export function adjustedEstimates(arms: readonly SufficientStatistics[]): readonly Estimate[] {
  let crossSum = 0;
  let covariateSum = 0;
  let units = 0;
  let total = 0;
  const parts = arms.map((s) => {
    const plain = estimateOf(s);
    const cross = s[8] - plain.value * s[9];
    const centred = s[7] - (s[6] * s[6]) / s[0];
    if (s[0] > 1) {
      crossSum += cross;
      covariateSum += centred;
    }
    units += s[0];
    total += s[6];
    return { s, plain, cross, centred };
  });
  const theta = covariateSum > 0 ? crossSum / covariateSum : 0;
  const mean = total / units;
  return parts.map(({ s, plain, cross, centred }) => {
    const n = s[0];
    const shift = (theta * (s[6] / n - mean) * n) / s[2];
    const gain = (-2 * theta * cross + theta * theta * centred) * (n / ((n - 1) * s[2] * s[2]));
    return { units: n, value: plain.value - shift, variance: Math.max(0, plain.variance + gain) };
  });
}

/** Variance a single unit brings to the value: Var R x n. What a power calculation needs from history. */
export function unitVariance(s: SufficientStatistics): number {
  const { variance, units } = estimateOf(s);
  return variance * units;
}
