import { authorOf, BY_OPTION, withExperiments } from './experiment-folder.ts';
import { defineJob } from '../job.ts';

/** draft or stopped -> archived. */
export const job = defineJob({
  name: 'archive-experiment',
  summary: 'put a draft or a stopped experiment away',
  examples: ['related-pins archive-experiment crosses'],
  args: [{ form: '<key>', meaning: 'the key of the experiment' }],
  options: [BY_OPTION],
  run: async ({ args, options, dataFolder, config }) =>
    withExperiments(dataFolder, config, ({ experiments }) => {
      const { key, state } = experiments.store.archive(args[0], authorOf(options.by));
      return { key, state };
    }),
  describe: ({ key, state }) => [`${key}: ${state}`],
});
