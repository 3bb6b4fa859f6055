import { logGamma } from '../../math/distributions.ts';

/** Alarm threshold of the sample-ratio check. */
export const SAMPLE_RATIO_ALARM = 0.001;

const CONCENTRATION = 10_000;

/**
 * Are the arms' unit counts what the design says? Valid at any time (Lindon and Malek, NeurIPS 2022): with counts x,
 * shares q, a = 10,000 q, A = sum a, n = sum x
 *
 *   ln E = lnG(A) - lnG(A + n) + sum [ lnG(a_i + x_i) - lnG(a_i) - x_i ln q_i ],   p = min(1, 1 / E)
 *
 * The always-valid p is the running minimum over looks. Throws RangeError where counts and shares differ in number.
 */
export function sampleRatioP(counts: ArrayLike<number>, shares: ArrayLike<number>): number {
  if (counts.length !== shares.length) throw new RangeError(`arms: ${counts.length} counts, ${shares.length} shares`);
  let n = 0;
  let logE = 0;
  for (let i = 0; i < counts.length; i++) {
    const a = CONCENTRATION * shares[i];
    n += counts[i];
    logE += logGamma(a + counts[i]) - logGamma(a) - counts[i] * Math.log(shares[i]);
  }
  logE += logGamma(CONCENTRATION) - logGamma(CONCENTRATION + n);
  return Math.min(1, Math.exp(-logE));
}
