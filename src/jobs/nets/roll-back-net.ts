/** Takes the last switch of nets back: the net before it and its model serve again within a second. */
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promoteModel } from '../../ranker/registry/model-promotion.ts';
import { ModelRegistry } from '../../ranker/registry/model-registry.ts';
import { staleParts } from '../../service/stale-parts.ts';
import { netNamed, previousSwitch } from '../../service/net-switching.ts';
import { writeNetSwitches } from '../../vision/net-folder.ts';
import type { Job } from '../job.ts';

export const job: Job = {
  name: 'roll-back-net',
  summary: 'takes the last switch of nets back, with the model that served before it',
  examples: ['related-pins roll-back-net --data var', 'related-pins roll-back-net --why "worse on tattoos" --json'],
  options: [{ flag: '--why <text>', meaning: 'the reason, kept in the audit of models', default: '' }],
  async run({ options, dataFolder }) {
    const { kept, previous } = previousSwitch(dataFolder);
    netNamed(dataFolder, previous.net);
    const registry = new ModelRegistry(join(dataFolder, 'models'));
    const { serving } = registry.roles();
    const why = `back to the net ${previous.net}: ${String(options.why)}`;
    if (previous.model !== null && previous.model !== serving)
      promoteModel(registry, previous.model, { who: userInfo().username, why, force: true });
    const back = { ...previous, at: new Date().toISOString() };
    writeNetSwitches(dataFolder, [...kept.slice(0, -1), back]);
    return { ...back, stale: staleParts(dataFolder) };
  },
};
