import { join } from 'node:path';
import { rollBackModel } from '../ranker/model-promotion.ts';
import { ModelRegistry } from '../ranker/model-registry.ts';
import type { Job } from './job.ts';

/** Serves again what served before the last promotion. */
export const job: Job = {
  name: 'roll-back-model',
  summary: 'Takes the last promotion back; a running server follows within a second.',
  examples: ['related-pins roll-back-model --why "empty lists in gardening"'],
  options: [
    { flag: '--who <name>', meaning: 'who decides', default: 'unknown' },
    { flag: '--why <text>', meaning: 'the reason, kept in the audit', default: '' },
  ],
  async run({ options, dataFolder }) {
    const registry = new ModelRegistry(join(dataFolder, 'models'));
    return { ...rollBackModel(registry, { who: String(options.who), why: String(options.why) }) };
  },
};
