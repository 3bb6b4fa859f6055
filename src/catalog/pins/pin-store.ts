/**
 * Pins in SQLite. Each gets a dense ordinal from 0, its pinIndex, when it first arrives; ordinals are never reused, so
 * columns, codes and lists may be plain arrays. An upsert keeps the fields it does not name.
 */
import { type Upserted, upsertAll } from './stored-records.ts';
import type { Database, Statement } from '../database.ts';
import { linkDomain } from './link-domain.ts';
import type { CallerFields, FieldValue, PinRecord } from './records.ts';
import type { Sequence } from '../log/sequence-store.ts';
import type { TextStore } from './text-store.ts';
import type { WeightMap } from './weight-map.ts';

export const PIN_TABLES = `
  CREATE TABLE pins (
    pinIndex INTEGER PRIMARY KEY,
    pinId TEXT NOT NULL UNIQUE,
    image TEXT, title TEXT, description TEXT, link TEXT, domain TEXT,
    annotations TEXT, categories TEXT, categoryVector TEXT,
    buyable INTEGER NOT NULL DEFAULT 0,
    createdAt INTEGER,
    removed INTEGER NOT NULL DEFAULT 0,
    imageVersion INTEGER NOT NULL DEFAULT 0,
    sequence INTEGER NOT NULL
  );
  CREATE INDEX pins_by_sequence ON pins (sequence);
  CREATE TABLE pin_images (pinIndex INTEGER PRIMARY KEY, imageVersion INTEGER NOT NULL, failure TEXT);
  CREATE TABLE pin_groups (pinIndex INTEGER PRIMARY KEY, groupIndex INTEGER NOT NULL);
`;

/** Version 2 of the table of pins: fields of the caller as a JSON object, and the names there ever were. */
export const PIN_FIELD_TABLES = `
  ALTER TABLE pins ADD COLUMN fields TEXT;
  CREATE TABLE pin_field_names (name TEXT PRIMARY KEY) WITHOUT ROWID;
`;

/** Version 3 of the images of pins: the words that the net says it sees, as JSON of word and confidence. */
export const PIN_WORD_TABLES = 'ALTER TABLE pin_images ADD COLUMN words TEXT';

/** What became of the picture of a pin. */
export interface ImageOutcome {
  readonly pinIndex: number;
  readonly imageVersion: number;
  readonly failure: string | null;
  readonly words?: Readonly<Record<string, number>> | null;
}

/** A pin as it is stored. `categories` is what was given, `categoryVector` what holds: given, or derived from its boards. */
interface Pin {
  readonly pinIndex: number;
  readonly id: string;
  /** A URL, an absolute path, or a path inside the data folder. */
  readonly image: string | null;
  readonly title: string;
  readonly description: string;
  readonly link: string | null;
  readonly annotations: Readonly<Record<string, number>>;
  readonly categories: Readonly<Record<string, number>>;
  readonly categoryVector: Readonly<Record<string, number>>;
  readonly buyable: boolean;
  readonly createdAt: number | null;
  /** What the caller keeps with the pin. */
  readonly fields: Readonly<Record<string, FieldValue>>;
  readonly removed: boolean;
  /** Why the image could not be used, or null. */
  readonly imageFailure: string | null;
  /** What the net says the picture shows, word -> confidence; they stand for annotations where there are none. */
  readonly seen: Readonly<Record<string, number>>;
}

/** What an upsert did: counts, and the pinIndex of each record in order. */
/** An image that is to be looked at: its version changes whenever the pin gets another image. */
export interface PinImage {
  readonly pinIndex: number;
  readonly image: string;
  readonly imageVersion: number;
}

interface PinRow {
  pinIndex: number;
  pinId: string;
  image: string | null;
  title: string | null;
  description: string | null;
  link: string | null;
  annotations: string | null;
  categories: string | null;
  categoryVector: string | null;
  buyable: number;
  createdAt: number | null;
  fields: string | null;
  removed: number;
  imageVersion: number;
  failure: string | null;
  words?: string | null;
}

/** One row for the resident columns: pinIndex, pinId, title, domain, annotations, categoryVector, buyable, createdAt, removed, has image, failure, groupIndex. */
export type PinColumnRow = [
  number,
  string,
  string | null,
  string | null,
  string | null,
  string | null,
  number,
  number | null,
  number,
  number,
  string | null,
  number | null,
];

/** Category weights under this are zero (DESIGN, category vector). */
export const CATEGORY_WEIGHT_MIN = 0.1;

const FIELDS =
  'pinIndex, pinId, image, title, description, link, annotations, categories, categoryVector, buyable, createdAt, fields, removed, imageVersion';
const COLUMN_ROWS = `SELECT p.pinIndex, pinId, title, domain, coalesce(annotations, i.words), categoryVector, buyable, createdAt, removed,
  image IS NOT NULL, i.failure, g.groupIndex FROM pins p
  LEFT JOIN pin_images i ON i.pinIndex = p.pinIndex AND i.imageVersion = p.imageVersion
  LEFT JOIN pin_groups g ON g.pinIndex = p.pinIndex`;

const IMAGES_NEEDED = `SELECT p.pinIndex, image, p.imageVersion FROM pins p LEFT JOIN pin_images i USING (pinIndex)
  WHERE image IS NOT NULL AND removed = 0 AND (i.imageVersion IS NULL OR i.imageVersion <> p.imageVersion)`;

export class PinStore {
  private readonly database: Database;
  private readonly sequence: Sequence;
  private readonly text: TextStore;
  private oneColumnRow: Statement | null = null;
  private readonly find: Statement;
  private readonly findIndex: Statement;
  private readonly findId: Statement;
  private readonly insert: Statement;
  private readonly update: Statement;
  private readonly noteName: Statement;
  private readonly seen: Statement;

  constructor(database: Database, sequence: Sequence, text: TextStore) {
    this.database = database;
    this.sequence = sequence;
    this.text = text;
    this.find = database.prepare(`SELECT ${FIELDS} FROM pins WHERE pinId = ?`);
    this.findIndex = database.prepare('SELECT pinIndex FROM pins WHERE pinId = ?').pluck();
    this.findId = database.prepare('SELECT pinId FROM pins WHERE pinIndex = ?').pluck();
    this.insert = database.prepare(`INSERT INTO pins (pinId, image, title, description, link, domain, annotations,
      categories, categoryVector, buyable, createdAt, fields, imageVersion, sequence, pinIndex, removed)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`);
    this.update = database.prepare(`UPDATE pins SET pinId = ?, image = ?, title = ?, description = ?, link = ?, domain = ?,
      annotations = ?, categories = ?, categoryVector = ?, buyable = ?, createdAt = ?, fields = ?, imageVersion = ?, sequence = ?,
      removed = 0, removedAt = NULL WHERE pinIndex = ?`);
    this.seen = database.prepare('SELECT words FROM pin_images WHERE pinIndex = ?').pluck();
    this.noteName = database.prepare('INSERT OR IGNORE INTO pin_field_names VALUES (?)');
  }

  /** Pins ever stored; also the next pinIndex. */
  count(): number {
    return this.database.prepare('SELECT coalesce(max(pinIndex) + 1, 0) FROM pins').pluck().get() as number;
  }

  /** The ordinal of a pin id, -1 when unknown. */
  indexOf(id: string): number {
    return (this.findIndex.get(id) as number | undefined) ?? -1;
  }

  idOf(pinIndex: number): string {
    const id = this.findId.get(pinIndex) as string | undefined;
    if (id === undefined) throw new RangeError(`pinIndex: expected one of the ${this.count()} stored, got ${pinIndex}`);
    return id;
  }

  /** The stored pin, or null. */
  get(pinIndex: number): Pin | null {
    const row = this.database
      .prepare(
        `SELECT p.*, i.failure, i.words FROM pins p
        LEFT JOIN pin_images i ON i.pinIndex = p.pinIndex AND i.imageVersion = p.imageVersion WHERE p.pinIndex = +?`,
      )
      .get(pinIndex) as PinRow | undefined;
    return row ? pinOf(row) : null;
  }

  /** As `upsertAll` says. */
  upsert(records: readonly PinRecord[]): Upserted {
    return upsertAll<PinRow, PinRecord>(this.database, records, {
      next: this.count(),
      find: (id) => this.find.get(id) as PinRow | undefined,
      indexOf: ({ pinIndex }) => pinIndex,
      write: (record, before, pinIndex) => this.write(record, before, pinIndex),
    });
  }

  /** The files behind these pins hold other pictures now: they are to be looked at again. */
  renewImages(pinIndexes: Iterable<number>): void {
    const renew = this.database.prepare('UPDATE pins SET imageVersion = @sequence, sequence = @sequence WHERE pinIndex = @pinIndex');
    this.database
      .transaction(() => {
        for (const pinIndex of pinIndexes) renew.run({ sequence: this.sequence.next(), pinIndex });
      })
      .immediate();
  }

  /** Pins whose categories came with them, and are not derived from their boards. */
  withGivenCategories(): number[] {
    return this.database.prepare('SELECT pinIndex FROM pins WHERE categories IS NOT NULL').pluck().all() as number[];
  }

  /** Pins with an image, by pinIndex, for extraction and detection. */
  *images(): IterableIterator<PinImage> {
    const rows = this.database.prepare(
      'SELECT pinIndex, image, imageVersion FROM pins WHERE image IS NOT NULL AND removed = 0 ORDER BY pinIndex',
    );
    yield* rows.iterate() as IterableIterator<PinImage>;
  }

  /** Pins whose image was looked at and refused, with the code of the reason. */
  refusedImages(): { readonly pinIndex: number; readonly image: string; readonly failure: string }[] {
    return this.database
      .prepare<[], { pinIndex: number; image: string; failure: string }>(
        `SELECT pinIndex, image, failure FROM pins p JOIN pin_images i USING (pinIndex, imageVersion)
         WHERE failure IS NOT NULL AND image IS NOT NULL AND removed = 0 ORDER BY pinIndex`,
      )
      .all();
  }

  /** The images not yet looked at in their present version: neither found good nor refused. At most `limit` of them, of pins `from` .. `to`. */
  imagesNeeded(limit = -1, from = 0, to = Number.MAX_SAFE_INTEGER): PinImage[] {
    return this.database
      .prepare(`${IMAGES_NEEDED} AND p.pinIndex >= +? AND p.pinIndex < +? ORDER BY p.pinIndex LIMIT +?`)
      .all(from, to, limit) as PinImage[];
  }

  /** Those of pins that changed after `sequence`. */
  imagesNeededSince(sequence: number, limit = -1): PinImage[] {
    return this.database.prepare(`${IMAGES_NEEDED} AND p.sequence > +? ORDER BY p.sequence LIMIT +?`).all(sequence, limit) as PinImage[];
  }

  /**
   * Notes what became of images: `failure` is null for a good one, else the reason it was refused. `words` (word -> confidence)
   * stand for the annotations of a pin that has none.
   */
  noteImages(outcomes: Iterable<ImageOutcome>): void {
    const note = this.database.prepare('INSERT OR REPLACE INTO pin_images (pinIndex, imageVersion, failure, words) VALUES (?, ?, ?, ?)');
    const touch = this.database.prepare('UPDATE pins SET sequence = ? WHERE pinIndex = ?');
    const known = this.database.prepare('SELECT failure, words FROM pin_images WHERE pinIndex = ?');
    const unannotated = this.database.prepare('SELECT title, description FROM pins WHERE pinIndex = ? AND annotations IS NULL');
    this.database
      .transaction(() => {
        for (const { pinIndex, imageVersion, failure, words = null } of outcomes) {
          const before = known.get(pinIndex) as { failure: string | null; words: string | null } | undefined;
          const text = words && JSON.stringify(words);
          note.run(pinIndex, imageVersion, failure, text);
          const spoken = (before?.words ?? null) !== text;
          if (spoken || (before?.failure ?? null) !== failure) touch.run(this.sequence.next(), pinIndex);
          const pin = spoken ? (unannotated.get(pinIndex) as { title: string | null; description: string | null } | undefined) : undefined;
          if (pin) this.text.put(pinIndex, [pin.title ?? '', pin.description ?? '', Object.keys(words ?? {}).join(' , ')]);
        }
      })
      .immediate();
  }

  /** Images refused, by reason. */
  imageFailures(): Record<string, number> {
    const rows = this.database
      .prepare(
        `SELECT failure, count(*) AS count FROM pin_images i JOIN pins p USING (pinIndex, imageVersion)
        WHERE failure IS NOT NULL GROUP BY failure`,
      )
      .all() as { failure: string; count: number }[];
    return Object.fromEntries(rows.map((row) => [row.failure, row.count]));
  }

  /** Rows for the resident columns, by pinIndex: all from `from` on. */
  columnRows(from = 0): IterableIterator<PinColumnRow> {
    return this.database
      .prepare(`${COLUMN_ROWS} WHERE p.pinIndex >= +? ORDER BY p.pinIndex`)
      .raw()
      .iterate(from) as IterableIterator<PinColumnRow>;
  }

  columnRow(pinIndex: number): PinColumnRow | null {
    this.oneColumnRow ??= this.database.prepare(`${COLUMN_ROWS} WHERE p.pinIndex = +?`).raw();
    return (this.oneColumnRow.get(pinIndex) as PinColumnRow | undefined) ?? null;
  }

  /** Pins whose own row changed after `sequence`. */
  changedSince(sequence: number): number[] {
    return this.database.prepare('SELECT pinIndex FROM pins WHERE sequence > ?').pluck().all(sequence) as number[];
  }

  /** Names of the fields that callers have kept with pins, ascending. */
  fieldNames(): string[] {
    return this.database.prepare('SELECT name FROM pin_field_names ORDER BY name').pluck().all() as string[];
  }

  private write(record: PinRecord, before: PinRow | undefined, pinIndex: number): boolean {
    const after = merged(record, before);
    if (before && !before.removed && sameRow(before, after)) return false;
    const sequence = this.sequence.next();
    const imageVersion = before && before.image === after.image ? before.imageVersion : sequence;
    const vector = after.categories ? strongCategories(after.categories) : null;
    const domain = after.link === null ? null : linkDomain(after.link);
    const values = [after.pinId, after.image, after.title, after.description, after.link, domain, after.annotations];
    const row = [...values, after.categories, vector, after.buyable, after.createdAt, after.fields, imageVersion, sequence, pinIndex];
    (before ? this.update : this.insert).run(...row);
    for (const name of Object.keys(record.fields ?? {})) this.noteName.run(name);
    const terms = parseMap(after.annotations ?? (this.seen.get(pinIndex) as string | null | undefined) ?? null);
    const text = [after.title ?? '', after.description ?? '', Object.keys(terms).join(' , ')] as const;
    this.text.put(pinIndex, text);
    return true;
  }
}

type Merged = Omit<PinRow, 'pinIndex' | 'categoryVector' | 'removed' | 'imageVersion' | 'failure' | 'words'>;

function merged(record: PinRecord, before: PinRow | undefined): Merged {
  const keep = <T>(given: T | undefined, stored: T | undefined): T | null => (given === undefined ? (stored ?? null) : given);
  const map = (given: WeightMap | null | undefined): string | null | undefined =>
    given ? (given.size > 0 ? JSON.stringify(Object.fromEntries(given)) : null) : given;
  return {
    pinId: record.id,
    image: keep(record.image, before?.image) || null,
    title: keep(record.title, before?.title),
    description: keep(record.description, before?.description),
    link: keep(record.link, before?.link) || null,
    annotations: keep(map(record.annotations), before?.annotations),
    categories: keep(map(record.categories), before?.categories),
    buyable: record.buyable === undefined ? (before?.buyable ?? 0) : record.buyable ? 1 : 0,
    createdAt: keep(record.createdAt, before?.createdAt),
    fields: record.fields ? withFields(before?.fields ?? null, record.fields) : (before?.fields ?? null),
  };
}

/** Stored fields with others laid over them, names ascending, as JSON; null without any. */
function withFields(stored: string | null, given: CallerFields): string | null {
  const fields = new Map<string, FieldValue | null>(Object.entries({ ...parseFields(stored), ...given }));
  const kept = [...fields].filter(([, value]) => value !== null).sort(([a], [b]) => (a < b ? -1 : 1));
  return kept.length > 0 ? JSON.stringify(Object.fromEntries(kept)) : null;
}

/** The fields of the caller in a stored text. */
export function parseFields(json: string | null): Record<string, FieldValue> {
  return json === null ? {} : (JSON.parse(json) as Record<string, FieldValue>);
}

function sameRow(before: PinRow, after: Merged): boolean {
  for (const field of Object.keys(after) as (keyof Merged)[]) if (before[field] !== after[field]) return false;
  return true;
}

function strongCategories(json: string): string | null {
  const strong = Object.entries(parseMap(json)).filter(([, weight]) => weight >= CATEGORY_WEIGHT_MIN);
  return strong.length > 0 ? JSON.stringify(Object.fromEntries(strong)) : null;
}

function parseMap(json: string | null): Record<string, number> {
  return json === null ? {} : (JSON.parse(json) as Record<string, number>);
}

function pinOf(row: PinRow): Pin {
  return {
    pinIndex: row.pinIndex,
    id: row.pinId,
    image: row.image,
    title: row.title ?? '',
    description: row.description ?? '',
    link: row.link,
    annotations: parseMap(row.annotations),
    categories: parseMap(row.categories),
    categoryVector: parseMap(row.categoryVector),
    buyable: row.buyable === 1,
    createdAt: row.createdAt,
    fields: parseFields(row.fields),
    removed: row.removed === 1,
    imageFailure: row.failure ?? null,
    seen: parseMap(row.words ?? null),
  };
}

/** Pins whose photo is named by an absolute path: it lies outside the data folder, and is in no copy of that. */
export function countPhotosElsewhere(database: Database): number {
  return database.prepare("SELECT count(*) FROM pins WHERE removed = 0 AND (image LIKE '/%' OR image LIKE '_:%')").pluck().get() as number;
}
