/** Takes the last switch of nets back: the net before it and its model serve again within a second. */
import { join } from 'node:path';
import { ModelRegistry } from '../../ranker/registry/model-registry.ts';
import { staleParts } from '../../service/stale-parts.ts';
import { rollBackServing } from '../../service/net-switching.ts';
import { userName } from '../models/model-given.ts';
import { defineJob } from '../job.ts';

export const job = defineJob({
  name: 'roll-back-net',
  summary: 'takes the last switch of nets back, with the model that served before it',
  examples: ['related-pins roll-back-net --data var', 'related-pins roll-back-net --why "worse on tattoos" --json'],
  options: [{ flag: '--why <text>', meaning: 'the reason, kept in the audit of models', default: '' }],
  async run({ options, dataFolder }) {
    const registry = new ModelRegistry(join(dataFolder, 'models'));
    const back = rollBackServing({ registry, dataFolder }, { who: userName(), why: options.why });
    return { ...back, stale: staleParts(dataFolder) };
  },
});
