/**
 * Lists that a node has served and the writer does not have yet, on disk in the order in which they were served: they outlive
 * the node's process, and a writer that is away. The queue is bounded; what does not fit is refused and counted by the caller.
 */
import { join } from 'node:path';
import { type Database, diskFullError, migrate, openDatabase, type Statement } from '../catalog/database.ts';
import type { SentList } from '../catalog/log/sent-list.ts';

const STEPS = [
  `CREATE TABLE columns (id INTEGER PRIMARY KEY, names TEXT NOT NULL UNIQUE) STRICT;
   CREATE TABLE waiting (id INTEGER PRIMARY KEY AUTOINCREMENT, columns INTEGER NOT NULL, list TEXT NOT NULL) STRICT;`,
];

/** Lists that have the same feature columns, the oldest of all first. */
export interface WaitingBatch {
  /** The last list of it. */
  readonly through: number;
  readonly count: number;
  /** What `POST /v1/served-lists` takes. */
  readonly body: string;
}

export class ListQueue {
  /** Lists that wait, and their bytes. */
  count = 0;
  bytes = 0;
  private readonly database: Database;
  private readonly bytesMax: number;
  private readonly insert: Statement<[number, string]>;
  private readonly oldest: Statement<[number], { id: number; columns: number; list: string }>;

  constructor(folder: string, { bytesMax, synchronous }: { readonly bytesMax: number; readonly synchronous: string }) {
    this.bytesMax = bytesMax;
    this.database = openDatabase(join(folder, 'list-queue.sqlite'), { synchronous, cacheKib: 8192 });
    migrate(this.database, 'list-queue', STEPS);
    this.insert = this.database.prepare('INSERT INTO waiting (columns, list) VALUES (?, ?)');
    this.oldest = this.database.prepare('SELECT id, columns, list FROM waiting ORDER BY id LIMIT +?');
    const { count, bytes } = this.database
      .prepare('SELECT count(*) AS count, coalesce(sum(length(list)), 0) AS bytes FROM waiting')
      .get() as {
      count: number;
      bytes: number;
    };
    Object.assign(this, { count, bytes });
  }

  /** Puts lists at the end, durably. Returns how many there was no room for. @throws DATA_DISK_FULL */
  put(lists: readonly SentList[], columns: readonly string[]): number {
    const texts = lists.map((list) => JSON.stringify(list));
    let room = 0;
    let bytes = this.bytes;
    while (room < texts.length && bytes + texts[room].length <= this.bytesMax) bytes += texts[room++].length;
    try {
      this.database.transaction(() => {
        const id = this.idOf(columns);
        for (const text of texts.slice(0, room)) this.insert.run(id, text);
      })();
    } catch (error) {
      throw diskFullError(error, this.database.name);
    }
    this.count += room;
    this.bytes = bytes;
    return texts.length - room;
  }

  private idOf(columns: readonly string[]): number {
    const names = JSON.stringify(columns);
    this.database.prepare('INSERT OR IGNORE INTO columns (names) VALUES (?)').run(names);
    return this.database.prepare<[string], number>('SELECT id FROM columns WHERE names = ?').pluck().get(names) ?? 0;
  }

  /** The oldest lists, at most `most` of them and about `bytes`; null when none wait. */
  next(most: number, bytes: number): WaitingBatch | null {
    const rows = this.oldest.all(most);
    let size = 0;
    const other = rows.findIndex(({ columns, list }, at) => columns !== rows[0].columns || ((size += list.length) > bytes && at > 0));
    const batch = other < 0 ? rows : rows.slice(0, other);
    if (batch.length === 0) return null;
    const names = this.database.prepare<[number], string>('SELECT names FROM columns WHERE id = ?').pluck().get(batch[0].columns);
    const body = `{"columns":${names},"lists":[${batch.map(({ list }) => list).join(',')}]}`;
    return { through: batch[batch.length - 1].id, count: batch.length, body };
  }

  /** Takes away what the writer has. */
  done({ through, count }: WaitingBatch): void {
    const sum = this.database.prepare<[number], number>('SELECT coalesce(sum(length(list)), 0) FROM waiting WHERE id <= ?').pluck();
    this.bytes -= sum.get(through) ?? 0;
    this.count -= count;
    this.database.prepare('DELETE FROM waiting WHERE id <= ?').run(through);
  }

  close(): void {
    this.database.close();
  }
}
