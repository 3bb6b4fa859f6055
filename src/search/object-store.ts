/**
 * Object crops of every pin as durable rows: what each object is, where, its binary code, and what a search by it said when
 * it was made (the signals of its dot). One row a pin, under the net and the set of detectors that made it.
 */
import { join } from 'node:path';
import { type Database, type DatabaseOptions, migrate, openDatabase } from '../catalog/database.ts';
import type { Detection } from '../detection/detection.ts';
import type { SeenWord } from '../features/words.ts';
import type { DotSignals } from './object-dots.ts';

const TABLES = [
  `CREATE TABLE objects (
     netKey TEXT NOT NULL,
     detector TEXT NOT NULL,
     pinIndex INTEGER NOT NULL,
     state TEXT NOT NULL,
     objects TEXT NOT NULL,
     codes BLOB NOT NULL,
     PRIMARY KEY (netKey, detector, pinIndex)
   ) WITHOUT ROWID;`,
  `ALTER TABLE objects ADD COLUMN sequence INTEGER NOT NULL DEFAULT 0;
   CREATE INDEX objects_by_sequence ON objects (netKey, detector, sequence);`,
];

/** An object with its code and the signals of its dot. */
export interface StoredObject extends Detection {
  readonly code: Uint32Array;
  readonly signals: DotSignals;
  /** What the visual net says it sees in the crop; absent of nets that do not speak. */
  readonly words?: readonly SeenWord[];
}

export interface PinObjectsRow {
  readonly pinIndex: number;
  /** What the row was made from (image version, labels, boxes): equal states need no new run. REMOVED: the pin is gone. */
  readonly state: string;
  readonly objects: readonly StoredObject[];
}

/** The state of a pin that has no picture any more. */
export const REMOVED = 'removed';

interface StoredRow {
  pinIndex: number;
  state: string;
  objects: string;
  codes: Buffer;
  sequence: number;
}

/** The rows of one net and one set of detectors; those of others lie beside them, untouched. */
export class ObjectStore {
  private readonly database: Database;
  private readonly key: readonly [netKey: string, detector: string];

  constructor(database: Database, netKey: string, detectorDigest: string) {
    migrate(database, 'objects', TABLES);
    this.database = database;
    this.key = [netKey, detectorDigest];
  }

  /** Inserts or replaces rows in one transaction. */
  put(rows: readonly PinObjectsRow[]): void {
    const insert = this.database.prepare('INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.database
      .transaction(() => {
        let sequence = this.sequence();
        for (const { pinIndex, state, objects } of rows) {
          const records = objects.map(({ code: _, ...record }) => record);
          insert.run(...this.key, pinIndex, state, JSON.stringify(records), packed(objects), ++sequence);
        }
      })
      .immediate();
  }

  /** Whether nothing was indexed for this net and these detectors. */
  get isEmpty(): boolean {
    return this.database.prepare('SELECT 1 FROM objects WHERE netKey = +? AND detector = +? LIMIT 1').get(...this.key) === undefined;
  }

  /** Whether something was indexed for another net or other detectors. */
  get othersHave(): boolean {
    const other = 'SELECT 1 FROM objects WHERE netKey < +?1 OR netKey > +?1 OR (netKey = +?1 AND detector <> +?2) LIMIT 1';
    return this.database.prepare(other).get({ 1: this.key[0], 2: this.key[1] }) !== undefined;
  }

  /** The last write's number; 0 before the first. */
  sequence(): number {
    return this.database
      .prepare('SELECT coalesce(max(sequence), 0) FROM objects WHERE netKey = ? AND detector = ?')
      .pluck()
      .get(...this.key) as number;
  }

  /** Rows written after `sequence`, in that order, at most `limit`: what a reader has not seen. */
  changedSince(sequence: number, limit: number): readonly (PinObjectsRow & { readonly sequence: number })[] {
    const rows = this.database.prepare(
      `SELECT pinIndex, state, objects, codes, sequence FROM objects
       WHERE netKey = +? AND detector = +? AND sequence > +? ORDER BY sequence LIMIT +?`,
    );
    return (rows.all(...this.key, sequence, limit) as StoredRow[]).map((row) => ({ ...rowOf(row), sequence: row.sequence }));
  }

  /** Null when no job has looked at the pin. */
  read(pinIndex: number): PinObjectsRow | null {
    const row = this.database
      .prepare('SELECT pinIndex, state, objects, codes, sequence FROM objects WHERE netKey = ? AND detector = ? AND pinIndex = ?')
      .get(...this.key, pinIndex) as StoredRow | undefined;
    return row ? rowOf(row) : null;
  }

  /** Codes and words of a pin's objects in the rows of all sets of detectors under this net, by box; only of rows whose state is accepted. */
  sightsByBox(
    pinIndex: number,
    accept: (state: string) => boolean,
  ): ReadonlyMap<string, { readonly code: Uint32Array; readonly words: readonly SeenWord[] }> {
    const rows = this.database.prepare('SELECT pinIndex, state, objects, codes, sequence FROM objects WHERE netKey = ? AND pinIndex = ?');
    const known = (rows.all(this.key[0], pinIndex) as StoredRow[]).filter(({ state }) => accept(state)).map(rowOf);
    return new Map(known.flatMap(({ objects }) => objects.map(({ box, code, words = [] }) => [box.join(), { code, words }] as const)));
  }

  /** The state of each pin's row. */
  states(): Map<number, string> {
    const rows = this.database.prepare('SELECT pinIndex, state FROM objects WHERE netKey = ? AND detector = ?').raw();
    return new Map(rows.all(...this.key) as [number, string][]);
  }

  /** All rows in the order of pins. */
  *all(): IterableIterator<PinObjectsRow> {
    const rows = this.database.prepare(
      'SELECT pinIndex, state, objects, codes, sequence FROM objects WHERE netKey = +? AND detector = +? ORDER BY pinIndex',
    );
    for (const row of rows.iterate(...this.key) as IterableIterator<StoredRow>) yield rowOf(row);
  }

  close(): void {
    this.database.close();
  }
}

/** Opens (and makes) `objects.sqlite` of a data folder. */
export function openObjectStore(dataFolder: string, netKey: string, detectorDigest: string, options: DatabaseOptions = {}): ObjectStore {
  return new ObjectStore(openDatabase(join(dataFolder, 'objects.sqlite'), options), netKey, detectorDigest);
}

function packed(objects: readonly StoredObject[]): Buffer {
  return Buffer.concat(objects.map(({ code }) => Buffer.from(code.buffer, code.byteOffset, code.byteLength)));
}

function rowOf({ pinIndex, state, objects, codes }: StoredRow): PinObjectsRow {
  const words = new Uint32Array(codes.length / 4);
  new Uint8Array(words.buffer).set(codes);
  const records = JSON.parse(objects) as Omit<StoredObject, 'code'>[];
  const each = records.length === 0 ? 0 : words.length / records.length;
  return {
    pinIndex,
    state,
    objects: records.map((record, i) => ({ ...record, code: words.slice(i * each, (i + 1) * each) })),
  };
}
