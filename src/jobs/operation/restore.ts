/** Lays a backup out as a data folder, after every digest was checked. */
import { join } from 'node:path';
import { KEYS_FILE, readKeys } from '../../access-keys.ts';
import { restore } from '../../catalog/artifacts/backup.ts';
import { defineJob } from '../job.ts';

export const job = defineJob({
  name: 'restore',
  summary: 'checks a backup and lays it out as a new data folder',
  examples: [
    'related-pins restore --from backups/2026-11-21 --data var-restored',
    'related-pins restore --from backups/2026-11-21 --data var-restored --with-keys',
  ],
  options: [
    { flag: '--from <folder>', meaning: 'the folder that back-up wrote', required: true },
    { flag: '--with-keys', meaning: 'make the access keys of the backup valid again, also those that were revoked since' },
  ],
  async run({ options, dataFolder, progress }) {
    const { from } = options;
    // The file itself stays: a folder that had keys must not come up open.
    const receipt = await restore(from, dataFolder, progress, options.withKeys ? {} : { [KEYS_FILE]: '[]\n' });
    const names = readKeys(join(from, 'data')).map(({ name }) => name);
    return { ...receipt, keysLeftOut: options.withKeys ? [] : names, keysValidAgain: options.withKeys ? names : [] };
  },
  describe: ({ files, bytes, folder, keysLeftOut, keysValidAgain }) => [
    `${files} files, ${bytes} bytes checked and restored to ${folder}`,
    ...said(keysLeftOut, 'access keys were left out, since some may have been revoked; create-key makes new ones'),
    ...said(keysValidAgain, 'access keys are valid again: revoke-key those that should not be'),
  ],
});

function said(names: readonly string[], what: string): string[] {
  return names.length === 0 ? [] : [`${names.length} ${what} (${names.join(', ')})`];
}
