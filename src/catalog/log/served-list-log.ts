/**
 * Lists as served. `append` queues a list after the reply and settles when it is durable (within the group commit);
 * readers page by key, so that a read never holds up a write.
 */
import type { Database, Statement } from '../database.ts';
import type { Matrix } from '../../math/matrix.ts';
import { zeroMatrix } from '../../math/matrix.ts';
import { LateNames } from './erasure-log.ts';
import type { GroupCommit } from './group-commit.ts';
import { decodeItems, decodeRows, encodeItems, encodeRows } from './served-list-codec.ts';
import { SURFACES } from './served-list.ts';
import type { ServedItems, ServedList, Surface } from './served-list.ts';
import { type NameUser, userNaming } from '../pins/user-pseudonym.ts';
import { WordLog } from './word-log.ts';

/** Version 1 of the tables of served lists (a step of `migrate`). */
export const SERVED_LIST_TABLES = `
CREATE TABLE IF NOT EXISTS word (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE IF NOT EXISTS person (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE IF NOT EXISTS served_list (
  list_index INTEGER PRIMARY KEY,
  recommendation_id TEXT NOT NULL UNIQUE,
  at INTEGER NOT NULL,
  surface INTEGER NOT NULL,
  query_pin INTEGER NOT NULL,
  person INTEGER,
  arm INTEGER,
  model INTEGER NOT NULL,
  treatment INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  latency_us INTEGER NOT NULL,
  degraded INTEGER NOT NULL,
  sources INTEGER NOT NULL,
  feature_columns INTEGER NOT NULL,
  items BLOB NOT NULL,
  feature_rows BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS served_list_by_time ON served_list (at);
CREATE INDEX IF NOT EXISTS served_list_by_person ON served_list (person, at) WHERE person IS NOT NULL;
`;

/** Version 2: the session, the unit of experiments by session. */
export const SESSION_COLUMN = 'ALTER TABLE served_list ADD COLUMN session TEXT;';

/** Version 5: labels of the caller, and numbers on events. */
export const LABELS_AND_VALUES = `
ALTER TABLE served_list ADD COLUMN labels INTEGER;
ALTER TABLE event ADD COLUMN value REAL;
ALTER TABLE stray_event ADD COLUMN value REAL;
`;

const FORCED = 1;
const SHUFFLED = 2;

/** Which lists; what is absent asks nothing. */
export interface ListRange {
  /** Epoch milliseconds, inclusive; absent: from the beginning. */
  readonly from?: number;
  /** Epoch milliseconds, exclusive; absent: to the end. */
  readonly to?: number;
  readonly surfaces?: readonly Surface[];
  /** Only lists of this person. */
  readonly userId?: string;
  /** false leaves the ranking-feature rows unread (`items.rows` is then empty): several times faster. */
  readonly withRows?: boolean;
}

/**
 * A stored list with its row number, which events refer to. `userId` and `sessionId` are as stored: pseudonyms where there is
 * a secret. `region` is not read back; `crop-log.ts` has it.
 */
export interface StoredList extends ServedList {
  readonly listIndex: number;
}

/** A stored list whose items are still the bytes of served-list-codec.ts. */
export interface EncodedList extends Omit<StoredList, 'items' | 'userId'> {
  /** Their number in this log; null: nobody is known. */
  readonly person: number | null;
  readonly sourceNames: readonly string[];
  readonly featureColumns: readonly string[];
  readonly items: Uint8Array;
  readonly featureRows: Uint8Array;
}

/** Its items. Throws RangeError when the bytes are of another shape. */
export function decodedItems({
  items,
  featureRows,
  sourceNames,
  featureColumns,
}: Pick<EncodedList, 'items' | 'featureRows' | 'sourceNames' | 'featureColumns'>): ServedItems {
  const rows: Matrix = featureRows.length > 0 ? decodeRows(featureRows, featureColumns) : zeroMatrix(0, featureColumns);
  return decodeItems(items, sourceNames, rows);
}

interface ListRow {
  list_index: number;
  recommendation_id: string;
  at: number;
  surface: number;
  query_pin: number;
  person: number | null;
  arm: number | null;
  model: number;
  treatment: number;
  flags: number;
  latency_us: number;
  degraded: number;
  sources: number;
  feature_columns: number;
  session: string | null;
  labels: number | null;
  items: Buffer;
  feature_rows?: Buffer;
}

const HEAD = `list_index, recommendation_id, at, surface, query_pin, person, arm, model, treatment, flags, latency_us,
  degraded, sources, feature_columns, session, labels, items`;
const PAGE = 128;
const NO_BYTES = new Uint8Array(0);

export class ServedListLog {
  private readonly database: Database;
  private readonly commit: GroupCommit;
  private readonly words: WordLog;
  private readonly people: WordLog;
  private readonly late: LateNames;
  private readonly nameUser: NameUser;
  private readonly insert: Statement<unknown[]>;
  private readonly byId: Statement<[string], ListRow>;
  private readonly byIndex: Statement<[number], ListRow>;
  private readonly known: Statement<[string], number>;
  private readonly names = new Map<number, readonly string[]>();
  private nameNumbers = new WeakMap<readonly string[], number>();
  private readonly listeners: ((list: ServedList, listIndex: number) => void)[] = [];

  /** `database` holds SERVED_LIST_TABLES already. */
  constructor(database: Database, commit: GroupCommit, nameUser: NameUser = userNaming('')) {
    this.nameUser = nameUser;
    this.database = database;
    this.commit = commit;
    this.words = new WordLog(database, 'word');
    this.people = new WordLog(database, 'person', nameUser);
    this.late = new LateNames(database);
    commit.onUndone(() => {
      this.words.forget();
      this.people.forget();
      this.nameNumbers = new WeakMap();
    });
    this.insert = database.prepare(`INSERT INTO served_list (recommendation_id, at, surface, query_pin, person, arm,
      model, treatment, flags, latency_us, degraded, sources, feature_columns, items, feature_rows, session, labels)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.byId = database.prepare(`SELECT ${HEAD}, feature_rows FROM served_list WHERE recommendation_id = ?`);
    this.known = database.prepare<[string], number>('SELECT 1 FROM served_list WHERE recommendation_id = ?').pluck();
    this.byIndex = database.prepare(`SELECT ${HEAD} FROM served_list WHERE list_index = ?`);
  }

  /** Called inside the writing transaction, once per list, right after it was written. */
  onWritten(listener: (list: ServedList, listIndex: number) => void): void {
    this.listeners.push(listener);
  }

  /** Settles when the list is durable. What it refers to must not be changed afterwards. */
  append(list: ServedList): Promise<void> {
    return this.commit.write(() => this.write(list));
  }

  private write(list: ServedList): void {
    const number = (text: string): number => this.words.numberOf(text);
    const done = this.insert.run(
      list.recommendationId,
      list.at,
      SURFACES.indexOf(list.surface),
      list.queryPinIndex,
      list.userId === null ? null : this.people.numberOf(list.userId),
      list.arm === null ? null : number(list.arm),
      number(list.modelVersion),
      number(list.treatment),
      (list.forced ? FORCED : 0) | (list.shuffled ? SHUFFLED : 0),
      Math.round(list.latencyMs * 1000),
      number(JSON.stringify(list.degraded)),
      this.numberOfNames(list.items.sourceNames),
      this.numberOfNames(list.items.rows.names),
      encodeItems(list.items),
      encodeRows(list.items.rows),
      list.sessionId ? this.nameUser(list.sessionId) : null,
      list.labels ? number(JSON.stringify(list.labels)) : null,
    );
    const listIndex = Number(done.lastInsertRowid);
    for (const listener of this.listeners) listener(list, listIndex);
  }

  /** The same array of names comes with every list: its text is made once. */
  private numberOfNames(names: readonly string[]): number {
    let number = this.nameNumbers.get(names);
    if (number === undefined) {
      number = this.words.numberOf(JSON.stringify(names));
      this.nameNumbers.set(names, number);
    }
    return number;
  }

  /**
   * The same for a list that comes late, from elsewhere: false when it was there already, as lists are sent again when nobody
   * answered. It comes without a name when its person may have been erased meanwhile.
   */
  async appendOnce(list: ServedList): Promise<boolean> {
    let isNew = false;
    await this.commit.write(() => {
      isNew = this.known.get(list.recommendationId) === undefined;
      if (isNew) this.write(this.withoutErased(list));
    });
    return isNew;
  }

  private withoutErased(list: ServedList): ServedList {
    const { userId, sessionId: _, ...nameless } = list;
    const isSure = userId === null || !this.late.mayBeErased(this.nameUser(userId), list.at);
    return isSure ? list : { ...nameless, userId: null };
  }

  /** With its feature rows; null when the log does not hold it, also while it waits for its commit. */
  find(recommendationId: string): StoredList | null {
    const row = this.byId.get(recommendationId);
    return row ? this.listOf(row) : null;
  }

  /** The list of a row number, without its feature rows. */
  headOf(listIndex: number): StoredList | null {
    const row = this.byIndex.get(listIndex);
    return row ? this.listOf(row) : null;
  }

  /** The oldest row number that is still there; null without any. */
  firstIndex(): number | null {
    return this.database.prepare<[], number | null>('SELECT min(list_index) FROM served_list').pluck().get() ?? null;
  }

  /** The newest row number; 0 without any. */
  lastIndex(): number {
    return this.database.prepare<[], number>('SELECT coalesce(max(list_index), 0) FROM served_list').pluck().get() ?? 0;
  }

  count(): number {
    return this.database.prepare<[], number>('SELECT count(*) FROM served_list').pluck().get() ?? 0;
  }

  /** Lists by minute (epoch milliseconds / 60,000) since a moment. */
  perMinute(since: number): ReadonlyMap<number, number> {
    const counted = 'SELECT at / 60000 AS minute, count(*) FROM served_list WHERE at >= +? GROUP BY minute';
    return new Map(this.database.prepare<[number], [number, number]>(counted).raw().all(since));
  }

  /** Stored lists in order of time, oldest first, a page in memory at a time. */
  *lists(range: ListRange = {}): Generator<StoredList> {
    for (const row of this.rows(range)) yield this.listOf(row);
  }

  /** The same, as they are stored: for what is decoded elsewhere. */
  *encodedLists(range: ListRange = {}): Generator<EncodedList> {
    for (const row of this.rows(range)) yield this.encodedOf(row);
  }

  private *rows(range: ListRange): Generator<ListRow> {
    const statement = this.pageStatement(range);
    const person = range.userId === undefined ? null : (this.people.known(range.userId) ?? -1);
    let at = range.from ?? 0;
    let listIndex = 0;
    for (;;) {
      const rows = statement.all({ at, listIndex, to: range.to ?? Number.MAX_SAFE_INTEGER, person, page: PAGE });
      yield* rows;
      if (rows.length < PAGE) return;
      const last = rows[rows.length - 1];
      at = last.at;
      listIndex = last.list_index;
    }
  }

  /** Lists after a row number, in the order they were written: what counts read. */
  listsAfter(listIndex: number, limit: number): readonly StoredList[] {
    return this.database
      .prepare<[number, number], ListRow>(
        `SELECT ${HEAD}, feature_rows FROM served_list WHERE list_index > +? ORDER BY list_index LIMIT +?`,
      )
      .all(listIndex, limit)
      .map((row) => this.listOf(row));
  }

  private pageStatement(range: ListRange): Statement<[Record<string, unknown>], ListRow> {
    const surfaces = (range.surfaces ?? SURFACES).map((surface) => SURFACES.indexOf(surface)).join(', ');
    const person = range.userId === undefined ? '' : 'AND person = +@person';
    const rows = range.withRows === false ? '' : ', feature_rows';
    return this.database.prepare(`SELECT ${HEAD}${rows} FROM served_list
      WHERE (at > +@at OR (at = +@at AND list_index > +@listIndex)) AND at >= +@at AND at < +@to
        AND surface IN (${surfaces}) ${person} ORDER BY at, list_index LIMIT +@page`);
  }

  private listOf(row: ListRow): StoredList {
    const encoded = this.encodedOf(row);
    const { person, sourceNames: _, featureColumns: __, featureRows: ___, ...head } = encoded;
    return { ...head, userId: person === null ? null : this.people.textOf(person), items: decodedItems(encoded) };
  }

  private encodedOf(row: ListRow): EncodedList {
    return {
      listIndex: row.list_index,
      recommendationId: row.recommendation_id,
      at: row.at,
      surface: SURFACES[row.surface],
      queryPinIndex: row.query_pin,
      person: row.person,
      ...(row.session === null ? {} : { sessionId: row.session }),
      ...(row.labels === null ? {} : { labels: JSON.parse(this.words.textOf(row.labels)) as Record<string, string> }),
      arm: row.arm === null ? null : this.words.textOf(row.arm),
      modelVersion: this.words.textOf(row.model),
      treatment: this.words.textOf(row.treatment),
      forced: (row.flags & FORCED) !== 0,
      shuffled: (row.flags & SHUFFLED) !== 0,
      latencyMs: row.latency_us / 1000,
      degraded: this.namesOf(row.degraded),
      sourceNames: this.namesOf(row.sources),
      featureColumns: this.namesOf(row.feature_columns),
      items: row.items,
      featureRows: row.feature_rows ?? NO_BYTES,
    };
  }

  private namesOf(word: number): readonly string[] {
    let names = this.names.get(word);
    if (!names) {
      names = Object.freeze(JSON.parse(this.words.textOf(word)) as string[]);
      this.names.set(word, names);
    }
    return names;
  }
}
