import { normalQuantile } from '../../math/distributions.ts';
import { estimateOf, unitVariance } from './estimate.ts';
import type { SufficientStatistics } from '../counting/sufficient-statistics.ts';

/** A two-sided test at level alpha that finds the effect with probability `power`. */
export interface Plan {
  readonly alpha: number;
  readonly power: number;
  /** Shares of all units that the control and the arm get. */
  readonly shares: readonly [number, number];
}

export const USUAL_PLAN: Plan = { alpha: 0.05, power: 0.8, shares: [0.5, 0.5] };

/**
 * Variance of the arm over that of the control when the arm's figure is 1 + lift of the control's.
 * scaled: the effect multiplies every unit's total (means, ratios of counts); proportion: p (1 - p) at the new p.
 */
type VarianceModel = 'scaled' | 'proportion';

/**
 * Smallest relative lift found with the planned power by a fixed-horizon two-sided test over `units` units in all,
 * from the metric's history: (z_{1-alpha/2} + z_power) sqrt( unit variance (1/n_control + 1/n_arm) ) / value.
 */
export function minimumDetectableLift(history: SufficientStatistics, units: number, plan: Plan = USUAL_PLAN): number {
  return (factorOf(plan) * Math.sqrt((unitVariance(history) * inverseShares(plan)) / units)) / estimateOf(history).value;
}

/** Units in all that find a relative lift with the planned power; the arm's variance follows its figure. */
export function unitsFor(history: SufficientStatistics, lift: number, plan: Plan = USUAL_PLAN, model: VarianceModel = 'scaled'): number {
  const { value } = estimateOf(history);
  const growth = model === 'scaled' ? (1 + lift) ** 2 : ((1 + lift) * (1 - value * (1 + lift))) / (1 - value);
  const variance = unitVariance(history) * (1 / plan.shares[0] + growth / plan.shares[1]);
  return Math.ceil((factorOf(plan) ** 2 * variance) / (lift * value) ** 2);
}

function factorOf({ alpha, power }: Plan): number {
  return normalQuantile(1 - alpha / 2) + normalQuantile(power);
}

function inverseShares({ shares }: Plan): number {
  return 1 / shares[0] + 1 / shares[1];
}
