import { expect, test } from 'vitest';
import { simulateAa } from '../../src/experiments/simulations/aa.ts';
import type { SuiteOptions, SuiteResult } from '../../src/experiments/simulations/check.ts';
import { simulateCoverage } from '../../src/experiments/simulations/coverage.ts';
import { simulateInterleaving } from '../../src/experiments/simulations/interleaving.ts';
import { simulatePower } from '../../src/experiments/simulations/power.ts';
import { simulateReplay } from '../../src/experiments/simulations/replay.ts';
import { simulateSrm } from '../../src/experiments/simulations/srm.ts';

const SUITES: readonly [string, (options: SuiteOptions) => Promise<SuiteResult>, number][] = [
  ['aa', simulateAa, 100],
  ['coverage', simulateCoverage, 40],
  ['power', simulatePower, 20],
  ['srm', simulateSrm, 100],
  ['interleaving', simulateInterleaving, 10],
  ['replay', simulateReplay, 30],
];

test.each(SUITES)('suite %s, reduced: every promise holds', async (_, simulate, runs) => {
  const { checks } = await simulate({ runs, seed: 11 });
  expect(checks.filter((check) => !check.passed)).toEqual([]);
});

test('same seed, same figures', async () => {
  expect(await simulateSrm({ runs: 5, seed: 3 })).toEqual(await simulateSrm({ runs: 5, seed: 3 }));
});

test('a check really fails when the rate is off', async () => {
  const { checkRate } = await import('../../src/experiments/simulations/check.ts');
  expect(checkRate('x', 100, 1000, 0.05).passed).toBe(false);
  expect(checkRate('x', 100, 1000, 0.05, 'at least').passed).toBe(true);
  expect(checkRate('x', 20, 1000, 0.05, 'at most').passed).toBe(true);
  expect(checkRate('x', 20, 1000, 0.05, 'at least').passed).toBe(false);
});
