/** The access keys of a data folder: names, scopes, ages; never the keys. */
import { readKeys } from '../../access-keys.ts';
import type { Job } from '../job.ts';

export const job: Job = {
  name: 'list-keys',
  summary: 'lists the access keys and what they may do',
  examples: ['related-pins list-keys', 'related-pins list-keys --json'],
  options: [],
  async run({ dataFolder }) {
    return { keys: readKeys(dataFolder).map(({ name, scopes, createdAt = null }) => ({ name, scopes, createdAt })) };
  },
  describe({ keys }) {
    const rows = keys as { name: string; scopes: string[]; createdAt: string | null }[];
    if (rows.length === 0) return ['No keys are stored; create-key makes one.'];
    return rows.map((row) => `${row.name.padEnd(24)}${row.scopes.join(', ').padEnd(36)}${row.createdAt ?? ''}`);
  },
};
