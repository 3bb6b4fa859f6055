import { normalQuantile } from '../math/distributions.ts';
import { estimateOf, unitVariance } from './estimate.ts';
import type { SufficientStatistics } from './sufficient-statistics.ts';

export interface Plan {
  readonly alpha: number;
  readonly power: number;
  /** Shares of all units that the control and the arm get. */
  readonly shares: readonly [number, number];
}

export const USUAL_PLAN: Plan = { alpha: 0.05, power: 0.8, shares: [0.5, 0.5] };

/**
 * Smallest relative lift found with the planned power by a fixed-horizon two-sided test over `units` units in all,
 * from the metric's history: (z_{1-alpha/2} + z_power) sqrt( unit variance (1/n_control + 1/n_arm) ) / value.
 */
export function minimumDetectableLift(history: SufficientStatistics, units: number, plan: Plan = USUAL_PLAN): number {
  return (
    (factorOf(plan) * Math.sqrt((unitVariance(history) * inverseShares(plan)) / units)) / estimateOf(history).value
  );
}

/** Units in all that find a relative lift with the planned power. */
export function unitsFor(history: SufficientStatistics, lift: number, plan: Plan = USUAL_PLAN): number {
  const difference = lift * estimateOf(history).value;
  return Math.ceil((factorOf(plan) ** 2 * unitVariance(history) * inverseShares(plan)) / difference ** 2);
}

function factorOf({ alpha, power }: Plan): number {
  return normalQuantile(1 - alpha / 2) + normalQuantile(power);
}

function inverseShares({ shares }: Plan): number {
  return 1 / shares[0] + 1 / shares[1];
}
