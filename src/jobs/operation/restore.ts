/** Lays a backup out as a data folder, after every digest was checked. */
import { join } from 'node:path';
import { counted } from '../../counted.ts';
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
    `${counted(files, 'file')}, ${counted(bytes, 'byte')} checked and restored to ${folder}`,
    ...said(keysLeftOut, 'left out, since access may have been revoked; create-key makes new ones'),
    ...said(keysValidAgain, 'valid again: revoke-key what should not be'),
  ],
});

function said(names: readonly string[], what: string): string[] {
  return names.length === 0 ? [] : [`${counted(names.length, 'access key')} ${what} (${names.join(', ')})`];
}
