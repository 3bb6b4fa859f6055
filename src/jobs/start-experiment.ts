import { authorOf, BY_OPTION, openExperimentFolder } from './experiment-folder.ts';
import type { Job } from './job.ts';

/** draft -> running. */
export const job: Job = {
  name: 'start-experiment',
  summary: 'start an experiment',
  examples: ['related-pins start-experiment crosses'],
  args: [{ form: '<key>', meaning: 'the key of the experiment' }],
  options: [BY_OPTION],
  async run({ args, options, dataFolder, config }) {
    const folder = openExperimentFolder(dataFolder, config);
    try {
      const { key, state, startedAt, stoppedAt } = folder.experiments.store.start(args[0], authorOf(options.by));
      return { key, state, startedAt, stoppedAt };
    } finally {
      folder.close();
    }
  },
  describe: ({ key, state }) => [`${key}: ${state}`],
};
