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
import type { Job } from '../../src/jobs/job.ts';

/** Suite -> study and its usual number of runs: about half a minute each on one core. */
const SUITES: Readonly<Record<string, readonly [(options: SuiteOptions) => Promise<SuiteResult>, number]>> = {
  aa: [simulateAa, 2500],
  coverage: [simulateCoverage, 2000],
  power: [simulatePower, 1000],
  srm: [simulateSrm, 1000],
  interleaving: [simulateInterleaving, 500],
  replay: [simulateReplay, 1000],
};

export const job: Job = {
  name: 'simulate-experiments',
  summary: 'prove the experiment statistics by simulation',
  examples: [
    'npm run lab -- simulate-experiments --suite aa --runs 2000 --seed 1 --json',
    'npm run lab -- simulate-experiments --suite srm',
  ],
  options: [
    { flag: '--suite <name>', meaning: `one of ${Object.keys(SUITES).join(', ')}`, required: true },
    { flag: '--runs <n>', meaning: "seeded runs (default: the suite's own)", kind: 'integer' },
    { flag: '--seed <s>', meaning: 'seed of all streams', kind: 'integer', default: 1 },
  ],
  async run({ options, progress, signal }) {
    const suite = String(options.suite);
    if (!Object.hasOwn(SUITES, suite))
      throw new ServiceError('JOB_USAGE', {
        reason: `there is no suite "${suite}"; there are: ${Object.keys(SUITES).join(', ')}`,
      });
    const [simulate, usualRuns] = SUITES[suite];
    const runs = (options.runs as number | undefined) ?? usualRuns;
    if (runs < 1) throw new ServiceError('JOB_USAGE', { reason: '--runs must be at least 1' });
    const seed = Number(options.seed ?? 1);
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
};
