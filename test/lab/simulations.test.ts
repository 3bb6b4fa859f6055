import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { simulateAa } from '../../lab/simulations/aa.ts';
import { checkRate, type SuiteOptions, type SuiteResult } from '../../lab/simulations/check.ts';
import { simulateCoverage } from '../../lab/simulations/coverage.ts';
import { simulateInterleaving } from '../../lab/simulations/interleaving.ts';
import { simulatePower } from '../../lab/simulations/power.ts';
import { simulateReplay } from '../../lab/simulations/replay.ts';
import { simulateSrm } from '../../lab/simulations/srm.ts';

type Suite = (options: SuiteOptions) => Promise<SuiteResult>;
const SUITES: Readonly<Record<string, Suite>> = {
  aa: simulateAa,
  coverage: simulateCoverage,
  power: simulatePower,
  srm: simulateSrm,
  interleaving: simulateInterleaving,
  replay: simulateReplay,
};

interface Recorded {
  readonly runs: number;
  readonly seed: number;
  /** Of each check: count and trials. */
  readonly counts: Readonly<Record<string, readonly [number, number]>>;
}

/**
 * A few runs say little about a rate: an interval that covers 85 % passes 40 runs three times in four. They are a smoke test
 * beside recorded counts, which change when anything in the statistics does. Who changes it on purpose runs
 * `npm run lab -- simulate-experiments` for every suite, and records what these runs count then.
 */
const RECORDED = JSON.parse(readFileSync(new URL('../cases/simulations.json', import.meta.url), 'utf8')) as Record<string, Recorded>;

test.each(Object.keys(SUITES))('suite %s, smoke test: the counts are those recorded', { timeout: 240_000 }, async (name) => {
  const { runs, seed, counts } = RECORDED[name];
  const { checks } = await SUITES[name]({ runs, seed });
  expect(Object.fromEntries(checks.map((check) => [check.name, [check.count, check.trials]]))).toEqual(counts);
  expect(checks.filter((check) => !check.passed)).toEqual([]);
});

test('a check really fails when the rate is off', () => {
  expect(checkRate('x', 100, 1000, 0.05).passed).toBe(false);
  expect(checkRate('x', 100, 1000, 0.05, 'at least').passed).toBe(true);
  expect(checkRate('x', 20, 1000, 0.05, 'at most').passed).toBe(true);
  expect(checkRate('x', 20, 1000, 0.05, 'at least').passed).toBe(false);
});
