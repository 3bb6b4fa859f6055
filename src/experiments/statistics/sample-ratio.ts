import { binomialTest, logGamma } from '../../math/distributions.ts';

/** Alarm threshold of the sample-ratio check. */
export const SAMPLE_RATIO_ALARM = 0.001;

/**
 * Prior concentrations with their weights. 10,000 finds a loss of one percent among hundreds of thousands of units; 10 finds
 * an arm that is dead: at halves after 25 units, where 10,000 alone needs 380. Choice: the weight of the second costs the
 * first a tenth of its evidence.
 */
const PRIORS = [
  { concentration: 10_000, weight: 0.9 },
  { concentration: 10, weight: 0.1 },
] as const;

/**
 * Are the arms' unit counts what the design says? Valid at any time (Lindon and Malek, NeurIPS 2022): with counts x,
 * shares q, a = c q, A = sum a, n = sum x
 *
 *   ln E_c = lnG(A) - lnG(A + n) + sum [ lnG(a_i + x_i) - lnG(a_i) - x_i ln q_i ],   E = sum of weight_c E_c,   p = min(1, 1 / E)
 *
 * A weighted mean of such E is one of them again. The always-valid p is the running minimum over looks. An arm of share 0
 * adds nothing while its count is 0, and one unit in it is impossible by design: p = 0. Throws RangeError where counts and
 * shares differ in number.
 */
export function sampleRatioP(counts: ArrayLike<number>, shares: ArrayLike<number>): number {
  if (counts.length !== shares.length) throw new RangeError(`arms: ${counts.length} counts, ${shares.length} shares`);
  if (metUnshared(counts, shares)) return 0;
  const logs = PRIORS.map(({ concentration, weight }) => Math.log(weight) + logEvidence(counts, shares, concentration));
  const most = Math.max(...logs);
  const logE = most + Math.log(logs.reduce((sum, each) => sum + Math.exp(each - most), 0));
  // The weights sum to one up to rounding.
  return logE < 1e-12 ? 1 : Math.exp(-logE);
}

function logEvidence(counts: ArrayLike<number>, shares: ArrayLike<number>, concentration: number): number {
  let n = 0;
  let logE = 0;
  for (let i = 0; i < counts.length; i++) {
    if (shares[i] === 0) continue;
    const a = concentration * shares[i];
    n += counts[i];
    logE += logGamma(a + counts[i]) - logGamma(a) - counts[i] * Math.log(shares[i]);
  }
  return logE + logGamma(concentration) - logGamma(concentration + n);
}

/** Whether an arm that gets nobody by design has somebody. */
function metUnshared(counts: ArrayLike<number>, shares: ArrayLike<number>): boolean {
  return Array.from(shares).some((share, arm) => share === 0 && counts[arm] > 0);
}

/** Beyond this many units the exact test takes long and says no more than the sequential one. */
const EXACT_UNITS_MAX = 20_000;

/**
 * The exact binomial test of each arm's count against its share, times the number of arms beyond two (Bonferroni); arms of share 0 as above. For one
 * look, decided on beforehand: who looks often needs the sequential p. Null without units, and beyond 20,000.
 */
export function exactSampleRatioP(counts: readonly number[], shares: readonly number[]): number | null {
  const units = counts.reduce((sum, count) => sum + count, 0);
  if (units === 0 || units > EXACT_UNITS_MAX) return null;
  if (metUnshared(counts, shares)) return 0;
  const dealt = counts.flatMap((count, arm) => (shares[arm] > 0 ? [{ count, share: shares[arm] }] : []));
  if (dealt.length === 1) return 1;
  const tests = dealt.length === 2 ? 1 : dealt.length;
  const least = Math.min(...dealt.slice(0, tests).map(({ count, share }) => binomialTest(count, units, share)));
  return Math.min(1, tests * least);
}
