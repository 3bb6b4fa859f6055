import { join } from 'node:path';
import { rollBackModel } from '../../ranker/registry/model-promotion.ts';
import { ModelRegistry } from '../../ranker/registry/model-registry.ts';
import { defineJob } from '../job.ts';
import { toldChange, userName } from './model-given.ts';

/** Serves again what served before the last promotion. */
export const job = defineJob({
  name: 'roll-back-model',
  summary: 'Takes the last promotion back; a running server follows within a second.',
  examples: ['related-pins roll-back-model --why "empty lists in gardening"'],
  options: [
    { flag: '--who <name>', meaning: 'who decides (the name of the operating system user)' },
    { flag: '--why <text>', meaning: 'the reason, kept in the audit', default: '' },
  ],
  async run({ options, dataFolder }) {
    const registry = new ModelRegistry(join(dataFolder, 'models'));
    return { ...rollBackModel(registry, { who: options.who ?? userName(), why: options.why }) };
  },
  describe: (receipt) => [toldChange(receipt)],
});
