/** The access keys of a data folder: names, scopes, ages; never the keys. */
import { readKeys } from '../../access-keys.ts';
import { defineJob } from '../job.ts';

export const job = defineJob({
  name: 'list-keys',
  summary: 'lists the access keys and what they may do',
  examples: ['related-pins list-keys', 'related-pins list-keys --json'],
  options: [],
  async run({ dataFolder }) {
    return { keys: readKeys(dataFolder).map(({ name, scopes, createdAt = null }) => ({ name, scopes, createdAt })) };
  },
  describe({ keys }) {
    if (keys.length === 0) return ['No keys are stored; create-key makes one.'];
    return keys.map(({ name, scopes, createdAt }) => `${name.padEnd(24)}${scopes.join(', ').padEnd(36)}${createdAt ?? ''}`);
  },
});
