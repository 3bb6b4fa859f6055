/** Of a log what lists are made with: engagement of pairs, and what people did lately. Neither lists nor feature rows. */
import { openLog } from './log-database.ts';

/** What people did, newer than this, goes to nodes: home feeds begin with it. Hides go whatever their age. */
const PAST_DAYS = 30;

/** Writes `log.sqlite` in `folder` from the log at the path `source`. */
export function writePast(source: string, folder: string, now: Date): void {
  const log = openLog(folder);
  const { database } = log;
  try {
    const since = now.getTime() - PAST_DAYS * 24 * 3600 * 1000;
    database.prepare('ATTACH ? AS source').run(source);
    const copy = database.transaction(() => {
      for (const table of ['pair_engagement', 'position_engagement', 'roll_up', 'pin_shown', 'person'])
        database.exec(`DELETE FROM main.${table}; INSERT INTO main.${table} SELECT * FROM source.${table}`);
      const past = 'WHERE person IS NOT NULL AND (type >= 5 OR at >= ?)';
      for (const table of ['event', 'stray_event'])
        database.prepare(`INSERT INTO main.${table} SELECT * FROM source.${table} ${past}`).run(since);
    });
    copy();
    database.exec('DETACH source');
    // One file: a node copies it without the log beside it.
    database.pragma('journal_mode = DELETE');
  } finally {
    log.close();
  }
}
