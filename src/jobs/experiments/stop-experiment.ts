import { authorOf, BY_OPTION, withExperiments } from './experiment-folder.ts';
import { defineJob } from '../job.ts';

/** running -> stopped. */
export const job = defineJob({
  name: 'stop-experiment',
  summary: 'stop an experiment',
  examples: ['related-pins stop-experiment crosses'],
  args: [{ form: '<key>', meaning: 'the key of the experiment' }],
  options: [BY_OPTION],
  run: async ({ args, options, dataFolder, config }) =>
    withExperiments(dataFolder, config, ({ experiments }) => {
      const { key, state, startedAt, stoppedAt } = experiments.store.stop(args[0], authorOf(options.by));
      return { key, state, startedAt, stoppedAt };
    }),
  describe: ({ key, state }) => [`${key}: ${state}`],
});
