/**
 * Object crops of every pin as durable rows: what each object is, where, its binary code, and what a search by it said when
 * it was made (the signals of its dot). One row a pin, under the net and the detector that made it.
 */
import { join } from 'node:path';
import { type Database, type DatabaseOptions, migrate, openDatabase } from '../catalog/database.ts';
import type { Detection } from '../detection/detection.ts';
import type { DotSignals } from './object-dots.ts';
import { ObjectIndex } from './object-index.ts';

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
];

/** An object with its code and the signals of its dot. */
export interface StoredObject extends Detection {
  readonly code: Uint32Array;
  readonly signals: DotSignals;
}

export interface PinObjectsRow {
  readonly pinIndex: number;
  /** What the row was made from (image version, labels, boxes): equal states need no new run. */
  readonly state: string;
  readonly objects: readonly StoredObject[];
}

interface StoredRow {
  pinIndex: number;
  state: string;
  objects: string;
  codes: Buffer;
}

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
    const insert = this.database.prepare('INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?)');
    this.database
      .transaction(() => {
        for (const { pinIndex, state, objects } of rows) {
          const records = objects.map(({ label, score, box, signals }) => ({ label, score, box, signals }));
          insert.run(...this.key, pinIndex, state, JSON.stringify(records), packed(objects));
        }
      })
      .immediate();
  }

  read(pinIndex: number): PinObjectsRow | null {
    const row = this.database
      .prepare('SELECT pinIndex, state, objects, codes FROM objects WHERE netKey = ? AND detector = ? AND pinIndex = ?')
      .get(...this.key, pinIndex) as StoredRow | undefined;
    return row ? rowOf(row) : null;
  }

  /** The state of each pin's row. */
  states(): Map<number, string> {
    const rows = this.database.prepare('SELECT pinIndex, state FROM objects WHERE netKey = ? AND detector = ?').raw();
    return new Map(rows.all(...this.key) as [number, string][]);
  }

  /** All rows in the order of pins. */
  *all(): IterableIterator<PinObjectsRow> {
    const rows = this.database.prepare(
      'SELECT pinIndex, state, objects, codes FROM objects WHERE netKey = ? AND detector = ? ORDER BY pinIndex',
    );
    for (const row of rows.iterate(...this.key) as IterableIterator<StoredRow>) yield rowOf(row);
  }

  close(): void {
    this.database.close();
  }
}

/** The index of all stored object crops. */
export function loadObjectIndex(store: ObjectStore, bits: number): ObjectIndex {
  const index = new ObjectIndex(bits);
  for (const { pinIndex, objects } of store.all()) {
    index.setPin(
      pinIndex,
      objects.map(({ label, score, box, code }) => ({ pinIndex, label, score, box, code })),
    );
  }
  return index;
}

export function openObjectStore(
  dataFolder: string,
  netKey: string,
  detectorDigest: string,
  options: DatabaseOptions = {},
): ObjectStore {
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
