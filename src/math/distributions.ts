/**
 * Tails and quantiles the experiment analysis rests on. The functions themselves are stdlib's, chosen for being kept and
 * tested; this file names them for our use and adds the exact binomial test.
 * Checked against scipy in test/cases/distributions.json.
 */
import { createRequire } from 'node:module';

type Numeric = (...numbers: number[]) => number;
const load = createRequire(import.meta.url);

/** A function of stdlib, loaded when it is first called: together they are 200 files, and a service may never need one. */
function lazily(name: string): Numeric {
  let loaded: Numeric | undefined;
  return (...numbers) => (loaded ??= load(`@stdlib/${name}`) as Numeric)(...numbers);
}

const gammaln = lazily('math-base-special-gammaln');
const normalCdfOf = lazily('stats-base-dists-normal-cdf');
const normalQuantileOf = lazily('stats-base-dists-normal-quantile');

/** P(Z <= x), Z standard normal. */
export function normalCdf(x: number): number {
  return normalCdfOf(x, 0, 1);
}

/** P(Z > x): keeps its relative precision far out, where 1 - cdf would be 0. */
export function normalTail(x: number): number {
  return normalCdfOf(-x, 0, 1);
}

/** P(|Z| >= |z|). */
export function normalTwoSided(z: number): number {
  return Math.min(1, 2 * normalCdfOf(-Math.abs(z), 0, 1));
}

/** The z with P(Z <= z) = p, for p down to 1e-9; normalQuantile(0.975) = 1.95996. */
export function normalQuantile(p: number): number {
  return normalQuantileOf(p, 0, 1);
}

/** ln Gamma(x). */
export function logGamma(x: number): number {
  return gammaln(x);
}

/** ln P(X = k) for X binomial(n, p). */
export function logBinomialMass(k: number, n: number, p: number): number {
  if (p === 0) return k === 0 ? 0 : -Infinity;
  if (p === 1) return k === n ? 0 : -Infinity;
  const choose = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1);
  return choose + k * Math.log(p) + (n - k) * Math.log1p(-p);
}

type BinomialSide = 'two-sided' | 'greater' | 'less';

/**
 * Exact binomial test of `count` successes in `trials` against the rate `nominal`.
 * two-sided: the total mass of outcomes no likelier than the one seen (as R's binom.test and scipy's binomtest);
 * greater: P(X >= count), small when there are too many; less: P(X <= count).
 * Throws RangeError unless `count` and `trials` are whole numbers with 0 <= count <= trials.
 */
export function binomialTest(count: number, trials: number, nominal: number, side: BinomialSide = 'two-sided'): number {
  if (!(count >= 0 && count <= trials && Number.isInteger(count) && Number.isInteger(trials)))
    throw new RangeError(`count: expected a whole number within 0..${trials}, got ${count}`);
  const seen = logBinomialMass(count, trials, nominal);
  // Masses equal up to rounding count as equally likely.
  const bound = seen + 1e-7;
  let sum = 0;
  for (let k = 0; k <= trials; k++) {
    if (side === 'greater' && k < count) continue;
    if (side === 'less' && k > count) break;
    const mass = logBinomialMass(k, trials, nominal);
    if (side !== 'two-sided' || mass <= bound) sum += Math.exp(mass);
  }
  return Math.min(1, sum);
}
