/** From estimates of two arms to lift, interval and p-value. Pure arithmetic over sufficient statistics. */
import { normalQuantile, normalTwoSided } from '../../math/distributions.ts';
import { BURN_IN, sequenceMultiplier, sequenceP } from './confidence-sequence.ts';
import type { Estimate } from './estimate.ts';

/** always-valid: holds at every look together (confidence-sequence.ts); fixed-horizon: at one look, fixed beforehand. */
export type IntervalKind = 'always-valid' | 'fixed-horizon';

/** How an interval of level 1 - alpha is made. */
export interface IntervalRule {
  readonly kind: IntervalKind;
  readonly alpha: number;
  /** Where an always-valid interval is tightest; ignored for fixed-horizon. */
  readonly expectedUnits: number;
}

/** Relative lift of an arm over the control, b / a - 1. Null numbers: not enough to say. */
export interface Lift {
  readonly lift: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly p: number | null;
  /** Standard error of the lift. */
  readonly error: number | null;
}

const UNKNOWN: Lift = { lift: null, low: null, high: null, p: null, error: null };

/**
 * Lift with its interval and p-value. p tests the difference b - a with variance Va + Vb. The interval holds the lifts that the
 * same test does not reject (Fieller 1954): all r - 1 with (b - r a)^2 <= m^2 (Vb + r^2 Va), m the multiplier of the level. So p
 * is under alpha exactly where the interval leaves zero out. `error` is by the delta method, Var = Vb / a^2 + b^2 Va / a^4.
 * Unknown (null) where the control itself is not known from zero, and always-valid before BURN_IN units.
 */
export function liftOf(control: Estimate, arm: Estimate, rule: IntervalRule): Lift {
  const { value: a, variance: va } = control;
  const { value: b, variance: vb } = arm;
  const units = control.units + arm.units;
  const spread = va + vb;
  if (!(a !== 0 && spread >= 0 && Number.isFinite(b))) return UNKNOWN;
  const lift = b / a - 1;
  const error = Math.sqrt(vb / (a * a) + (b * b * va) / a ** 4);
  if (spread === 0) return { lift, low: null, high: null, p: null, error: 0 };
  if (rule.kind === 'always-valid' && units < BURN_IN) return { lift, low: null, high: null, p: null, error };
  const { multiplier, p } = boundsOf((b - a) / Math.sqrt(spread), units, rule);
  const [squareA, squareB] = [a * a - multiplier ** 2 * va, b * b - multiplier ** 2 * vb];
  if (squareA <= 0) return { lift, low: null, high: null, p: null, error };
  const half = Math.sqrt(Math.max(0, (a * b) ** 2 - squareA * squareB));
  return { lift, low: (a * b - half) / squareA - 1, high: (a * b + half) / squareA - 1, p, error };
}

/**
 * The difference b - a in the metric's own unit, with the interval of the same test: b - a plus and minus m sqrt(Va + Vb), m the
 * multiplier of the level. Unknown (null) where either variance is, and always-valid before BURN_IN units.
 */
export function differenceOf(control: Estimate, arm: Estimate, rule: IntervalRule): Lift {
  const difference = arm.value - control.value;
  const error = Math.sqrt(control.variance + arm.variance);
  if (!Number.isFinite(difference) || !Number.isFinite(error)) return UNKNOWN;
  const units = control.units + arm.units;
  if (rule.kind === 'always-valid' && units < BURN_IN) return { lift: difference, low: null, high: null, p: null, error };
  const { multiplier, p } = boundsOf(error > 0 ? difference / error : 0, units, rule);
  return { lift: difference, low: difference - multiplier * error, high: difference + multiplier * error, p, error };
}

function boundsOf(z: number, units: number, rule: IntervalRule): { multiplier: number; p: number } {
  if (rule.kind === 'fixed-horizon') return { multiplier: normalQuantile(1 - rule.alpha / 2), p: normalTwoSided(z) };
  return {
    multiplier: sequenceMultiplier(units, rule.expectedUnits, rule.alpha),
    p: sequenceP(z, units, rule.expectedUnits, rule.alpha),
  };
}

/**
 * Benjamini and Hochberg 1995: the smallest false-discovery rate at which each test is still called; null stays null
 * and does not count as a test.
 */
export function adjustedP(ps: readonly (number | null)[]): (number | null)[] {
  const order = ps.map((p, index) => ({ p, index })).filter((row): row is { p: number; index: number } => row.p !== null);
  order.sort((a, b) => b.p - a.p);
  const out: (number | null)[] = ps.map(() => null);
  let least = 1;
  order.forEach(({ p, index }, place) => {
    least = Math.min(least, (p * order.length) / (order.length - place));
    out[index] = least;
  });
  return out;
}

export type GuardrailState = 'safe' | 'harmed' | 'open';

/**
 * Non-inferiority of a guardrail: safe once the harm is surely under the margin, harmed once it is surely over it,
 * open between. Harm is the lift against the wanted direction.
 */
export function guardrailState(lift: Lift, better: 'up' | 'down', margin: number): GuardrailState {
  if (lift.low === null || lift.high === null) return 'open';
  const harmHigh = better === 'up' ? -lift.low : lift.high;
  const harmLow = better === 'up' ? -lift.high : lift.low;
  if (harmHigh < margin) return 'safe';
  return harmLow > margin ? 'harmed' : 'open';
}

/**
 * The `share` quantile of per-unit totals: a cap for winsorizing, to be chosen from history before the start.
 * Throws RangeError without history.
 */
export function capFrom(history: Float64Array, share: number): number {
  if (history.length === 0) throw new RangeError('history: expected at least one unit');
  const sorted = history.slice().sort();
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
}
