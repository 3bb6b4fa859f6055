/** What nodes serve from, published while the service runs. */
import { counted } from '../../counted.ts';
import { ServiceError } from '../../errors.ts';
import { openStore } from '../../publication/open-store.ts';
import { publish } from '../../publication/publish.ts';
import { defineJob } from '../job.ts';

export const job = defineJob({
  name: 'publish-artifacts',
  summary: 'publishes catalogue, builds, models and nets for the nodes that serve',
  examples: [
    'related-pins publish-artifacts --data var --to /mnt/published',
    'related-pins publish-artifacts --data var --to s3://bucket/pins',
    'related-pins schedule-job publish-artifacts --cron "0 * * * *" --to /mnt/published',
  ],
  options: [
    {
      flag: '--to <place>',
      meaning: 'where nodes look (their --follow): a folder that all machines see, or s3://bucket/prefix (default: RELATED_PINS_PUBLISH)',
    },
    { flag: '--take-over', meaning: 'replace what another writer published there, which has stopped for good' },
  ],
  help: 'Run it after each build, promotion, import of pins, change of keys or of experiments: nodes serve what was published last. Nothing is written when nothing changed.',
  alone: () => true,
  async run({ options, config, dataFolder, progress, signal }) {
    const { to = config.publish, takeOver } = options;
    if (to === '')
      throw new ServiceError('JOB_USAGE', { reason: 'Say where: --to FOLDER or s3://BUCKET/PREFIX, or RELATED_PINS_PUBLISH.' });
    return { ...(await publish(dataFolder, openStore(to, { config, dataFolder, signal }), { progress, signal, takeOver })) };
  },
  describe: ({ version, published, files, bytes, newBytes, place }) => [
    published
      ? `version ${version} in ${place}: ${counted(files, 'file')}, ${counted(bytes, 'byte')}, ${newBytes} of them new`
      : `version ${version} is in ${place} already: nothing changed`,
  ],
});
