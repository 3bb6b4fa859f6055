/** Lays a backup out as a data folder, after every digest was checked. */
import { restore } from '../../catalog/artifacts/backup.ts';
import type { Job } from '../job.ts';

export const job: Job = {
  name: 'restore',
  summary: 'checks a backup and lays it out as a new data folder',
  examples: ['related-pins restore --from backups/2026-11-21 --data var-restored'],
  options: [{ flag: '--from <folder>', meaning: 'the folder that back-up wrote', required: true }],
  async run({ options, dataFolder, progress }) {
    return { ...(await restore(String(options.from), dataFolder, progress)) };
  },
  describe: (receipt) => [`${receipt.files} files, ${receipt.bytes} bytes checked and restored to ${receipt.folder}`],
};
