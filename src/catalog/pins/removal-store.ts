/**
 * What was taken away: pins, boards and saves leave every list at once, may come back within a day, and are then forgotten
 * but for what training needs (ordinals, ids and the log). Every process asks `switchesSince` before it answers, so that
 * nothing that was taken away, and nothing that is no longer for sale, is served by a process that has not looked yet.
 */
import { existsSync } from 'node:fs';
import { type Database, openDatabase, type Statement } from '../database.ts';
import type { Sequence } from '../log/sequence-store.ts';

/** Version 3 of the tables of the catalogue. A pin is switched when it goes, comes back, or its price, stock or sale changes. */
export const REMOVAL_TABLES = `
  ALTER TABLE pins ADD COLUMN removedAt INTEGER;
  ALTER TABLE boards ADD COLUMN removedAt INTEGER;
  CREATE TABLE removed_saves (
    boardIndex INTEGER NOT NULL, pinIndex INTEGER NOT NULL, userIndex INTEGER NOT NULL,
    at INTEGER NOT NULL, removedAt INTEGER NOT NULL, sequence INTEGER NOT NULL,
    PRIMARY KEY (boardIndex, pinIndex, userIndex)
  ) WITHOUT ROWID;
  CREATE INDEX removed_saves_by_sequence ON removed_saves (sequence);
  CREATE TABLE pin_switches (sequence INTEGER PRIMARY KEY, pinIndex INTEGER NOT NULL, at INTEGER NOT NULL);
  CREATE TRIGGER pin_switched AFTER UPDATE OF removed, buyable, fields ON pins
    WHEN old.removed <> new.removed OR old.buyable <> new.buyable OR old.fields IS NOT new.fields
    BEGIN INSERT OR REPLACE INTO pin_switches VALUES (new.sequence, new.pinIndex, unixepoch() * 1000); END;
`;

/** How long what was taken away may come back. */
export const UNDO_MS = 24 * 3600 * 1000;
/** Switches are read by every process within a second or not at all: after this they are in its columns. */
const SWITCHES_KEPT_MS = 3600 * 1000;
/** Switches taken over before one reply; the rest before the next ones. */
const SWITCHES_AT_ONCE = 10_000;

export interface SaveKey {
  readonly boardIndex: number;
  readonly pinIndex: number;
  /** Absent: the saves of everybody. */
  readonly userIndex?: number;
}

/** Whether a pin is away. */
export interface Fate {
  readonly pinId: string;
  readonly removed: boolean;
}

/** What was forgotten for good: ordinals of pins, and stored references of their pictures that no other pin has. */
interface Forgotten {
  readonly pins: readonly number[];
  readonly images: readonly string[];
}

export class RemovalStore {
  private readonly database: Database;
  private readonly sequence: Sequence;
  private readonly switches: Statement;
  private readonly removed: Statement;
  private readonly fates: Statement;
  private readonly dataVersion: Statement;
  private seenVersion = -1;
  private seenTaken = -1;

  constructor(database: Database, sequence: Sequence) {
    this.database = database;
    this.sequence = sequence;
    this.switches = database
      .prepare(`SELECT sequence, pinIndex FROM pin_switches WHERE sequence > +? ORDER BY sequence LIMIT ${SWITCHES_AT_ONCE}`)
      .raw();
    // A pin that came back is found by its switch alone: its row may have changed since.
    this.fates = database.prepare(`
      SELECT pinId, removed FROM pins WHERE removed = 1 AND sequence > @after AND sequence <= @through
      UNION SELECT pinId, removed FROM pins
        WHERE pinIndex IN (SELECT pinIndex FROM pin_switches WHERE sequence > @after AND sequence <= @through)`);
    this.dataVersion = database.prepare('PRAGMA data_version').pluck();
    this.removed = database.prepare('SELECT DISTINCT boardIndex, pinIndex FROM removed_saves WHERE sequence > +?');
  }

  /** Whether this or another connection may have written since the last call: about four microseconds. */
  written(): boolean {
    const version = this.dataVersion.get() as number;
    const { taken } = this.sequence;
    const isNew = version !== this.seenVersion || taken !== this.seenTaken;
    this.seenVersion = version;
    this.seenTaken = taken;
    return isNew;
  }

  /** Pins switched after a change, and the change up to which these are all. */
  switchesSince(sequence: number): { readonly pins: readonly number[]; readonly sequence: number } {
    const rows = this.switches.all(sequence) as [number, number][];
    if (rows.length === 0) return { pins: [], sequence };
    return { pins: [...new Set(rows.map(([, pinIndex]) => pinIndex))], sequence: rows[rows.length - 1][0] };
  }

  /** Pins that were taken away or switched after a change, up to the change `through`, and whether each is away now. */
  fatesBetween(after: number, through: number): Fate[] {
    const rows = this.fates.all({ after, through }) as { pinId: string; removed: number }[];
    return rows.map(({ pinId, removed }) => ({ pinId, removed: removed === 1 }));
  }

  /** The last switch that columns of a change hold; 0 without one. */
  lastSwitch(through: number): number {
    return this.database.prepare('SELECT coalesce(max(sequence), 0) FROM pin_switches WHERE sequence <= ?').pluck().get(through) as number;
  }

  /** Pins that are away now. */
  removedPins(): ReadonlySet<number> {
    return new Set(this.database.prepare('SELECT pinIndex FROM pins WHERE removed = 1').pluck().all() as number[]);
  }

  /** Takes pins out of every list; their ordinals stay taken. An upsert of the same id brings a pin back. Returns how many went. */
  removePins(pinIndexes: Iterable<number>, now: number): number {
    return this.each(pinIndexes, 'UPDATE pins SET sequence = ?, removed = 1, removedAt = ? WHERE removed = 0 AND pinIndex = ?', now);
  }

  /** Brings pins back that were taken away within the last day. Returns how many came. */
  restorePins(pinIndexes: Iterable<number>, now: number): number {
    const restore = 'UPDATE pins SET sequence = ?, removed = 0, removedAt = NULL WHERE removed = 1 AND removedAt > ? AND pinIndex = ?';
    return this.each(pinIndexes, restore, now - UNDO_MS);
  }

  /** Takes a board away, and the saves on it. */
  removeBoard(boardIndex: number, now: number): boolean {
    const remove = this.database.prepare('UPDATE boards SET removedAt = ?, sequence = ? WHERE boardIndex = ? AND removedAt IS NULL');
    return this.transaction(() => {
      const gone = remove.run(now, this.sequence.next(), boardIndex).changes > 0;
      if (gone) this.moveOut('boardIndex = ?', [boardIndex], now);
      return gone;
    });
  }

  restoreBoard(boardIndex: number, now: number): boolean {
    const restore = this.database.prepare('UPDATE boards SET removedAt = NULL, sequence = ? WHERE boardIndex = ? AND removedAt > ?');
    return this.transaction(() => {
      const came = restore.run(this.sequence.next(), boardIndex, now - UNDO_MS).changes > 0;
      if (came) this.moveBack('boardIndex = ?', [boardIndex], now);
      return came;
    });
  }

  /** Takes saves of a pin on a board away. Returns how many went. */
  removeSaves(key: SaveKey, now: number): number {
    return this.transaction(() => this.moveOut(...conditionOf(key), now));
  }

  restoreSaves(key: SaveKey, now: number): number {
    return this.transaction(() => this.moveBack(...conditionOf(key), now));
  }

  /** Memberships taken away after a change. */
  membershipsRemovedSince(sequence: number): { readonly boardIndex: number; readonly pinIndex: number }[] {
    return this.removed.all(sequence) as { boardIndex: number; pinIndex: number }[];
  }

  /** Forgets what was taken away before `now` minus a day: its texts, pictures, groups and people. The ids and the log stay. */
  forget(now: number): Forgotten {
    const before = now - UNDO_MS;
    return this.transaction(() => {
      const due = this.database.prepare(`SELECT pinIndex, image FROM pins WHERE removed = 1 AND removedAt <= ?
        AND coalesce(image, title, description, link, annotations, fields) IS NOT NULL`);
      const rows = due.all(before) as { pinIndex: number; image: string | null }[];
      const empty = this.database.prepare(`UPDATE pins SET image = NULL, title = NULL, description = NULL, link = NULL, domain = NULL,
        annotations = NULL, categories = NULL, categoryVector = NULL, fields = NULL, sequence = ? WHERE pinIndex = ?`);
      const forget = ['pin_images', 'pin_groups'].map((table) => this.database.prepare(`DELETE FROM ${table} WHERE pinIndex = ?`));
      const words = this.database.prepare('DELETE FROM pin_text WHERE rowid = ?');
      for (const { pinIndex } of rows) {
        empty.run(this.sequence.next(), pinIndex);
        for (const statement of [...forget, words]) statement.run(pinIndex);
        this.moveOut('pinIndex = ?', [pinIndex], now);
      }
      this.database.prepare('UPDATE OR REPLACE removed_saves SET userIndex = -1 WHERE removedAt <= ? AND userIndex >= 0').run(before);
      this.database.prepare('DELETE FROM pin_switches WHERE at <= ?').run(now - SWITCHES_KEPT_MS);
      const used = this.database.prepare('SELECT 1 FROM pins WHERE image = ?').pluck();
      const images = rows.flatMap(({ image }) => (image !== null && used.get(image) === undefined ? [image] : []));
      return { pins: rows.map(({ pinIndex }) => pinIndex), images };
    });
  }

  private each(pinIndexes: Iterable<number>, sql: string, time: number): number {
    const statement = this.database.prepare(sql);
    return this.transaction(() => {
      let count = 0;
      for (const pinIndex of pinIndexes) count += statement.run(this.sequence.next(), time, pinIndex).changes;
      return count;
    });
  }

  /** Saves go where nobody counts them; their pins are touched, so that counts and category vectors follow. */
  private moveOut(where: string, values: readonly number[], now: number): number {
    const sequence = this.sequence.next();
    this.touch('saves', where, values, sequence);
    this.database
      .prepare(`INSERT OR REPLACE INTO removed_saves SELECT boardIndex, pinIndex, userIndex, at, ?, ? FROM saves WHERE ${where}`)
      .run(now, sequence, ...values);
    return this.database.prepare(`DELETE FROM saves WHERE ${where}`).run(...values).changes;
  }

  private moveBack(where: string, values: readonly number[], now: number): number {
    const sequence = this.sequence.next();
    const recent = `${where} AND removedAt > ${now - UNDO_MS} AND userIndex >= -1`;
    const rows = this.database.prepare(`SELECT boardIndex, pinIndex, userIndex, at FROM removed_saves WHERE ${recent}`).raw();
    const insert = this.database.prepare('INSERT OR IGNORE INTO saves VALUES (?, ?, ?, ?, ?)');
    const saves = rows.all(...values) as number[][];
    const first = this.sequence.reserve(saves.length);
    saves.forEach((save, i) => insert.run(...save, first + i));
    this.database.prepare(`DELETE FROM removed_saves WHERE ${recent}`).run(...values);
    this.touch('saves', where, values, sequence);
    return saves.length;
  }

  private touch(table: string, where: string, values: readonly number[], sequence: number): void {
    this.database
      .prepare(`UPDATE pins SET sequence = ? WHERE pinIndex IN (SELECT pinIndex FROM ${table} WHERE ${where})`)
      .run(sequence, ...values);
  }

  private transaction<T>(work: () => T): T {
    return this.database.transaction(work).immediate();
  }
}

function conditionOf({ boardIndex, pinIndex, userIndex }: SaveKey): [string, number[]] {
  const where = 'boardIndex = ? AND pinIndex = ?';
  return userIndex === undefined ? [where, [boardIndex, pinIndex]] : [`${where} AND userIndex = ?`, [boardIndex, pinIndex, userIndex]];
}

/** Deletes rows of pins from a table of another file of the data folder, where there is one. */
export function forgetPinRows(path: string, table: string, pinIndexes: readonly number[]): void {
  if (!existsSync(path) || pinIndexes.length === 0) return;
  const database = openDatabase(path);
  try {
    const known = database.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(table);
    if (!known) return;
    const forget = database.prepare(`DELETE FROM ${table} WHERE pinIndex = ?`);
    database.transaction(() => pinIndexes.forEach((pinIndex) => forget.run(pinIndex))).immediate();
  } finally {
    database.close();
  }
}
