/**
 * Local features as durable rows: one per pin, with the recipe that made it and the version of the pin's image, or the reason
 * why there is none. `sequence` counts writes, so that a reader can ask what is new.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, type DatabaseOptions, migrate, openDatabase } from '../catalog/database.ts';
import { DESCRIPTOR_WORDS, type LocalFeatures, POINT_NUMBERS, RECIPE } from './local-features.ts';

const TABLES = `
  CREATE TABLE local_features (
    recipe TEXT NOT NULL, pinIndex INTEGER NOT NULL, imageVersion INTEGER NOT NULL, width INTEGER, height INTEGER,
    points BLOB, descriptors BLOB, failure TEXT, reason TEXT, sequence INTEGER NOT NULL,
    PRIMARY KEY (recipe, pinIndex)
  );
  CREATE INDEX local_features_by_sequence ON local_features (recipe, sequence);
`;

export interface LocalFeatureRow {
  readonly pinIndex: number;
  readonly imageVersion: number;
  /** Null with a `failure`. */
  readonly features: LocalFeatures | null;
  /** Error code, and the reason in words. */
  readonly failure?: string | null;
  readonly reason?: string | null;
}

interface StoredRow {
  pinIndex: number;
  imageVersion: number;
  width: number;
  height: number;
  points: Buffer | null;
  descriptors: Buffer | null;
  failure: string | null;
  reason: string | null;
}

const FIELDS = 'pinIndex, imageVersion, width, height, points, descriptors, failure, reason';

/** The rows of the present recipe; those of others lie beside them, untouched. */
export class LocalFeatureStore {
  private readonly database: Database;

  constructor(database: Database) {
    migrate(database, 'local features', [TABLES]);
    this.database = database;
  }

  /** Inserts or replaces rows in one transaction. */
  put(rows: readonly LocalFeatureRow[]): void {
    const put = this.database.prepare(`INSERT OR REPLACE INTO local_features (recipe, ${FIELDS}, sequence)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.database
      .transaction(() => {
        let sequence = this.sequence();
        for (const { pinIndex, imageVersion, features, failure = null, reason = null } of rows) {
          const { width = null, height = null, points = null, descriptors = null } = features ?? {};
          put.run(RECIPE, pinIndex, imageVersion, width, height, bytesOf(points), bytesOf(descriptors), failure, reason, ++sequence);
        }
      })
      .immediate();
  }

  /** The last write's number; 0 before the first. */
  sequence(): number {
    return this.database.prepare('SELECT coalesce(max(sequence), 0) FROM local_features WHERE recipe = ?').pluck().get(RECIPE) as number;
  }

  /** Version of the image each pin's row was made from, by pinIndex (failures too): what need not be done again. */
  imageVersions(): Map<number, number> {
    const rows = this.database.prepare('SELECT pinIndex, imageVersion FROM local_features WHERE recipe = ?').raw();
    return new Map(rows.all(RECIPE) as [number, number][]);
  }

  /** Pins whose pictures were refused. */
  failedPins(): Set<number> {
    const rows = this.database.prepare('SELECT pinIndex FROM local_features WHERE recipe = ? AND failure IS NOT NULL').pluck();
    return new Set(rows.all(RECIPE) as number[]);
  }

  /** The features of a pin; null without any. */
  get(pinIndex: number): LocalFeatures | null {
    const row = this.database.prepare(`SELECT ${FIELDS} FROM local_features WHERE recipe = ? AND pinIndex = ?`).get(RECIPE, pinIndex);
    return row ? rowOf(row as StoredRow).features : null;
  }

  /** Rows that were read, how many. */
  count(): number {
    return this.database.prepare('SELECT count(*) FROM local_features WHERE recipe = ? AND failure IS NULL').pluck().get(RECIPE) as number;
  }

  /** Key points of all rows together. */
  keyPoints(): number {
    const bytes = this.database.prepare('SELECT coalesce(sum(length(descriptors)), 0) FROM local_features WHERE recipe = ?');
    return (bytes.pluck().get(RECIPE) as number) / (DESCRIPTOR_WORDS * 4);
  }

  /** Rows written after `sequence`, in that order, failures too; with the number of each. */
  *changedSince(sequence: number): IterableIterator<LocalFeatureRow & { readonly sequence: number }> {
    const rows = this.database.prepare(
      `SELECT ${FIELDS}, sequence FROM local_features WHERE recipe = +? AND sequence > +? ORDER BY sequence`,
    );
    for (const row of rows.iterate(RECIPE, sequence) as IterableIterator<StoredRow & { sequence: number }>) {
      yield { ...rowOf(row), sequence: row.sequence };
    }
  }

  close(): void {
    this.database.close();
  }
}

const fileOf = (dataFolder: string): string => join(dataFolder, 'local-features.sqlite');

/** Opens the local features of a data folder. */
export function openLocalFeatureStore(dataFolder: string, options: DatabaseOptions = {}): LocalFeatureStore {
  return new LocalFeatureStore(openDatabase(fileOf(dataFolder), options));
}

/** Whether `extract-local-features` ever ran in a data folder. */
export function hasLocalFeatures(dataFolder: string): boolean {
  return existsSync(fileOf(dataFolder));
}

function bytesOf(array: Uint32Array | Float32Array | null): Buffer | null {
  return array ? Buffer.from(array.buffer, array.byteOffset, array.byteLength) : null;
}

/** A copy, so that it begins at a multiple of four. */
function wordsIn(bytes: Buffer): Uint32Array {
  const words = new Uint32Array(bytes.length / 4);
  new Uint8Array(words.buffer).set(bytes);
  return words;
}

function rowOf({ pinIndex, imageVersion, width, height, points, descriptors, failure, reason }: StoredRow): LocalFeatureRow {
  if (points === null || descriptors === null) return { pinIndex, imageVersion, features: null, failure, reason };
  const numbers = new Float32Array(wordsIn(points).buffer);
  const features = { width, height, count: numbers.length / POINT_NUMBERS, points: numbers, descriptors: wordsIn(descriptors) };
  return { pinIndex, imageVersion, features, failure, reason };
}
