/**
 * Always-valid inference: intervals that hold at all sizes together, so that a page may be watched.
 * Asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas (Annals of Statistics 2024), two-sided:
 *
 *   estimate +- SE sqrt( 2 (n r^2 + 1) / (n r^2) ln( sqrt(n r^2 + 1) / alpha ) ),   n = units of both arms
 *
 * r is fixed beforehand by the size n* at which the sequence shall be tightest. Asymptotic: needs BURN_IN units before
 * the first look (simulate-experiments --suite aa measures it).
 */

/** Units of both arms before which nothing is said. */
export const BURN_IN = 500;

/** r for a sequence tightest at `expectedUnits`. */
export function mixingRate(expectedUnits: number, alpha: number): number {
  const twice = -2 * Math.log(alpha);
  return Math.sqrt((twice + Math.log(1 + twice)) / expectedUnits);
}

/** The factor that replaces 1.96 in front of the standard error. */
export function sequenceMultiplier(units: number, expectedUnits: number, alpha: number): number {
  const k = units * mixingRate(expectedUnits, alpha) ** 2;
  return Math.sqrt((2 * (k + 1) * Math.log(Math.sqrt(k + 1) / alpha)) / k);
}

/** min(1, 1 / E) at this size alone; the always-valid p-value is the running minimum over looks. */
export function sequenceP(z: number, units: number, expectedUnits: number, alpha: number): number {
  const k = units * mixingRate(expectedUnits, alpha) ** 2;
  return Math.min(1, Math.exp(0.5 * Math.log(k + 1) - (k * z * z) / (2 * (k + 1))));
}

/**
 * Mixture SPRT (Johari, Koomen, Pekelis, Walsh, KDD 2017): p at this size alone for a `difference` with variance V,
 * mixing variance T. Equals sequenceP at T = r^2 n V.
 */
export function mixtureSprtP(difference: number, variance: number, mixingVariance: number): number {
  const total = variance + mixingVariance;
  const logRatio = 0.5 * Math.log(variance / total) + (mixingVariance * difference ** 2) / (2 * variance * total);
  return Math.min(1, Math.exp(-logRatio));
}
