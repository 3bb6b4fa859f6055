/** A whole copy of the data folder while the service goes on. */
import { join, resolve } from 'node:path';
import { backUp } from '../../catalog/artifacts/backup.ts';
import { defineJob } from '../job.ts';

export const job = defineJob({
  name: 'back-up',
  summary: 'copies the data folder, whole and with digests, while the service runs',
  examples: ['related-pins back-up --data var --out backups/2026-11-21', 'related-pins back-up --out backup --json'],
  options: [
    { flag: '--out <folder>', meaning: 'a new folder for the backup (default: named by the time, in DATA-backups beside the data folder)' },
  ],
  alone: () => true,
  async run({ options, dataFolder, progress, signal }) {
    const folder = options.out ?? besides(dataFolder, new Date());
    return { ...(await backUp(dataFolder, folder, progress, signal)) };
  },
  describe: ({ files, bytes, folder, photosElsewhere }) => [
    `${files} files, ${bytes} bytes in ${folder}`,
    ...(photosElsewhere === 0
      ? []
      : [`${photosElsewhere} photos lie outside the data folder and are not in it: copy them too, and keep their paths`]),
  ],
});

/** `var` becomes `var-backups/2026-11-21T03-00-00`. */
function besides(dataFolder: string, at: Date): string {
  return join(`${resolve(dataFolder)}-backups`, at.toISOString().slice(0, 19).replaceAll(':', '-'));
}
