/** People of log.sqlite: takes one out (their events go, their served lists stay without a name), or renames them all. */
import { newId } from '../../math/random.ts';
import type { Database, Statement } from '../database.ts';

/** Version 10: when somebody was erased, and the highest number of a person then. It says nothing about anybody. */
export const ERASURE_TIMES = 'CREATE TABLE erasure (at INTEGER NOT NULL, people INTEGER NOT NULL) STRICT;';

/** How far the clock of a node may be ahead of the writer's. */
const CLOCKS_APART_MS = 5000;

/** Knows whether a list that comes late may be of somebody who was erased after it was served. */
export class LateNames {
  private readonly peopleThen: Statement<[number], number | null>;
  private readonly numberOf: Statement<[string], number>;

  constructor(database: Database) {
    this.peopleThen = database.prepare<[number], number | null>('SELECT min(people) FROM erasure WHERE at >= +?').pluck();
    this.numberOf = database.prepare<[string], number>('SELECT id FROM person WHERE text = ?').pluck();
  }

  /**
   * It may be when the log does not know the person, or has met them since the erasure only. Numbers that a process remembers do not
   * count. `name`: as stored. `at`: when the list was served, in milliseconds since 1970.
   */
  mayBeErased(name: string, at: number): boolean {
    const peopleThen = this.peopleThen.get(at - CLOCKS_APART_MS) ?? null;
    return peopleThen !== null && (this.numberOf.get(name) ?? Number.POSITIVE_INFINITY) > peopleThen;
  }
}

/** How the text of an erased person begins, whose number a serving process may still give to what they do. */
export const ERASED = 'erased ';

export interface LogErasure {
  readonly events: number;
  readonly strayEvents: number;
  readonly servedLists: number;
  /** Sessions of the lists that lost their name: units of experiments by session. */
  readonly sessions: readonly string[];
}

/** The numbers of those of the names that the log knows. */
export function peopleNamed(database: Database, names: readonly string[]): number[] {
  const numberOf = database.prepare<[string], number>('SELECT id FROM person WHERE text = ?').pluck();
  return names.flatMap((name) => numberOf.get(name) ?? []);
}

/** The names of those of the numbers that the log knows. */
export function namesOfPeople(database: Database, people: readonly number[]): string[] {
  const nameOf = database.prepare<[number], string>('SELECT text FROM person WHERE id = ?').pluck();
  return people.flatMap((person) => nameOf.get(person) ?? []);
}

/** Erases a person by id in one transaction and empties the pages that held them; counts of what was there. */
export function erasePerson(database: Database, userId: string): LogErasure {
  const noteTime = database.prepare('INSERT INTO erasure SELECT +?, coalesce(max(id), 0) FROM person');
  const person = database.prepare('SELECT id FROM person WHERE text = ?').pluck().get(userId) as number | undefined;
  if (person === undefined) {
    // The only lists of this person may still be at a node.
    noteTime.run(Date.now());
    return { events: 0, strayEvents: 0, servedLists: 0, sessions: [] };
  }
  database.pragma('secure_delete = ON');
  const erased = database
    .transaction(() => {
      const events = database.prepare('DELETE FROM event WHERE person = ?').run(person).changes;
      const strayEvents = database.prepare('DELETE FROM stray_event WHERE person = ?').run(person).changes;
      const sessions = database
        .prepare('SELECT DISTINCT session FROM served_list WHERE person = +? AND session IS NOT NULL')
        .pluck()
        .all(person) as string[];
      const servedLists = database.prepare('UPDATE served_list SET person = NULL, session = NULL WHERE person = ?').run(person).changes;
      // The number stays taken: a serving process may still hold it, and another person must never get it.
      database.prepare('UPDATE person SET text = ? WHERE id = ?').run(`${ERASED}${newId()}`, person);
      noteTime.run(Date.now());
      return { events, strayEvents, servedLists, sessions };
    })
    .immediate();
  database.pragma('wal_checkpoint(TRUNCATE)');
  return erased;
}

/** Renames people and sessions by the SQL function `name_user` of the connection; who was met under both names becomes one. */
export function renamePeople(database: Database): { people: number; peopleMerged: number; lists: number } {
  const people = database.prepare('UPDATE OR IGNORE person SET text = name_user(text) WHERE text <> name_user(text)').run().changes;
  const pairs = database
    .prepare('SELECT p.id AS old, n.id AS kept FROM person p JOIN person n ON n.text = name_user(p.text) WHERE p.text <> name_user(p.text)')
    .all() as { old: number; kept: number }[];
  for (const { old, kept } of pairs) {
    for (const table of ['event', 'stray_event', 'served_list'])
      database.prepare(`UPDATE ${table} SET person = ? WHERE person = ?`).run(kept, old);
    database.prepare('UPDATE person SET text = ? WHERE id = ?').run(`merged ${newId()}`, old);
  }
  const lists = database.prepare('UPDATE served_list SET session = name_user(session) WHERE session <> name_user(session)').run().changes;
  return { people, peopleMerged: pairs.length, lists };
}
