/** Takes one person out of log.sqlite: their events go, their served lists stay without a name. */
import { newId } from '../../math/random.ts';
import type { Database } from '../database.ts';

export interface LogErasure {
  readonly events: number;
  readonly strayEvents: number;
  readonly servedLists: number;
  /** Sessions of the lists that lost their name: units of experiments by session. */
  readonly sessions: readonly string[];
}

/** Erases a person by id in one transaction and empties the pages that held them; counts of what was there. */
export function erasePerson(database: Database, userId: string): LogErasure {
  const person = database.prepare('SELECT id FROM person WHERE text = ?').pluck().get(userId) as number | undefined;
  if (person === undefined) return { events: 0, strayEvents: 0, servedLists: 0, sessions: [] };
  database.pragma('secure_delete = ON');
  const erased = database
    .transaction(() => {
      const events = database.prepare('DELETE FROM event WHERE person = ?').run(person).changes;
      const strayEvents = database.prepare('DELETE FROM stray_event WHERE person = ?').run(person).changes;
      const sessions = database
        .prepare('SELECT DISTINCT session FROM served_list WHERE person = ? AND session IS NOT NULL')
        .pluck()
        .all(person) as string[];
      const servedLists = database.prepare('UPDATE served_list SET person = NULL, session = NULL WHERE person = ?').run(person).changes;
      // The number stays taken: a serving process may still hold it, and another person must never get it.
      database.prepare('UPDATE person SET text = ? WHERE id = ?').run(`erased ${newId()}`, person);
      return { events, strayEvents, servedLists, sessions };
    })
    .immediate();
  database.pragma('wal_checkpoint(TRUNCATE)');
  return erased;
}
