/**
 * Marks as durable rows: the pictures that teach each label, what was seen of each pin's picture, and the marks found in it. Taught pictures
 * are kept as they came, so that another net or recipe can look at them again.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, type DatabaseOptions, migrate, openDatabase } from '../catalog/database.ts';
import { type LocalFeatures, POINT_NUMBERS } from '../exact/local-features.ts';
import type { Box } from '../vision/box.ts';
import type { FoundMark } from './mark-matching.ts';
import type { MarkView, PictureViews } from './picture-views.ts';

const TABLES = `
  CREATE TABLE taught_pictures (
    label TEXT NOT NULL, digest TEXT NOT NULL, taughtAt INTEGER NOT NULL, madeBy TEXT NOT NULL,
    code BLOB NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, points BLOB NOT NULL, descriptors BLOB NOT NULL,
    picture BLOB NOT NULL, PRIMARY KEY (label, digest)
  );
  CREATE TABLE seen_pictures (
    pinIndex INTEGER PRIMARY KEY, seen TEXT NOT NULL, matched TEXT, failure TEXT, reason TEXT,
    regions TEXT, codes BLOB, width INTEGER, height INTEGER, points BLOB, descriptors BLOB
  );
  CREATE TABLE found_marks (
    pinIndex INTEGER NOT NULL, place INTEGER NOT NULL, label TEXT NOT NULL, score REAL NOT NULL,
    x1 REAL NOT NULL, y1 REAL NOT NULL, x2 REAL NOT NULL, y2 REAL NOT NULL, PRIMARY KEY (pinIndex, place)
  ) WITHOUT ROWID;
  CREATE INDEX found_marks_by_label ON found_marks (label);
`;

export interface TaughtPicture {
  readonly label: string;
  /** Of the picture's bytes. */
  readonly digest: string;
  readonly picture: Uint8Array;
  /** What the view was made by: net, recipe of local features. */
  readonly madeBy: string;
  readonly view: MarkView;
}

export interface SeenPicture {
  readonly pinIndex: number;
  /** What the views were made of and by. */
  readonly seen: string;
  /** Null with a `failure`. */
  readonly views: PictureViews | null;
  /** Error code, and the reason in words. */
  readonly failure?: string;
  readonly reason?: string;
}

/** How far a pin's picture has come: `seen` as above, `matched` the set of taught pictures it was compared with. */
interface PictureState {
  readonly pinIndex: number;
  readonly seen: string;
  readonly matched: string | null;
  readonly failure: string | null;
}

interface FeatureColumns {
  width: number;
  height: number;
  points: Buffer;
  descriptors: Buffer;
}

export class MarkStore {
  private readonly database: Database;

  constructor(database: Database) {
    migrate(database, 'marks', [TABLES]);
    this.database = database;
  }

  /** Adds pictures to their labels; one that a label has is replaced. */
  teach(pictures: readonly TaughtPicture[], now: number): void {
    const put = this.database.prepare('INSERT OR REPLACE INTO taught_pictures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.inOne(() => {
      for (const { label, digest, madeBy, view, picture } of pictures) {
        const { width, height, points, descriptors } = view.features;
        put.run(label, digest, now, madeBy, bytesOf(view.code), width, height, bytesOf(points), bytesOf(descriptors), Buffer.from(picture));
      }
    });
  }

  /** Takes a label away, with all that was found of it. Returns how many pictures taught it. */
  forget(label: string): number {
    return this.inOne(() => {
      // Taught again by the same pictures, the set is the one that these were compared with: they would never show the mark again.
      const showed = 'SELECT pinIndex FROM found_marks WHERE label = ?';
      this.database.prepare(`UPDATE seen_pictures SET matched = NULL WHERE pinIndex IN (${showed})`).run(label);
      this.database.prepare('DELETE FROM found_marks WHERE label = ?').run(label);
      return this.database.prepare('DELETE FROM taught_pictures WHERE label = ?').run(label).changes;
    });
  }

  /** All taught pictures, by label. */
  taught(): TaughtPicture[] {
    const rows = this.database.prepare('SELECT * FROM taught_pictures ORDER BY label, digest').all() as (Omit<TaughtPicture, 'view'> &
      FeatureColumns & { code: Buffer })[];
    return rows.map(({ label, digest, picture, madeBy, code, ...columns }) => ({
      label,
      digest,
      picture,
      madeBy,
      view: { code: wordsIn(code), features: featuresOf(columns) },
    }));
  }

  /** Labels with the number of their pictures, in the order of the labels. */
  labels(): { readonly label: string; readonly pictures: number }[] {
    const rows = this.database.prepare('SELECT label, count(*) AS pictures FROM taught_pictures GROUP BY label ORDER BY label');
    return rows.all() as { label: string; pictures: number }[];
  }

  states(): Map<number, PictureState> {
    const rows = this.database.prepare('SELECT pinIndex, seen, matched, failure FROM seen_pictures').all() as PictureState[];
    return new Map(rows.map((row) => [row.pinIndex, row]));
  }

  /** Inserts or replaces what was seen; what was found in the pictures before is taken away. */
  putSeen(pictures: readonly SeenPicture[]): void {
    const put = this.database.prepare('INSERT OR REPLACE INTO seen_pictures VALUES (?, ?, NULL, ?, ?, ?, ?, ?, ?, ?, ?)');
    const drop = this.database.prepare('DELETE FROM found_marks WHERE pinIndex = ?');
    this.inOne(() => {
      for (const { pinIndex, seen, views, failure = null, reason = null } of pictures) {
        drop.run(pinIndex);
        const { width = null, height = null, points = null, descriptors = null } = views?.features ?? {};
        const codes = views && Buffer.concat(views.codes.map(bytesOf));
        const regions = views && JSON.stringify(views.regions);
        put.run(
          pinIndex,
          seen,
          failure,
          reason,
          regions,
          codes,
          width,
          height,
          points && bytesOf(points),
          descriptors && bytesOf(descriptors),
        );
      }
    });
  }

  /** What was seen of a pin's picture; null without any, or where it was refused. */
  views(pinIndex: number): PictureViews | null {
    const row = this.database
      .prepare('SELECT regions, codes, width, height, points, descriptors FROM seen_pictures WHERE pinIndex = ? AND failure IS NULL')
      .get(pinIndex) as (FeatureColumns & { regions: string; codes: Buffer }) | undefined;
    if (!row) return null;
    const { regions: text, codes: bytes, ...columns } = row;
    const regions = JSON.parse(text) as Box[];
    const words = wordsIn(bytes);
    const length = words.length / regions.length;
    const codes = regions.map((_, i) => words.subarray(i * length, (i + 1) * length));
    return { regions, codes, features: featuresOf(columns) };
  }

  /** Notes the marks of pictures, compared with the taught pictures that `matched` names. */
  putFound(found: readonly { readonly pinIndex: number; readonly marks: readonly FoundMark[] }[], matched: string): void {
    const drop = this.database.prepare('DELETE FROM found_marks WHERE pinIndex = ?');
    const put = this.database.prepare('INSERT INTO found_marks VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
    const note = this.database.prepare('UPDATE seen_pictures SET matched = ? WHERE pinIndex = ?');
    this.inOne(() => {
      for (const { pinIndex, marks } of found) {
        drop.run(pinIndex);
        marks.forEach(({ label, score, box }, place) => put.run(pinIndex, place, label, score, ...box));
        note.run(matched, pinIndex);
      }
    });
  }

  /** Takes away all rows of some pins. */
  forgetPins(pinIndexes: readonly number[]): void {
    const tables = ['seen_pictures', 'found_marks'].map((table) => this.database.prepare(`DELETE FROM ${table} WHERE pinIndex = ?`));
    this.inOne(() => {
      for (const pinIndex of pinIndexes) for (const table of tables) table.run(pinIndex);
    });
  }

  /** The marks of a pin's picture, surest first. */
  marksOf(pinIndex: number): FoundMark[] {
    const rows = this.database.prepare('SELECT label, score, x1, y1, x2, y2 FROM found_marks WHERE pinIndex = +? ORDER BY place').raw();
    return (rows.all(pinIndex) as [string, number, number, number, number, number][]).map(([label, score, ...box]) => ({
      label,
      score,
      box,
    }));
  }

  /** Pins and labels of all marks found. */
  found(): { readonly pinIndex: number; readonly label: string }[] {
    return this.database.prepare('SELECT DISTINCT pinIndex, label FROM found_marks').all() as { pinIndex: number; label: string }[];
  }

  /** Copies the found marks of the database at the path `source`. */
  takeFoundOf(source: string): void {
    this.database.prepare('ATTACH ? AS source').run(source);
    this.database.exec('INSERT INTO main.found_marks SELECT * FROM source.found_marks ORDER BY pinIndex, place; DETACH source');
    // One file: a node copies it without the log beside it.
    this.database.pragma('journal_mode = DELETE');
  }

  /** Changes when another connection has written. */
  get version(): number {
    return this.database.pragma('data_version', { simple: true }) as number;
  }

  close(): void {
    this.database.close();
  }

  private inOne<Result>(work: () => Result): Result {
    return this.database.transaction(work).immediate();
  }
}

const fileOf = (dataFolder: string): string => join(dataFolder, 'marks.sqlite');

/** Opens (and makes) `marks.sqlite` of a data folder. */
export function openMarkStore(dataFolder: string, options: DatabaseOptions = {}): MarkStore {
  return new MarkStore(openDatabase(fileOf(dataFolder), options));
}

/** Whether a mark was ever taught in a data folder. */
export function hasMarks(dataFolder: string): boolean {
  return existsSync(fileOf(dataFolder));
}

/**
 * Writes to `target` a `marks.sqlite` of what is served: the found marks of the one at `source`. The taught pictures and what was seen of
 * the pins' pictures stay behind: only the jobs read them, and they take about 250 kB a picture.
 */
export function writeFoundMarks(source: string, target: string): void {
  const store = new MarkStore(openDatabase(target));
  try {
    store.takeFoundOf(source);
  } finally {
    store.close();
  }
}

function bytesOf(array: Uint32Array | Float32Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}

/** A copy, so that it begins at a multiple of four. */
function wordsIn(bytes: Buffer): Uint32Array {
  const words = new Uint32Array(bytes.length / 4);
  new Uint8Array(words.buffer).set(bytes);
  return words;
}

function featuresOf({ width, height, points, descriptors }: FeatureColumns): LocalFeatures {
  const numbers = new Float32Array(wordsIn(points).buffer);
  return { width, height, count: numbers.length / POINT_NUMBERS, points: numbers, descriptors: wordsIn(descriptors) };
}
