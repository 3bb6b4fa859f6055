import { cardOf } from '../../experiments/report/dashboard.ts';
import { withExperiments } from './experiment-folder.ts';
import { defineJob } from '../job.ts';

/** The experiments with state, verdict and health, as far as they were counted. */
export const job = defineJob({
  name: 'list-experiments',
  summary: 'the experiments, their state, verdict and health',
  examples: ['related-pins list-experiments'],
  options: [],
  run: async ({ dataFolder, config }) =>
    withExperiments(dataFolder, config, ({ experiments }) => ({
      experiments: experiments.store.list().map((each) => cardOf(each, each.state === 'draft' ? null : experiments.reportAsCounted(each))),
    })),
  describe: ({ experiments }) =>
    experiments.map(
      ({ key, state, verdict, users, healthy }) =>
        `${key.padEnd(24)}${state.padEnd(10)}${verdict.padEnd(14)}${users.toLocaleString('en').padStart(10)} users${healthy ? '' : '  UNHEALTHY'}`,
    ),
});
