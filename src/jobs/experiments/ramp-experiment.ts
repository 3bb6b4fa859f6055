import { ServiceError } from '../../errors.ts';
import { authorOf, BY_OPTION, withExperiments } from './experiment-folder.ts';
import type { Job } from '../job.ts';

/** Widens the share of units that take part. */
export const job: Job = {
  name: 'ramp-experiment',
  summary: 'widen the share of units that take part; nobody changes arms',
  examples: ['related-pins ramp-experiment crosses --traffic 0.5'],
  args: [{ form: '<key>', meaning: 'the key of the experiment' }],
  options: [{ flag: '--traffic <share>', meaning: 'the new share, 0 to 1', kind: 'number', required: true }, BY_OPTION],
  async run({ args, options, dataFolder, config }) {
    const traffic = Number(options.traffic);
    if (!(traffic >= 0 && traffic <= 1)) throw new ServiceError('JOB_USAGE', { reason: `--traffic lies within 0..1, it is ${traffic}` });
    return withExperiments(dataFolder, config, ({ experiments }) => {
      const { key, state, version, definition } = experiments.store.ramp(args[0], traffic, authorOf(options.by));
      return { key, state, version, traffic: definition.traffic };
    });
  },
  describe: ({ key, state, traffic }) => [`${key}: ${state}, ${100 * Number(traffic)} % of the units`],
};
