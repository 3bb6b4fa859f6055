/**
 * Saves in SQLite: who put which pin on which board, when. The key is (board, pin, user), so the table itself is in
 * board order and counting co-occurrences is one scan.
 */
import type { Database, Statement } from '../database.ts';
import type { Sequence } from '../log/sequence-store.ts';

export const SAVE_TABLES = `
  CREATE TABLE saves (
    boardIndex INTEGER NOT NULL, pinIndex INTEGER NOT NULL, userIndex INTEGER NOT NULL,
    at INTEGER NOT NULL, sequence INTEGER NOT NULL,
    PRIMARY KEY (boardIndex, pinIndex, userIndex)
  ) WITHOUT ROWID;
`;

/** Made when the store opens, so that an import that was killed after it dropped them leaves no harm. */
const SAVE_INDEXES: Readonly<Record<string, string>> = {
  saves_by_pin: 'saves (pinIndex)',
  saves_by_user: 'saves (userIndex, at)',
  saves_by_sequence: 'saves (sequence)',
};

/** The plus keeps SQLite from walking through all saves by pin to spare itself a sort: every upsert asks this. */
export const SAVED_SINCE = 'SELECT DISTINCT +pinIndex FROM saves WHERE sequence > +?';

/** A save by ordinals; userIndex -1: nobody known; `at` null: not said, so `arrivedAt` is stored and a stored time is kept. */
export interface SaveRow {
  readonly boardIndex: number;
  readonly pinIndex: number;
  readonly userIndex: number;
  readonly at: number | null;
}

interface BoardPins {
  readonly boardIndex: number;
  /** Ascending, each once. */
  readonly pinIndexes: Int32Array;
}

interface UserSave {
  readonly pinIndex: number;
  readonly boardIndex: number;
  readonly at: number;
}

/** The changes up to which saves were taken out, or got another time, without a number of their own. */
const REMOVED = 'removedThrough';
const CORRECTED = 'savesCorrectedThrough';

/** Rows of one insert, and the values of a row. */
const ROWS_AT_ONCE = 50;
const COLUMNS = 5;

export class SaveStore {
  private readonly database: Database;
  private readonly sequence: Sequence;
  private readonly insert: Statement;
  private readonly insertMany: Statement<unknown[]>;
  private readonly find: Statement;
  private readonly setTime: Statement;
  private readonly boards: Statement;
  private readonly history: Statement;
  private readonly savers: Statement;
  private readonly pins: Statement;
  private readonly countPins: Statement;

  constructor(database: Database, sequence: Sequence) {
    this.database = database;
    this.sequence = sequence;
    this.makeIndexes();
    this.insert = database.prepare('INSERT OR IGNORE INTO saves VALUES (?, ?, ?, ?, ?)');
    const places = Array.from({ length: ROWS_AT_ONCE }, () => '(?, ?, ?, ?, ?)').join(', ');
    this.insertMany = database.prepare(`INSERT OR IGNORE INTO saves VALUES ${places}`);
    this.find = database.prepare('SELECT at FROM saves WHERE boardIndex = ? AND pinIndex = ? AND userIndex = ?').pluck();
    this.setTime = database.prepare('UPDATE saves SET at = ? WHERE boardIndex = ? AND pinIndex = ? AND userIndex = ?');
    this.boards = database.prepare('SELECT DISTINCT boardIndex FROM saves WHERE pinIndex = +? ORDER BY boardIndex').pluck();
    this.pins = database.prepare('SELECT DISTINCT pinIndex FROM saves WHERE boardIndex = +? ORDER BY pinIndex').pluck();
    this.countPins = database.prepare('SELECT count(*) FROM saves WHERE pinIndex = ?').pluck();
    const after = (table: string): string => `SELECT +userIndex FROM ${table} WHERE sequence > +?`;
    const changed = `${after('saves')} UNION ${after('removed_saves')}`;
    this.savers = database.prepare(`SELECT userId FROM users WHERE userId IS NOT NULL AND userIndex IN (${changed}) LIMIT +?`).pluck();
    this.history = database.prepare(
      'SELECT pinIndex, boardIndex, at FROM saves WHERE userIndex = +? AND at <= +? ORDER BY at DESC, pinIndex LIMIT +?',
    );
  }

  count(): number {
    return this.database.prepare('SELECT count(*) FROM saves').pluck().get() as number;
  }

  /** Makes the indexes that are missing; sorting them at once is several times faster than row by row. */
  makeIndexes(): void {
    if (this.database.readonly) return;
    for (const [name, on] of Object.entries(SAVE_INDEXES)) this.database.exec(`CREATE INDEX IF NOT EXISTS ${name} ON ${on}`);
  }

  /** Drops the indexes before an import of many more saves than there are; `makeIndexes` brings them back. */
  dropIndexes(): void {
    for (const name of Object.keys(SAVE_INDEXES)) this.database.exec(`DROP INDEX IF EXISTS ${name}`);
  }

  /** Writes saves in one transaction. Returns how many were new or got another time. */
  upsert(rows: readonly SaveRow[], arrivedAt: number): number {
    if (rows.length === 0) return 0;
    return this.database
      .transaction(() => {
        const sequence = this.sequence.reserve(rows.length);
        const ordered = inTableOrder(rows);
        let written = 0;
        for (let at = 0; at < ordered.length; at += ROWS_AT_ONCE) {
          const some = ordered.slice(at, at + ROWS_AT_ONCE);
          const inserted = this.insertAll(some, arrivedAt, sequence + at);
          written += inserted + (inserted === some.length ? 0 : this.correctTimes(some));
        }
        return written;
      })
      .immediate();
  }

  /** Inserts what is new, many rows to a statement: one for each takes twice as long. Returns how many were. */
  private insertAll(rows: readonly SaveRow[], arrivedAt: number, sequence: number): number {
    const values: number[] = [];
    rows.forEach(({ boardIndex, pinIndex, userIndex, at }, i) =>
      values.push(boardIndex, pinIndex, userIndex, at ?? arrivedAt, sequence + i),
    );
    if (rows.length === ROWS_AT_ONCE) return this.insertMany.run(values).changes;
    let inserted = 0;
    for (let i = 0; i < values.length; i += COLUMNS) inserted += this.insert.run(values.slice(i, i + COLUMNS)).changes;
    return inserted;
  }

  /** Saves that were there before get the time they come with now. Returns how many had another. */
  private correctTimes(rows: readonly SaveRow[]): number {
    let corrected = 0;
    for (const { boardIndex, pinIndex, userIndex, at } of rows) {
      if (at === null || this.find.get(boardIndex, pinIndex, userIndex) === at) continue;
      this.setTime.run(at, boardIndex, pinIndex, userIndex);
      corrected++;
    }
    if (corrected > 0) this.sequence.setNumber(CORRECTED, this.sequence.current());
    return corrected;
  }

  /** Takes saves out in one transaction; code that counted them must count again. Returns how many there were. */
  remove(rows: Iterable<{ readonly boardIndex: number; readonly pinIndex: number; readonly userIndex: number }>): number {
    const remove = this.database.prepare('DELETE FROM saves WHERE boardIndex = ? AND pinIndex = ? AND userIndex = ?');
    return this.database
      .transaction(() => {
        let count = 0;
        for (const { boardIndex, pinIndex, userIndex } of rows) {
          count += remove.run(boardIndex, pinIndex, userIndex).changes;
        }
        this.sequence.setNumber(REMOVED, this.sequence.next());
        return count;
      })
      .immediate();
  }

  /** Boards with their pins, streamed in board order; a pin saved twice to a board is there once, one taken away is not. */
  *memberships(): IterableIterator<BoardPins> {
    let boardIndex = -1;
    let pins: number[] = [];
    const rows = this.database
      .prepare(
        `SELECT boardIndex, pinIndex FROM saves
      WHERE pinIndex NOT IN (SELECT pinIndex FROM pins WHERE removed = 1) ORDER BY boardIndex, pinIndex`,
      )
      .raw();
    for (const [board, pin] of rows.iterate() as IterableIterator<[number, number]>) {
      if (board !== boardIndex) {
        if (pins.length > 0) yield { boardIndex, pinIndexes: Int32Array.from(pins) };
        boardIndex = board;
        pins = [];
      }
      if (pins[pins.length - 1] !== pin) pins.push(pin);
    }
    if (pins.length > 0) yield { boardIndex, pinIndexes: Int32Array.from(pins) };
  }

  /**
   * Memberships that are new after `sequence`, in the order they came, at most `most` (-1: all). Removals are not in it: when
   * `numbers.removedThrough` is greater than `sequence`, count again.
   */
  *membershipsSince(sequence: number, most = -1): IterableIterator<{ sequence: number; boardIndex: number; pinIndex: number }> {
    const rows = this.database.prepare(`SELECT sequence, boardIndex, pinIndex FROM saves s WHERE sequence > +? AND NOT EXISTS
      (SELECT 1 FROM saves o WHERE o.boardIndex = s.boardIndex AND o.pinIndex = s.pinIndex AND o.sequence < s.sequence)
      ORDER BY sequence LIMIT +?`);
    yield* rows.iterate(sequence, most) as IterableIterator<{ sequence: number; boardIndex: number; pinIndex: number }>;
  }

  /** The boards that hold a pin, ascending. */
  boardsOf(pinIndex: number): Int32Array {
    return Int32Array.from(this.boards.all(pinIndex) as number[]);
  }

  /** The pins of a board, ascending. */
  pinsOf(boardIndex: number): Int32Array {
    return Int32Array.from(this.pins.all(boardIndex) as number[]);
  }

  /** The pins of a board, the newest save first; each pin once. */
  newestOf(boardIndex: number): number[] {
    const rows = this.database.prepare(
      'SELECT pinIndex FROM saves WHERE boardIndex = +? GROUP BY pinIndex ORDER BY max(at) DESC, pinIndex',
    );
    return rows.pluck().all(boardIndex) as number[];
  }

  /** A user's saves, newest first, none later than `until`. */
  ofUser(userIndex: number, limit = -1, until = Number.MAX_SAFE_INTEGER): UserSave[] {
    return this.history.all(userIndex, until, limit) as UserSave[];
  }

  /** Stored names of people whose saves came or went after `sequence`, at most `most`. */
  saversAfter(sequence: number, most: number): readonly string[] {
    return this.savers.all(sequence, sequence, most) as string[];
  }

  /** Grows when saves change without a number of their own: who keeps some reads them again. */
  rewrittenThrough(): number {
    return this.sequence.number(REMOVED) + this.sequence.number(CORRECTED);
  }

  /** All saves in board order, for jobs that hold some out. */
  *all(): IterableIterator<{ boardIndex: number; pinIndex: number; userIndex: number; at: number }> {
    const rows = this.database.prepare('SELECT boardIndex, pinIndex, userIndex, at FROM saves');
    yield* rows.iterate() as IterableIterator<{ boardIndex: number; pinIndex: number; userIndex: number; at: number }>;
  }

  /** Saves of each pin, by pinIndex. */
  countsPerPin(): IterableIterator<[number, number]> {
    return this.database.prepare('SELECT pinIndex, count(*) FROM saves GROUP BY pinIndex').raw().iterate() as IterableIterator<
      [number, number]
    >;
  }

  countOf(pinIndex: number): number {
    return this.countPins.get(pinIndex) as number;
  }

  /** Users of the last saves, the latest first; at most `limit` of them, from the last 20,000 saves. */
  lastSavers(limit: number): number[] {
    const last = 'SELECT userIndex, sequence FROM saves WHERE userIndex >= 0 ORDER BY sequence DESC LIMIT 20000';
    const rows = this.database.prepare(`SELECT userIndex FROM (${last}) GROUP BY userIndex ORDER BY max(sequence) DESC LIMIT +?`);
    return rows.pluck().all(limit) as number[];
  }

  countOfUser(userIndex: number): number {
    return this.database.prepare('SELECT count(*) FROM saves WHERE userIndex = ?').pluck().get(userIndex) as number;
  }

  /** Pins that got a save after `sequence`. */
  savedSince(sequence: number): number[] {
    return this.database.prepare(SAVED_SINCE).pluck().all(sequence) as number[];
  }
}

/** Neighbours in the table are written one after the other. The sort is stable: of repeated saves the last one still wins. */
function inTableOrder(rows: readonly SaveRow[]): readonly SaveRow[] {
  return [...rows].sort((a, b) => a.boardIndex - b.boardIndex || a.pinIndex - b.pinIndex);
}
