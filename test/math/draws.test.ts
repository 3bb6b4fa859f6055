import { expect, test } from 'vitest';
import { logBinomialMass } from '../../src/math/distributions.ts';
import { binomialDraw } from '../../lab/simulations/draws.ts';
import { seededRandom } from '../../src/math/random.ts';
import { chiSquareTail } from '../chi-square.ts';

test.each([
  [12, 0.3],
  [100, 0.04],
  [60, 0.5],
  [1000, 0.5025],
  [400, 0.93],
])('binomial(%i, %f) has the binomial masses', (n, p) => {
  const random = seededRandom(5);
  const draws = 100_000;
  const counts = new Float64Array(n + 1);
  for (let i = 0; i < draws; i++) counts[binomialDraw(random, n, p)]++;
  let chi = 0;
  let cells = 0;
  let restSeen = 0;
  let restDue = 0;
  for (let k = 0; k <= n; k++) {
    const due = draws * Math.exp(logBinomialMass(k, n, p));
    if (due >= 10) {
      chi += (counts[k] - due) ** 2 / due;
      cells++;
    } else {
      restSeen += counts[k];
      restDue += due;
    }
  }
  if (restDue > 1) chi += (restSeen - restDue) ** 2 / restDue;
  expect(chiSquareTail(chi, cells)).toBeGreaterThan(0.001);
});
