import { binomialDraw } from './draws.ts';
import type { Random } from '../../src/math/random.ts';

/**
 * The heavy-tailed person of the simulations. With independent standard normals z, y:
 *
 *   activity      impressions d = 1 + floor(exp(1.5 + z)): mean about 7.9, skewness about 6, no upper limit
 *   engagement    per impression 0.05 exp(0.3 z + 0.4 y - 0.125) x effect: active people engage more
 *   engaged       binomial(d, engagement)
 *   saved         with probability 0.08 x effect
 *   worth         exp(1.2 (0.8 z + 0.6 y)) x effect: log-normal, skewness 11, mean exp(0.72) x effect
 *   before        exp(1.2 (0.8 z + 0.6 w)), w a normal of its own: the pre-period, correlated with worth through z
 *
 * Every figure scales with `effect`, so the true relative lift of each metric is effect - 1, whatever the size.
 */
export interface Visitor {
  impressions: number;
  engaged: number;
  saved: number;
  worth: number;
  before: number;
}

export const WORTH_MEAN = Math.exp(0.72);

export function drawVisitor(random: Random, effect: number, into: Visitor): void {
  const z = random.normal();
  const y = random.normal();
  into.impressions = 1 + Math.floor(Math.exp(1.5 + z));
  into.engaged = binomialDraw(random, into.impressions, engagementOf(z, y) * effect);
  into.saved = random.next() < 0.08 * effect ? 1 : 0;
  into.worth = Math.exp(1.2 * (0.8 * z + 0.6 * y)) * effect;
  into.before = Math.exp(1.2 * (0.8 * z + 0.6 * random.normal()));
}

export function engagementOf(z: number, y: number): number {
  return Math.min(0.9, 0.05 * Math.exp(0.3 * z + 0.4 * y - 0.125));
}

export function newVisitor(): Visitor {
  return { impressions: 0, engaged: 0, saved: 0, worth: 0, before: 0 };
}
