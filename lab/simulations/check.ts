import { binomialTest } from '../../src/math/distributions.ts';

/**
 * One promise of the statistics, judged by an exact binomial test: `count` of `trials` seeded runs against the rate
 * `nominal`. equals: two-sided; at most: the count must not be too high; at least: not too low. Passed at p > 0.001.
 */
export interface Check {
  readonly name: string;
  readonly count: number;
  readonly trials: number;
  readonly nominal: number;
  readonly rule: 'equals' | 'at most' | 'at least';
  readonly p: number;
  readonly passed: boolean;
}

/** A figure worth printing beside the checks; nothing is promised about it. */
export type Observations = Record<string, number>;

export interface SuiteResult {
  readonly checks: readonly Check[];
  readonly observations: Observations;
}

export interface SuiteOptions {
  readonly runs: number;
  readonly seed: number;
  /** Awaited now and then with the share done (so that signals are heard); throws to stop. */
  readonly onProgress?: (share: number) => void | Promise<void>;
}

const SIDES = { equals: 'two-sided', 'at most': 'greater', 'at least': 'less' } as const;
const LEVEL = 0.001;

export function checkRate(name: string, count: number, trials: number, nominal: number, rule: Check['rule'] = 'equals'): Check {
  const p = binomialTest(count, trials, nominal, SIDES[rule]);
  return { name, count, trials, nominal, rule, p, passed: p > LEVEL };
}
