/**
 * Tails and quantiles the experiment analysis rests on. The functions themselves are stdlib's, chosen for being kept and
 * tested; this file names them for our use and adds the exact binomial test.
 * Checked against scipy in test/cases/distributions.json.
 */
import { createRequire } from 'node:module';

type Numeric = (...numbers: number[]) => number;
const load = createRequire(import.meta.url);

/** A function of stdlib, loaded when it is first called: together they are 438 files, and a service may never need one. */
function lazily(name: string): Numeric {
  let loaded: Numeric | undefined;
  return (...numbers) => (loaded ??= load(`@stdlib/${name}`) as Numeric)(...numbers);
}

const gammaln = lazily('math-base-special-gammaln');
const chisquareCdf = lazily('stats-base-dists-chisquare-cdf');
const normalCdfOf = lazily('stats-base-dists-normal-cdf');
const normalQuantileOf = lazily('stats-base-dists-normal-quantile');
const tCdfOf = lazily('stats-base-dists-t-cdf');
const tQuantileOf = lazily('stats-base-dists-t-quantile');

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

/** P(|T| >= |t|) for Student's t with `df` degrees of freedom. */
export function tTwoSided(t: number, df: number): number {
  return Math.min(1, 2 * tCdfOf(-Math.abs(t), df));
}

export function tQuantile(p: number, df: number): number {
  return tQuantileOf(p, df);
}

/**
 * P(X > x) for chi-square with `df` degrees of freedom; absolute error about 1e-14 up to 1,000 degrees. Beyond, where
 * stdlib's series stops too early (6e-3 off at 9,801), the cube-root normal of Wilson and Hilferty 1931 (under 1e-5).
 */
export function chiSquareTail(x: number, df: number): number {
  if (x <= 0) return 1;
  if (df <= 1000) return Math.max(0, 1 - chisquareCdf(x, df));
  const spread = 2 / (9 * df);
  return normalTail((Math.cbrt(x / df) - (1 - spread)) / Math.sqrt(spread));
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

export type BinomialSide = 'two-sided' | 'greater' | 'less';

/**
 * Exact binomial test of `count` successes in `trials` against the rate `nominal`.
 * two-sided: the total mass of outcomes no likelier than the one seen (as R's binom.test and scipy's binomtest);
 * greater: P(X >= count), small when there are too many; less: P(X <= count).
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
