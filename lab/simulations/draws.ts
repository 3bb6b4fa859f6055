/** Draws from laws that the simulations need, over the seeded generator. */
import { logGamma } from '../../src/math/distributions.ts';
import type { Random } from '../../src/math/random.ts';

/**
 * Binomial(n, p). Inversion while the mean is under 10, else the transformed rejection BTRS of Hoermann 1993 (constants
 * of its section 3): exact, and its cost does not grow with n.
 */
export function binomialDraw(random: Random, n: number, p: number): number {
  if (p > 0.5) return n - binomialDraw(random, n, 1 - p);
  if (n === 0 || p <= 0) return 0;
  return n * p < 10 ? byInversion(random, n, p) : byRejection(random, n, p);
}

function byInversion(random: Random, n: number, p: number): number {
  const odds = p / (1 - p);
  let mass = (1 - p) ** n;
  let u = random.next();
  let k = 0;
  while (u > mass && k < n) {
    u -= mass;
    mass *= ((n - k) / (k + 1)) * odds;
    k++;
  }
  return k;
}

function byRejection(random: Random, n: number, p: number): number {
  const spread = Math.sqrt(n * p * (1 - p));
  const b = 1.15 + 2.53 * spread;
  const a = -0.0873 + 0.0248 * b + 0.01 * p;
  const alpha = (2.83 + 5.1 / b) * spread;
  const vr = 0.92 - 4.2 / b;
  const mode = Math.floor((n + 1) * p);
  const top = logGamma(mode + 1) + logGamma(n - mode + 1);
  const logOdds = Math.log(p / (1 - p));
  for (;;) {
    const u = random.next() - 0.5;
    const v = random.next();
    const us = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / us + b) * u + n * p + 0.5);
    if (us >= 0.07 && v <= vr) return k;
    if (k < 0 || k > n) continue;
    const bound = top - logGamma(k + 1) - logGamma(n - k + 1) + (k - mode) * logOdds;
    if (Math.log((v * alpha) / (a / (us * us) + b)) <= bound) return k;
  }
}
