/** Boards in SQLite, with dense ordinals from 0 (boardIndex), and the users who own them. */
import { type Upserted, upsertAll } from './stored-records.ts';
import type { Database, Statement } from '../database.ts';
import type { BoardRecord } from './records.ts';
import type { Sequence } from '../log/sequence-store.ts';
import type { UserStore } from './user-store.ts';

/** Version 1 of the table of boards (a step of `migrate`). */
export const BOARD_TABLES = `
  CREATE TABLE boards (
    boardIndex INTEGER PRIMARY KEY,
    boardId TEXT NOT NULL UNIQUE,
    title TEXT, description TEXT, ownerIndex INTEGER, category TEXT,
    sequence INTEGER NOT NULL
  );
  CREATE INDEX boards_by_sequence ON boards (sequence);
`;

export interface Board {
  readonly boardIndex: number;
  readonly id: string;
  readonly title: string;
  readonly description: string;
  /** -1 when nobody is known to own it. */
  readonly ownerIndex: number;
  readonly category: string | null;
}

interface BoardRow {
  boardIndex: number;
  boardId: string;
  title: string | null;
  description: string | null;
  ownerIndex: number | null;
  category: string | null;
  removedAt?: number | null;
}

export class BoardStore {
  private readonly database: Database;
  private readonly sequence: Sequence;
  private readonly users: UserStore;
  private readonly find: Statement;
  private readonly findKey: Statement;
  private readonly put: Statement;

  constructor(database: Database, sequence: Sequence, users: UserStore) {
    this.database = database;
    this.sequence = sequence;
    this.users = users;
    this.find = database.prepare('SELECT * FROM boards WHERE boardId = ?');
    this.findKey = database
      .prepare('SELECT boardIndex, coalesce(ownerIndex, -1) FROM boards WHERE boardId = ? AND removedAt IS NULL')
      .raw();
    this.put = database.prepare(`INSERT OR REPLACE INTO boards
      (boardIndex, boardId, title, description, ownerIndex, category, sequence) VALUES (?, ?, ?, ?, ?, ?, ?)`);
  }

  /** Category and owner (-1: unknown) of every board that is there. */
  *heads(): IterableIterator<{ boardIndex: number; category: string | null; ownerIndex: number }> {
    yield* this.database
      .prepare('SELECT boardIndex, category, coalesce(ownerIndex, -1) AS ownerIndex FROM boards ORDER BY boardIndex')
      .iterate() as IterableIterator<{ boardIndex: number; category: string | null; ownerIndex: number }>;
  }

  /** Ordinals given out: the next new board gets this one. */
  count(): number {
    return this.database.prepare('SELECT coalesce(max(boardIndex) + 1, 0) FROM boards').pluck().get() as number;
  }

  /** The ordinal of a board id, -1 when unknown. */
  indexOf(id: string): number {
    return this.keyOf(id)?.[0] ?? -1;
  }

  /** The ordinal of a board id, also of one that was taken away; -1 when it never was. */
  everIndexOf(id: string): number {
    return (this.find.get(id) as BoardRow | undefined)?.boardIndex ?? -1;
  }

  /** [boardIndex, ownerIndex or -1] of a board id. */
  keyOf(id: string): readonly [number, number] | null {
    return (this.findKey.get(id) as [number, number] | undefined) ?? null;
  }

  /** Boards that are there with ordinals below `before`, the latest first. */
  latest(before: number, limit: number): Board[] {
    const rows = this.database.prepare(
      'SELECT * FROM boards WHERE boardIndex < +? AND removedAt IS NULL ORDER BY boardIndex DESC LIMIT +?',
    );
    return (rows.all(before, limit) as BoardRow[]).map(boardOf);
  }

  /** Null for an ordinal that was not given out. */
  get(boardIndex: number): Board | null {
    const row = this.database.prepare('SELECT * FROM boards WHERE boardIndex = ?').get(boardIndex) as BoardRow | undefined;
    return row ? boardOf(row) : null;
  }

  /** As `upsertAll` says. */
  upsert(records: readonly BoardRecord[]): Upserted {
    return upsertAll<BoardRow, BoardRecord>(this.database, records, {
      next: this.count(),
      find: (id) => this.find.get(id) as BoardRow | undefined,
      indexOf: ({ boardIndex }) => boardIndex,
      write: (record, before, boardIndex) => this.write(record, before, boardIndex),
    });
  }

  private write(record: BoardRecord, before: BoardRow | undefined, boardIndex: number): boolean {
    const keep = <T>(given: T | undefined, stored: T | undefined): T | null => (given === undefined ? (stored ?? null) : given);
    const ownerIndex = record.ownerId ? this.users.ensure(record.ownerId) : (record.ownerId as null | undefined);
    const after: BoardRow = {
      boardIndex,
      boardId: record.id,
      title: keep(record.title, before?.title),
      description: keep(record.description, before?.description),
      ownerIndex: keep(ownerIndex, before?.ownerIndex),
      category: keep(record.category, before?.category),
    };
    if (before && before.removedAt === null && (Object.keys(after) as (keyof BoardRow)[]).every((field) => before[field] === after[field]))
      return false;
    this.put.run(...Object.values(after), this.sequence.next());
    return true;
  }
}

function boardOf(row: BoardRow): Board {
  return {
    boardIndex: row.boardIndex,
    id: row.boardId,
    title: row.title ?? '',
    description: row.description ?? '',
    ownerIndex: row.ownerIndex ?? -1,
    category: row.category,
  };
}
