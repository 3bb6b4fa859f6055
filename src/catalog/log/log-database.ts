import { join } from 'node:path';
import { CROP_TABLES, CropLog } from './crop-log.ts';
import { migrate, openDatabase } from '../database.ts';
import type { Database, DatabaseOptions } from '../database.ts';
import { ERASURE_TIMES } from './erasure-log.ts';
import { ACTION_TABLES, EngagementLog, EVENT_TABLES, HIDE_TABLES, STRAY_HIDE_TABLES } from './engagement-log.ts';
import { GroupCommit } from './group-commit.ts';
import { judgedLists } from './judged-lists.ts';
import type { JudgedRange } from './judged-lists.ts';
import type { JudgedList } from './judged-list.ts';
import { PAIR_TABLES, PairEngagementLog, SHOWN_TABLES } from './pair-engagement-log.ts';
import { RETENTION_TABLES, RetentionLog } from './retention-log.ts';
import { userNaming } from '../pins/user-pseudonym.ts';
import { LABELS_AND_VALUES, SERVED_LIST_TABLES, ServedListLog, SESSION_COLUMN } from './served-list-log.ts';

/** Each step leads to the next version of log.sqlite; released steps never change. */
const STEPS = [
  SERVED_LIST_TABLES + EVENT_TABLES + PAIR_TABLES,
  SESSION_COLUMN,
  CROP_TABLES,
  RETENTION_TABLES,
  HIDE_TABLES,
  LABELS_AND_VALUES,
  SHOWN_TABLES,
  STRAY_HIDE_TABLES,
  ACTION_TABLES,
  ERASURE_TIMES,
];

interface LogOptions extends DatabaseOptions {
  readonly groupCommitMs?: number;
}

/** log.sqlite, opened: the served lists, the events that refer to them, and the one commit they share. */
export class LogDatabase {
  readonly database: Database;
  readonly commit: GroupCommit;
  readonly lists: ServedListLog;
  readonly events: EngagementLog;
  readonly pairs: PairEngagementLog;
  readonly crops: CropLog;
  readonly retention: RetentionLog;

  constructor(database: Database, { groupCommitMs = 20, userKey = '' }: LogOptions = {}) {
    const nameUser = userNaming(userKey);
    this.database = database;
    migrate(database, 'log', STEPS);
    this.commit = new GroupCommit(database, groupCommitMs);
    this.lists = new ServedListLog(database, this.commit, nameUser);
    this.events = new EngagementLog(database, this.commit, this.lists, nameUser);
    this.pairs = new PairEngagementLog(database, this.lists, this.events);
    this.crops = new CropLog(database, this.lists);
    this.retention = new RetentionLog(database);
  }

  /** Lists with the grade of every item, in order of time: what training reads. */
  judged(range: JudgedRange = {}): Generator<JudgedList> {
    return judgedLists(this.lists, this.events, range);
  }

  /** Commits what is waiting and closes the file. */
  close(): void {
    this.commit.close();
    this.database.close();
  }
}

/** Opens (and makes) `log.sqlite` of a data folder; `:memory:` opens one that lives as long as the process. */
export function openLog(dataFolder: string, options: LogOptions = {}): LogDatabase {
  const path = dataFolder === ':memory:' ? dataFolder : join(dataFolder, 'log.sqlite');
  return new LogDatabase(openDatabase(path, options), options);
}
