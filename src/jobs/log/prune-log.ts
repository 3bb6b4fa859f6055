/** Old served lists and events leave the log after they were counted; reports stay as they are. For a schedule, nightly. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { counted } from '../../counted.ts';
import { lockDataFolder } from '../../catalog/artifacts/data-folder-lock.ts';
import { type LogDatabase, openLog } from '../../catalog/log/log-database.ts';
import { ServiceError } from '../../errors.ts';
import { openExperimentFolder } from '../experiments/experiment-folder.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';

/** Lists in one transaction, and the rest after it, so that a serving process writes in between. */
const BATCH = 100;
const REST_MS = 5;
const DAY_MS = 24 * 3600 * 1000;
/** Actions up to three days after a list was served are its doing: younger lists are not done yet. */
const DAYS_MIN = 4;

const FLAGS = flags([
  { flag: '--keep-days <n>', meaning: 'lists and events older than this go; 0: none', kind: 'integer' },
  { flag: '--keep-rows-days <n>', meaning: 'feature rows older than this go; 0: none', kind: 'integer' },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'prune-log',
  summary: 'deletes old served lists and events, after adding them up for the reports',
  examples: [
    'related-pins prune-log --keep-days 365 --keep-rows-days 120',
    'related-pins schedule-job prune-log --cron "0 3 * * *" --flags "--keep-days 365"',
  ],
  options: FLAGS,
  run: pruneLog,
  alone: () => true,
  describe: (receipt) => [
    `${counted(receipt.lists, 'list')} and ${counted(receipt.events, 'event')} deleted, ${counted(receipt.strayEvents, 'event')} without a list, feature rows of ${counted(receipt.rowsDropped, 'list')} dropped`,
    `${counted(receipt.left, 'old list')} left until the events are rolled up`,
  ],
});

async function pruneLog({ options, config, dataFolder, progress, signal }: Input) {
  const keepDays = daysOf(options.keepDays, '--keep-days');
  const keepRowsDays = daysOf(options.keepRowsDays, '--keep-rows-days');
  if (keepDays === 0 && keepRowsDays === 0)
    throw new ServiceError('NOTHING_TO_DO', { reason: 'Nothing has an age at which it goes: name --keep-days or --keep-rows-days.' });
  if (!existsSync(join(dataFolder, 'log.sqlite'))) throw new ServiceError('NOTHING_TO_DO', { reason: `There is no log in ${dataFolder}.` });
  progress.start('counting what reports need', 0);
  const folder = openExperimentFolder(dataFolder, config);
  try {
    folder.experiments.countAll(() => signal.aborted);
  } finally {
    folder.close();
  }
  const log = openLog(dataFolder, { synchronous: config.synchronous });
  const total = { lists: 0, events: 0, strayEvents: 0, rowsDropped: 0 };
  const polite = async (step: () => number): Promise<void> => {
    while (step() > 0) {
      if (signal.aborted) throw new ServiceError('JOB_STOPPED');
      progress.update(total.lists + total.rowsDropped);
      await pause(REST_MS);
    }
  };
  try {
    rollUpWhenAlone(log, dataFolder);
    const before = keepDays === 0 ? 0 : Date.now() - keepDays * DAY_MS;
    progress.start('pruning', 0);
    await polite(() => {
      const { lists, events } = log.retention.prune(before, BATCH);
      total.lists += lists;
      total.events += events;
      return lists;
    });
    total.strayEvents = log.retention.pruneStrays(before);
    const rowsBefore = keepRowsDays === 0 ? 0 : Date.now() - keepRowsDays * DAY_MS;
    await polite(() => {
      const dropped = log.retention.dropRows(rowsBefore, BATCH);
      total.rowsDropped += dropped;
      return dropped;
    });
    return { ...total, left: log.retention.countBefore(before), prunedBefore: log.retention.prunedBefore };
  } finally {
    progress.stop();
    log.close();
  }
}

/** A serving process rolls up by itself; without one this job may. */
function rollUpWhenAlone(log: LogDatabase, dataFolder: string): void {
  let lock: ReturnType<typeof lockDataFolder>;
  try {
    lock = lockDataFolder(dataFolder);
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'DATA_FOLDER_LOCKED') return;
    throw error;
  }
  try {
    log.pairs.catchUp();
  } finally {
    lock.release();
  }
}

function daysOf(days: number | undefined, flag: string): number {
  if (days === undefined) return 0;
  if (days !== 0 && days < DAYS_MIN)
    throw new ServiceError('JOB_USAGE', {
      reason: `${flag} is at least ${DAYS_MIN}: what people do up to three days later still counts for a list.`,
    });
  return days;
}
