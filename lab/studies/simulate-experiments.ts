/** Proves the statistics of experiments by simulation: seeded runs, each promise judged by an exact binomial test. */
import { setImmediate } from 'node:timers/promises';
import { ServiceError } from '../../src/errors.ts';
import { simulateAa } from '../simulations/aa.ts';
import type { Check, SuiteOptions, SuiteResult } from '../simulations/check.ts';
import { simulateCoverage } from '../simulations/coverage.ts';
import { simulateInterleaving } from '../simulations/interleaving.ts';
import { simulatePower } from '../simulations/power.ts';
import { simulateReplay } from '../simulations/replay.ts';
import { simulateSrm } from '../simulations/srm.ts';
import { defineJob } from '../../src/jobs/job.ts';

/** Suite -> study and its usual number of runs: about half a minute each on one core. */
const SUITES = {
  aa: [simulateAa, 2500],
  coverage: [simulateCoverage, 2000],
  power: [simulatePower, 1000],
  srm: [simulateSrm, 1000],
  interleaving: [simulateInterleaving, 500],
  replay: [simulateReplay, 1000],
} as const satisfies Readonly<Record<string, readonly [(options: SuiteOptions) => Promise<SuiteResult>, number]>>;

const SUITE_NAMES = Object.keys(SUITES) as (keyof typeof SUITES)[];

export const job = defineJob({
  name: 'simulate-experiments',
  summary: 'prove the experiment statistics by simulation',
  examples: [
    'npm run lab -- simulate-experiments --suite aa --runs 2000 --seed 1 --json',
    'npm run lab -- simulate-experiments --suite srm',
  ],
  options: [
    { flag: '--suite <name>', meaning: `one of ${SUITE_NAMES.join(', ')}`, choices: SUITE_NAMES, required: true },
    { flag: '--runs <n>', meaning: "seeded runs (default: the suite's own)", kind: 'integer', range: [1, 1_000_000] },
    { flag: '--seed <s>', meaning: 'seed of all streams', kind: 'integer', default: 1 },
  ],
  async run({ options, progress, signal }) {
    const { suite, seed } = options;
    const [simulate, usualRuns] = SUITES[suite];
    const runs = options.runs ?? usualRuns;
    const startedAt = Date.now();
    progress.start(`simulating ${suite}`, 1000);
    const onProgress = async (share: number): Promise<void> => {
      progress.update(Math.round(1000 * share));
      await setImmediate();
      if (signal.aborted) throw new ServiceError('JOB_STOPPED');
    };
    const { checks, observations } = await simulate({ runs, seed, onProgress });
    progress.stop();
    const passed = checks.every((check) => check.passed);
    return { suite, runs, seed, passed, seconds: (Date.now() - startedAt) / 1000, checks, observations };
  },
  exitCode: ({ passed }) => (passed ? 0 : 1),
  describe(receipt) {
    const checks = receipt.checks as readonly Check[];
    const observations = Object.entries(receipt.observations as Record<string, number>);
    return [
      ...checks.map((check) => {
        const rate = (check.count / check.trials).toFixed(4);
        return `${check.passed ? 'ok    ' : 'FAILED'} ${check.name}: ${check.count} of ${check.trials} = ${rate}, ${check.rule} ${check.nominal}, p = ${check.p.toPrecision(2)}`;
      }),
      ...observations.map(([name, value]) => `       ${name}: ${Number(value.toPrecision(4))}`),
      `${receipt.suite}: ${receipt.passed ? 'all promises kept' : 'A PROMISE IS BROKEN'} in ${receipt.seconds} s, seed ${receipt.seed}`,
    ];
  },
});
