/**
 * All that the analysis of one metric in one arm needs: ten addable numbers over units, whatever the number of units.
 * With x numerator, d denominator, c covariate (the unit's numerator in the pre-period):
 *
 *   [ n, sum x, sum d, sum x^2, sum d^2, sum x d, sum c, sum c^2, sum c x, sum c d ]
 *
 * Units bring whole numbers, so sums below 2^53 are exact and a unit's contribution can be taken back without a trace.
 */
export type SufficientStatistics = Float64Array;

export const STATISTICS_LENGTH = 10;

export function emptyStatistics(): SufficientStatistics {
  return new Float64Array(STATISTICS_LENGTH);
}

/** Adds one unit (sign 1) or takes it back (sign -1), at `offset` of a longer array. */
export function addUnit(into: Float64Array, numerator: number, denominator: number, covariate = 0, sign = 1, offset = 0): void {
  into[offset] += sign;
  into[offset + 1] += sign * numerator;
  into[offset + 2] += sign * denominator;
  into[offset + 3] += sign * numerator * numerator;
  into[offset + 4] += sign * denominator * denominator;
  into[offset + 5] += sign * numerator * denominator;
  into[offset + 6] += sign * covariate;
  into[offset + 7] += sign * covariate * covariate;
  into[offset + 8] += sign * covariate * numerator;
  into[offset + 9] += sign * covariate * denominator;
}

/** The statistics of numerators that were counted in steps, in whole units: of `steps` steps each. Returns a copy. */
export function inUnits(statistics: SufficientStatistics, steps: number): SufficientStatistics {
  const [n, x, d, xx, dd, xd, c, cc, cx, cd] = statistics;
  const square = steps * steps;
  return Float64Array.of(n, x / steps, d, xx / square, dd, xd / steps, c / steps, cc / square, cx / square, cd / steps);
}

/** into += sign x other, element by element. */
export function addStatistics(into: Float64Array, other: Float64Array, sign = 1): void {
  if (into.length !== other.length) throw new RangeError(`statistics lengths differ: ${into.length}, ${other.length}`);
  for (let i = 0; i < into.length; i++) into[i] += sign * other[i];
}
