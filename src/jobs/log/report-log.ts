/** What was served and what people did, by day, from the log and from what was added up before it was pruned. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { counted } from '../../counted.ts';
import { openLog } from '../../catalog/log/log-database.ts';
import { replayFolder } from '../../catalog/log/replayed-list.ts';
import { SURFACES } from '../../catalog/log/served-list.ts';
import { ServiceError } from '../../errors.ts';
import { defineJob } from '../job.ts';

export const job = defineJob({
  name: 'report-log',
  summary: 'lists, clicks and saves by day, surface, model and arm; the same before and after pruning',
  examples: ['related-pins report-log --since 2026-11-01', 'related-pins report-log --json'],
  options: [{ flag: '--since <day>', meaning: 'first day (ISO date, UTC)', default: '' }],
  async run({ options, dataFolder, config }) {
    const { since } = options;
    if (since !== '' && !/^\d{4}-\d{2}-\d{2}$/.test(since))
      throw new ServiceError('JOB_USAGE', { reason: '--since is a day like 2026-11-01.' });
    if (!existsSync(join(dataFolder, 'log.sqlite')))
      throw new ServiceError('NOTHING_TO_DO', { reason: `There is no log in ${dataFolder}.` });
    const log = openLog(dataFolder, { synchronous: config.synchronous });
    try {
      const days = log.retention.totals(since).map((row) => ({ ...row, surface: SURFACES[row.surface] }));
      return { days, replayed: replayedLists(dataFolder) };
    } finally {
      log.close();
    }
  },
  describe: ({ days, replayed }) => {
    const told = days.map(({ day, surface, model, lists, engaged }) => {
      const share = lists === 0 ? 0 : (100 * engaged) / lists;
      return `${day}  ${surface.padEnd(13)} ${model.padEnd(24)} ${String(lists).padStart(8)} lists, ${share.toFixed(1)} % engaged`;
    });
    if (told.length > 0) return told;
    const apart = replayed === 0 ? '' : ` The log of replay-saves, which train-ranker reads, holds ${counted(replayed, 'list')}.`;
    return [`No list was served to anybody in this time.${apart}`];
  },
});

/** Lists of `replay-saves`, which lie in a log of their own. */
function replayedLists(dataFolder: string): number {
  const folder = replayFolder(dataFolder);
  if (!existsSync(join(folder, 'log.sqlite'))) return 0;
  const log = openLog(folder);
  try {
    return log.lists.count();
  } finally {
    log.close();
  }
}
