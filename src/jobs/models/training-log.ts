/** The logs that a model learns from, as the jobs of models read them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { counted } from '../../counted.ts';
import type { JudgedList } from '../../catalog/log/judged-list.ts';
import type { JudgedRange } from '../../catalog/log/judged-lists.ts';
import { type LogDatabase, openLog } from '../../catalog/log/log-database.ts';
import { replayFolder } from '../../catalog/log/replayed-list.ts';
import type { Surface } from '../../catalog/log/served-list.ts';
import { ServiceError } from '../../errors.ts';
import type { Grades } from '../../grades.ts';
import { collectLogData, type LogData } from '../../ranker/training/log-data.ts';
import { NO_LOG } from '../../ranker/training/log-training.ts';
import { servingSince } from '../../vision/net-folder.ts';
import type { LogRange } from './ranker-flags.ts';

/** Surfaces whose lists a model can learn from and then order. */
export const RANKED = ['closeup', 'home-feed', 'rank'] as const satisfies readonly Surface[];

/** What is read of the log. Absent: every surface, replayed lists as well. */
interface LogChoice {
  readonly surfaces?: readonly Surface[];
  /** Only lists that people saw. */
  readonly seenOnly?: boolean;
  readonly grades?: Grades;
}

/**
 * The judged lists of a data folder: those of `replay-saves`, then those that people saw. Throws RANKER_NO_PAIRS naming
 * the way out when there are none.
 */
export function readLog(dataFolder: string, range: LogRange, { surfaces = RANKED, seenOnly, grades }: LogChoice = {}): LogData {
  return withLogs(dataFolder, { seenOnly }, (logs) => {
    // Rows logged while another net served hold its likenesses: they are not mixed with those of this one.
    const from = range.from ?? servingSince(dataFolder);
    const data = collectLogData(judgedOf(logs, { from, to: range.to, surfaces, grades }));
    if (data.lists.length === 0) throw noLists(dataFolder);
    return data;
  });
}

/** Opens the logs that are there for as long as `work` reads them: that of `replay-saves` first. */
export function withLogs<Result>(
  dataFolder: string,
  { seenOnly }: Pick<LogChoice, 'seenOnly'>,
  work: (logs: readonly LogDatabase[]) => Result,
): Result {
  const folders = seenOnly ? [dataFolder] : [replayFolder(dataFolder), dataFolder];
  const logs = folders.filter((folder) => existsSync(join(folder, 'log.sqlite'))).map((folder) => openLog(folder));
  try {
    return work(logs);
  } finally {
    for (const log of logs) log.close();
  }
}

export function noLists(dataFolder: string): ServiceError {
  const replayed = existsSync(join(replayFolder(dataFolder), 'log.sqlite'));
  return new ServiceError('RANKER_NO_PAIRS', { reason: replayed ? NO_LOG_BUT_REPLAYED : NO_LOG });
}

const NO_LOG_BUT_REPLAYED =
  'neither the log nor that of replay-saves holds a list on which somebody acted. replay-saves makes lists of pins that share several boards or look alike: read the pictures (extract-features), import more saves, and run it again; or serve and send events';

function* judgedOf(logs: readonly LogDatabase[], range: JudgedRange): Generator<JudgedList> {
  for (const log of logs) yield* log.judged(range);
}

/** Choice: with fewer lists that hold an action folds cannot choose C, and no judge can tell a gain. */
const LISTS_MIN = 50;

/** @throws RANKER_NO_PAIRS */
export function requireEnough(acted: number, surface: Surface): void {
  if (acted >= LISTS_MIN) return;
  const reason = `${counted(acted, 'list')} of the surface ${surface} with an action, ${LISTS_MIN} are needed. What serves goes on; --c trains all the same`;
  throw new ServiceError('RANKER_NO_PAIRS', { reason });
}
