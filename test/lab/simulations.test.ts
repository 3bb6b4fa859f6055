import { expect, test } from 'vitest';
import { simulateAa } from '../../lab/simulations/aa.ts';
import type { SuiteOptions, SuiteResult } from '../../lab/simulations/check.ts';
import { simulateCoverage } from '../../lab/simulations/coverage.ts';
import { simulateInterleaving } from '../../lab/simulations/interleaving.ts';
import { simulatePower } from '../../lab/simulations/power.ts';
import { simulateReplay } from '../../lab/simulations/replay.ts';
import { simulateSrm } from '../../lab/simulations/srm.ts';

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
  const { checkRate } = await import('../../lab/simulations/check.ts');
  expect(checkRate('x', 100, 1000, 0.05).passed).toBe(false);
  expect(checkRate('x', 100, 1000, 0.05, 'at least').passed).toBe(true);
  expect(checkRate('x', 20, 1000, 0.05, 'at most').passed).toBe(true);
  expect(checkRate('x', 20, 1000, 0.05, 'at least').passed).toBe(false);
});
