import { authorOf, BY_OPTION, withExperiments } from './experiment-folder.ts';
import { defineJob } from '../job.ts';

/** Widens the share of units that take part. */
export const job = defineJob({
  name: 'ramp-experiment',
  summary: 'widen the share of units that take part; nobody changes arms',
  examples: ['related-pins ramp-experiment crosses --traffic 0.5'],
  args: [{ form: '<key>', meaning: 'the key of the experiment' }],
  options: [{ flag: '--traffic <share>', meaning: 'the new share, 0 to 1', kind: 'number', range: [0, 1], required: true }, BY_OPTION],
  run: async ({ args, options, dataFolder, config }) =>
    withExperiments(dataFolder, config, ({ experiments }) => {
      const { key, state, version, definition } = experiments.store.ramp(args[0], options.traffic, authorOf(options.by));
      return { key, state, version, traffic: definition.traffic };
    }),
  describe: ({ key, state, traffic }) => [`${key}: ${state}, ${100 * traffic} % of the units`],
});
