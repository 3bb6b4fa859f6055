/**
 * What people did with served lists. An event is acknowledged only after it and the list it refers to are durable: lists
 * waiting for their group commit go into the same transaction. Repeating an event id changes nothing. Events whose list
 * is unknown (a crash swallowed it, or it is still on its way) are kept apart, and join when the list arrives.
 */
import type { Database, Statement } from '../database.ts';
import type { GroupCommit } from './group-commit.ts';
import { GRADES, type Grades, overSeen } from '../../grades.ts';
import { EVENT_TYPES } from '../pins/records.ts';
import type { EventType } from '../pins/records.ts';
import type { ServedListLog } from './served-list-log.ts';
import { type NameUser, userNaming } from '../pins/user-pseudonym.ts';
import { WordLog } from './word-log.ts';

/** Version 1 of the tables of events (a step of `migrate`). */
export const EVENT_TABLES = `
CREATE TABLE event (
  event_index INTEGER PRIMARY KEY,
  event_id TEXT NOT NULL UNIQUE,
  type INTEGER NOT NULL,
  list_index INTEGER NOT NULL,
  pin INTEGER NOT NULL,
  position INTEGER,
  person INTEGER,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX event_by_list ON event (list_index, pin);
CREATE INDEX event_by_person ON event (person, at) WHERE person IS NOT NULL;
CREATE TABLE stray_event (
  event_id TEXT PRIMARY KEY,
  recommendation_id TEXT NOT NULL,
  type INTEGER NOT NULL,
  pin INTEGER NOT NULL,
  position INTEGER,
  person INTEGER,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX stray_event_by_list ON stray_event (recommendation_id);
`;

/** A version of the log (a step of `migrate`): why pins were hidden, and a way to the hidden ones past all that was seen. */
export const HIDE_TABLES = `
ALTER TABLE event ADD COLUMN reason TEXT;
ALTER TABLE stray_event ADD COLUMN reason TEXT;
CREATE INDEX event_hidden ON event (person, at) WHERE type >= 5 AND person IS NOT NULL;
ALTER TABLE log_day ADD COLUMN hides INTEGER NOT NULL DEFAULT 0;
`;

/** A version of the log (a step of `migrate`): a way to what people hid in lists that are unknown so far. */
export const STRAY_HIDE_TABLES = 'CREATE INDEX stray_event_hidden ON stray_event (person, at) WHERE type >= 5 AND person IS NOT NULL;';

/**
 * A version of the log (a step of `migrate`): what a person did, newest first, is read from indexes alone, without a look at the
 * events themselves, which lie anywhere; one of them is past all impressions, of which there are many more.
 */
export const ACTION_TABLES = `
DROP INDEX event_by_person;
CREATE INDEX event_by_person ON event (person, at, event_index, type, pin) WHERE person IS NOT NULL;
CREATE INDEX event_acted ON event (person, at, event_index, type, pin) WHERE type >= 1 AND person IS NOT NULL;
`;

/** A checked event whose pin is known. */
export interface Engagement {
  readonly eventId: string;
  readonly type: EventType;
  readonly recommendationId: string;
  readonly pinIndex: number;
  readonly position: number | null;
  readonly userId: string | null;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Why a pin was hidden; absent: nobody said. */
  readonly reason?: string | null;
  /** A number of the caller: revenue, seconds watched; absent: none. */
  readonly value?: number | null;
}

/** The three add up to the events of the batch. */
interface EngagementReceipt {
  /** Joined to their list. */
  readonly written: number;
  /** Event ids that were there before. */
  readonly unchanged: number;
  /** Their list is unknown so far. */
  readonly keptApart: number;
}

/** A pin was hidden or taken back; `reason` where one was given. */
export interface HideAction extends UserAction {
  readonly reason: string | null;
}

/** One action of a person, newest first in a history. */
export interface UserAction {
  readonly pinIndex: number;
  readonly type: EventType;
  readonly at: number;
}

/** Numbers that change when events come or go: code that keeps some in memory compares them. */
export interface LogState {
  /** The newest row number of an event. Compare it only while the other numbers are the same: numbers of events that went are given again. */
  readonly last: number;
  /** Grows when somebody is erased. */
  readonly erasures: number;
  /** Grows when old events go. */
  readonly prunes: number;
  /** 1 while there are events of unknown lists. */
  readonly strays: number;
}

const LOG_STATE = `SELECT coalesce((SELECT max(event_index) FROM event), 0) AS last,
  coalesce((SELECT max(rowid) FROM erasure), 0) AS erasures,
  coalesce((SELECT through FROM retention WHERE name = 'prunes'), 0) AS prunes, EXISTS (SELECT 1 FROM stray_event) AS strays`;

type ActionRow = readonly [type: number, pin: number, at: number];

/** `type`: place in EVENT_TYPES. */
export interface ListAction {
  readonly type: number;
  readonly pin: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

interface EventRow {
  event_index: number;
  type: number;
  list_index: number;
  pin: number;
  position: number | null;
  at: number;
  reason: string | null;
  value?: number | null;
}

interface ListReference {
  list_index: number;
  person: number | null;
}

interface MultiRowInsert {
  readonly rows: number;
  readonly statement: Statement<unknown[]>;
}

/** Values of an event's row. */
const COLUMNS = 9;
/** Rows of one insert, most first; the last takes what is left. */
const ROWS_AT_ONCE = [50, 10, 1];

const CODE = new Map(EVENT_TYPES.map((type, code) => [type, code]));

export class EngagementLog {
  private readonly database: Database;
  private readonly commit: GroupCommit;
  private readonly people: WordLog;
  private readonly inserts: readonly MultiRowInsert[];
  private readonly insertStray: Statement<unknown[]>;
  private readonly strayKnown: Statement<[string], number>;
  private readonly listOf: Statement<[string], ListReference>;
  private readonly ofList: Statement<[number], EventRow>;
  private readonly hides: Statement<[number, number, number, number], EventRow>;
  /** Whether a person has hidden anything (0 or 1); nearly nobody has, and the answer is there in a tenth of the time of a list without rows. */
  private readonly hasHidden: Statement<[{ readonly person: number }], number>;
  private readonly stateNow: Statement<[], LogState>;
  private readonly actors: Statement<[number, number], string>;
  private readonly actions: Statement<[number, number, number], ActionRow>;
  private readonly actionsAndImpressions: Statement<[number, number, number], ActionRow>;
  private strayCount: number;

  constructor(database: Database, commit: GroupCommit, lists: ServedListLog, nameUser: NameUser = userNaming('')) {
    this.database = database;
    this.commit = commit;
    this.people = new WordLog(database, 'person', nameUser);
    this.inserts = ROWS_AT_ONCE.map((rows) => {
      const places = Array.from({ length: rows }, () => '(?, ?, ?, ?, ?, ?, ?, ?, ?)').join(', ');
      return {
        rows,
        statement: database.prepare(
          `INSERT OR IGNORE INTO event (event_id, type, list_index, pin, position, person, at, reason, value) VALUES ${places}`,
        ),
      };
    });
    this.insertStray = database.prepare(`INSERT OR IGNORE INTO stray_event
      (event_id, recommendation_id, type, pin, position, person, at, reason, value) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.strayKnown = database.prepare<[string], number>('SELECT 1 FROM stray_event WHERE event_id = ?').pluck();
    this.listOf = database.prepare('SELECT list_index, person FROM served_list WHERE recommendation_id = ?');
    this.ofList = database.prepare(
      'SELECT event_index, type, list_index, pin, position, at, value FROM event WHERE list_index = +? ORDER BY event_index',
    );
    // Of the same moment, those of unknown lists are the newer ones: they join behind the others.
    // Named, because the index of all actions holds these, too, among many others.
    const hidden = 'event INDEXED BY event_hidden';
    this.hides = database.prepare(
      `SELECT type, pin, at, reason, 0 AS stray, event_index FROM ${hidden} WHERE person = +? AND type >= 5 AND at <= +?
       UNION ALL SELECT type, pin, at, reason, 1, 0 FROM stray_event WHERE person = +? AND type >= 5 AND at <= +?
       ORDER BY at, stray, event_index`,
    );
    this.hasHidden = database
      .prepare<[{ readonly person: number }], number>(
        `SELECT EXISTS (SELECT 1 FROM ${hidden} WHERE person = @person AND type >= 5)
           OR EXISTS (SELECT 1 FROM stray_event WHERE person = @person AND type >= 5)`,
      )
      .pluck();
    this.stateNow = database.prepare(LOG_STATE);
    // The plus keeps SQLite from walking through the events of all people to spare itself a sort.
    const actors = 'SELECT DISTINCT +person FROM event WHERE event_index > +? AND person IS NOT NULL';
    this.actors = database.prepare<[number, number], string>(`SELECT text FROM person WHERE id IN (${actors}) LIMIT +?`).pluck();
    // The types stand in the text: an index that holds some of them is used for those alone.
    const actionsOf = (types: string): Statement<[number, number, number], ActionRow> =>
      database
        .prepare<[number, number, number], ActionRow>(
          `SELECT type, pin, at FROM event WHERE person = +? AND ${types} AND at < +? ORDER BY at DESC, event_index DESC LIMIT +?`,
        )
        .raw();
    this.actions = actionsOf('type >= 1');
    this.actionsAndImpressions = actionsOf('type >= 0');
    this.strayCount = this.countStrays();
    commit.onUndone(() => {
      this.people.forget();
      this.strayCount = this.countStrays();
    });
    lists.onWritten((list, listIndex) => this.joinStrays(list.recommendationId, listIndex, list.userId));
  }

  /** Settles when every event of the batch is durable, together with the lists that were waiting. */
  async append(events: readonly Engagement[]): Promise<EngagementReceipt> {
    const counts = { written: 0, unchanged: 0, keptApart: 0 };
    await this.commit.write(() => {
      counts.written = counts.keptApart = 0;
      const values: unknown[] = [];
      const lists = new Map<string, ListReference | null>();
      for (const event of events) {
        const list = this.listOfEvent(event, lists);
        if (list) this.gather(event, list, values);
        else {
          // What was gathered goes first: an id that stands in the batch twice counts once.
          counts.written += this.insertAll(values.splice(0));
          if (this.keepApart(event)) counts.keptApart++;
        }
      }
      counts.written += this.insertAll(values);
      counts.unchanged = events.length - counts.keptApart - counts.written;
    }, true);
    return counts;
  }

  /** The list an event refers to; events of one batch mostly refer to the same. */
  private listOfEvent({ recommendationId }: Engagement, lists: Map<string, ListReference | null>): ListReference | null {
    const known = lists.get(recommendationId);
    if (known !== undefined) return known;
    const list = this.listOf.get(recommendationId) ?? null;
    lists.set(recommendationId, list);
    return list;
  }

  /** Puts the event's row behind `values`, unless it waits among the strays. */
  private gather(event: Engagement, list: ListReference, values: unknown[]): void {
    const { eventId, pinIndex, position, at, reason = null, value = null } = event;
    if (this.strayCount > 0 && this.strayKnown.get(eventId) !== undefined) return;
    values.push(eventId, CODE.get(event.type), list.list_index, pinIndex, position, this.personOf(event) ?? list.person, at, reason, value);
  }

  private personOf({ userId }: Engagement): number | null {
    return userId === null ? null : this.people.numberOf(userId);
  }

  /** Inserts rows many at a time: a statement per row takes twice as long. Returns how many were new. */
  private insertAll(values: readonly unknown[]): number {
    let written = 0;
    let at = 0;
    for (const { rows, statement } of this.inserts) {
      const width = rows * COLUMNS;
      for (; at + width <= values.length; at += width) written += statement.run(values.slice(at, at + width)).changes;
    }
    return written;
  }

  /** Whether the event is new. */
  private keepApart(event: Engagement): boolean {
    if (this.known(event.eventId)) return false;
    const { eventId, recommendationId, pinIndex, position, at, reason = null, value = null } = event;
    const place = [pinIndex, position, this.personOf(event), at, reason, value];
    const { changes } = this.insertStray.run(eventId, recommendationId, CODE.get(event.type), ...place);
    this.strayCount += changes;
    return changes === 1;
  }

  private known(eventId: string): boolean {
    return this.database.prepare('SELECT 1 FROM event WHERE event_id = ?').get(eventId) !== undefined;
  }

  private joinStrays(recommendationId: string, listIndex: number, userId: string | null): void {
    if (this.strayCount === 0) return;
    const person = userId === null ? null : this.people.numberOf(userId);
    this.database
      .prepare(
        `INSERT OR IGNORE INTO event (event_id, type, list_index, pin, position, person, at, reason, value)
         SELECT event_id, type, ?, pin, position, coalesce(person, ?), at, reason, value FROM stray_event WHERE recommendation_id = ?`,
      )
      .run(listIndex, person, recommendationId);
    const left = this.database.prepare('DELETE FROM stray_event WHERE recommendation_id = ?').run(recommendationId);
    this.strayCount -= left.changes;
  }

  /** Events whose list is still unknown, as this process knows it. */
  get strays(): number {
    return this.strayCount;
  }

  /** The same, counted. */
  countStrays(): number {
    return this.database.prepare<[], number>('SELECT count(*) FROM stray_event').pluck().get() ?? 0;
  }

  /** The newest row number; 0 without any. */
  lastIndex(): number {
    return this.database.prepare<[], number>('SELECT coalesce(max(event_index), 0) FROM event').pluck().get() ?? 0;
  }

  state(): LogState {
    return this.stateNow.get() as LogState;
  }

  /** Stored names of people with events after a row number, at most `most`. One who was erased has the name that is in its place. */
  actorsAfter(eventIndex: number, most: number): readonly string[] {
    return this.actors.all(eventIndex, most);
  }

  /** Events by minute (epoch milliseconds / 60,000) since a moment, of the last 100,000 that came. */
  perMinute(since: number): ReadonlyMap<number, number> {
    const counted = 'SELECT at / 60000 AS minute, count(*) FROM event WHERE event_index > +? AND at >= +? GROUP BY minute';
    return new Map(
      this.database
        .prepare<[number, number], [number, number]>(counted)
        .raw()
        .all(this.lastIndex() - 100_000, since),
    );
  }

  /** Events joined to a list. */
  count(): number {
    return this.database.prepare<[], number>('SELECT count(*) FROM event').pluck().get() ?? 0;
  }

  /**
   * The best grade of each item of a list over that of `seen`, 0 without any, from events no later than `attributionMs` after
   * it was served. An item that was hidden, and not taken back, has the grade of `hide`, whatever was done with it before.
   */
  gradesOf(listIndex: number, servedAt: number, pinIndexes: Int32Array, attributionMs: number, given: Grades = GRADES): Float32Array {
    return gradesOfActions(this.ofList.all(listIndex), servedAt, pinIndexes, attributionMs, given);
  }

  /** What people did with a list, in the order in which it came; that they saw it is left out. */
  actionsOn(listIndex: number): readonly ListAction[] {
    return this.ofList.all(listIndex).filter(({ type }) => type !== 0);
  }

  /** Events of a list in the order in which they came. */
  eventsOf(listIndex: number): readonly LoggedEvent[] {
    return this.ofList.all(listIndex).map(eventOf);
  }

  /**
   * What a person hid and took back up to a moment (epoch milliseconds), in order of time. What was hidden counts whether its
   * list is known or not: with several processes a list may come after what was done with it.
   */
  hidesOf(userId: string, until: number): readonly HideAction[] {
    const person = this.people.known(userId);
    if (person === null) return [];
    if (this.hasHidden.get({ person }) === 0) return [];
    return this.hides
      .all(person, until, person, until)
      .map(({ type, pin, at, reason }) => ({ pinIndex: pin, type: EVENT_TYPES[type], at, reason }));
  }

  /** The newest actions of a person before a moment, newest first; impressions only when asked for. */
  actionsOf(userId: string, limit: number, { before = Number.MAX_SAFE_INTEGER, withImpressions = false } = {}): readonly UserAction[] {
    const person = this.people.known(userId);
    if (person === null) return [];
    const rows = (withImpressions ? this.actionsAndImpressions : this.actions).all(person, before, limit);
    return rows.map(([type, pinIndex, at]) => ({ pinIndex, type: EVENT_TYPES[type], at }));
  }

  /** Events after a row number, in order: what roll-ups and the incremental counts read. */
  eventsAfter(eventIndex: number, limit: number): readonly LoggedEvent[] {
    return this.database
      .prepare<[number, number], EventRow>(
        `SELECT event_index, type, list_index, pin, position, at, value FROM event WHERE event_index > +?
         ORDER BY event_index LIMIT +?`,
      )
      .all(eventIndex, limit)
      .map(eventOf);
  }
}

function eventOf(row: EventRow): LoggedEvent {
  return {
    eventIndex: row.event_index,
    type: EVENT_TYPES[row.type],
    listIndex: row.list_index,
    pinIndex: row.pin,
    position: row.position,
    at: row.at,
    value: row.value ?? null,
  };
}

/** An event joined to its list; rows by number, `at` in epoch milliseconds. */
export interface LoggedEvent {
  readonly eventIndex: number;
  readonly type: EventType;
  readonly listIndex: number;
  readonly pinIndex: number;
  readonly position: number | null;
  readonly at: number;
  readonly value: number | null;
}

/** The grade of each item: the best action on it within the time that counts, or that it was hidden. Actions in the order in which they came. */
export function gradesOfActions(
  actions: readonly ListAction[],
  servedAt: number,
  pinIndexes: Int32Array,
  attributionMs: number,
  given: Grades = GRADES,
): Float32Array {
  const scale = overSeen(given);
  const grades = new Float32Array(pinIndexes.length);
  const hidden = new Set<number>();
  for (const action of actions) {
    const at = action.type === 0 || action.at > servedAt + attributionMs ? -1 : pinIndexes.indexOf(action.pin);
    if (at < 0) continue;
    const type = EVENT_TYPES[action.type];
    if (type === 'hide') hidden.add(at);
    else if (type === 'unhide') hidden.delete(at);
    else if (type !== 'impression') grades[at] = Math.max(grades[at], scale[type]);
  }
  for (const at of hidden) grades[at] = scale.hide;
  return grades;
}
