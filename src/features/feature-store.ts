/**
 * Visual features as durable rows: one per net, subject (the image, or its dominant object's crop) and pin, each with its
 * provenance (net digest, preprocessing version, binarization rule, version of the pin's image) or the reason there is none.
 * Rows of several nets live side by side. `sequence` counts writes, so that a reader can ask what is new.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type Database, type DatabaseOptions, migrate, openDatabase } from '../catalog/database.ts';
import type { FeatureNet } from './convnet.ts';
import type { DuplicateRules, Fingerprint } from './near-duplicates.ts';
import { COLOUR_BYTES } from '../vision/fingerprint.ts';
import { type Binarizer, packBinarizer, unpackBinarizer } from './binarize.ts';
import type { SeenWord } from './words.ts';

const TABLES = `
  CREATE TABLE feature_nets (
    netId INTEGER PRIMARY KEY, netKey TEXT NOT NULL UNIQUE, digest TEXT NOT NULL, name TEXT NOT NULL,
    preprocessing TEXT NOT NULL, rule TEXT NOT NULL, fc6Length INTEGER NOT NULL, fc8Length INTEGER NOT NULL,
    binarizer BLOB, duplicateRules TEXT, createdAt INTEGER NOT NULL
  );
  CREATE TABLE visual_features (
    netId INTEGER NOT NULL, subject INTEGER NOT NULL, pinIndex INTEGER NOT NULL, imageVersion INTEGER NOT NULL,
    code BLOB, scores BLOB, label TEXT, box TEXT, signature TEXT, phash TEXT, colours BLOB, failure TEXT, reason TEXT,
    sequence INTEGER NOT NULL
  );
  CREATE UNIQUE INDEX visual_features_by_pin ON visual_features (netId, subject, pinIndex);
  CREATE INDEX visual_features_by_sequence ON visual_features (netId, sequence);
`;
/** What nets that speak say they see, as JSON. */
const WORDS = 'ALTER TABLE visual_features ADD COLUMN words TEXT';
/** The short vectors of nets that give one. */
const EMBEDDINGS = 'ALTER TABLE visual_features ADD COLUMN embedding BLOB';

export type Subject = 'image' | 'object';
const SUBJECTS: readonly Subject[] = ['image', 'object'];

export interface FeatureRow {
  readonly pinIndex: number;
  readonly imageVersion: number;
  /** Null with a `failure`, and for an object row: there is no dominant object. */
  readonly code: Uint32Array | null;
  readonly scores: Float32Array | null;
  /** A vector of length 1; none of a net that gives none. */
  readonly embedding?: Float32Array | null;
  readonly label?: string | null;
  /** The crop, JSON of pixel corners. */
  readonly box?: string | null;
  readonly signature?: string | null;
  readonly phash?: string | null;
  readonly colours?: Uint8Array | null;
  /** What the net says it sees; none of a net that does not speak. */
  readonly words?: readonly SeenWord[];
  /** Error code, and the reason in words. */
  readonly failure?: string | null;
  readonly reason?: string | null;
}

interface StoredRow {
  pinIndex: number;
  imageVersion: number;
  code: Buffer | null;
  scores: Buffer | null;
  embedding: Buffer | null;
  label: string | null;
  box: string | null;
  signature: string | null;
  phash: string | null;
  colours: Buffer | null;
  words: string | null;
  failure: string | null;
  reason: string | null;
}

const FIELDS = 'pinIndex, imageVersion, code, scores, embedding, label, box, signature, phash, colours, words, failure, reason';

/** Short name of everything features depend on; names the artifact as well. */
export function netKeyOf(net: Pick<FeatureNet, 'digest' | 'preprocessing' | 'rule' | 'shortCode'>): string {
  const text = JSON.stringify([net.digest, net.preprocessing, net.rule, ...(net.shortCode ? ['short'] : [])]);
  return `${net.digest.slice(0, 8)}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
}

export class FeatureStore {
  readonly database: Database;

  constructor(database: Database) {
    migrate(database, 'features', [TABLES, WORDS, EMBEDDINGS]);
    this.database = database;
  }

  /** The id of a net, null when it has none yet. */
  knownNetId(net: FeatureNet): number | null {
    const found = this.database.prepare('SELECT netId FROM feature_nets WHERE netKey = ?').pluck().get(netKeyOf(net));
    return (found as number | undefined) ?? null;
  }

  /** The id of a net, given one when it is new. */
  netIdOf(net: FeatureNet): number {
    const known = this.knownNetId(net);
    if (known !== null) return known;
    const key = netKeyOf(net);
    const row = this.database
      .prepare(
        `INSERT INTO feature_nets (netKey, digest, name, preprocessing, rule, fc6Length, fc8Length, createdAt)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(key, net.digest, net.name, net.preprocessing, JSON.stringify(net.rule), net.fc6Length, net.fc8Length, Date.now());
    return Number(row.lastInsertRowid);
  }

  /** Nets with rows, and how many. */
  nets(): { netId: number; netKey: string; digest: string; name: string; rows: number }[] {
    return this.database
      .prepare(
        `SELECT netId, netKey, digest, name,
        (SELECT count(*) FROM visual_features f WHERE f.netId = n.netId) AS rows FROM feature_nets n ORDER BY netId`,
      )
      .all() as { netId: number; netKey: string; digest: string; name: string; rows: number }[];
  }

  binarizer(netId: number): Binarizer | null {
    const bytes = this.database.prepare('SELECT binarizer FROM feature_nets WHERE netId = ?').pluck().get(netId);
    return bytes ? unpackBinarizer(bytes as Buffer) : null;
  }

  /** Keeps what was fitted. Codes made otherwise would not be comparable: a net's rows must be gone first. */
  setBinarizer(netId: number, binarizer: Binarizer): void {
    this.database.prepare('UPDATE feature_nets SET binarizer = ? WHERE netId = ?').run(packBinarizer(binarizer), netId);
  }

  /** Near-duplicate thresholds fitted for this catalogue and net; null: the shipped ones hold. */
  duplicateRules(netId: number): DuplicateRules | null {
    const text = this.database.prepare('SELECT duplicateRules FROM feature_nets WHERE netId = ?').pluck().get(netId);
    return text ? (JSON.parse(text as string) as DuplicateRules) : null;
  }

  setDuplicateRules(netId: number, rules: DuplicateRules): void {
    this.database.prepare('UPDATE feature_nets SET duplicateRules = ? WHERE netId = ?').run(JSON.stringify(rules), netId);
  }

  /** Inserts or replaces rows in one transaction. */
  put(netId: number, subject: Subject, rows: readonly FeatureRow[]): void {
    const put = this.database.prepare(`INSERT OR REPLACE INTO visual_features
      (netId, subject, ${FIELDS}, sequence) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.database
      .transaction(() => {
        let sequence = this.sequence(netId);
        for (const row of rows) {
          put.run(
            netId,
            SUBJECTS.indexOf(subject),
            row.pinIndex,
            row.imageVersion,
            bytesOf(row.code),
            bytesOf(row.scores),
            bytesOf(row.embedding ?? null),
            row.label ?? null,
            row.box ?? null,
            row.signature ?? null,
            row.phash ?? null,
            row.colours ?? null,
            row.words && row.words.length > 0 ? JSON.stringify(row.words) : null,
            row.failure ?? null,
            row.reason ?? null,
            ++sequence,
          );
        }
      })
      .immediate();
  }

  /** The last write's number; 0 before the first. */
  sequence(netId: number): number {
    return this.database.prepare('SELECT coalesce(max(sequence), 0) FROM visual_features WHERE netId = ?').pluck().get(netId) as number;
  }

  /** The last write's number among the rows of whole images; 0 before the first. */
  imageSequence(netId: number): number {
    const last = this.database.prepare('SELECT coalesce(max(sequence), 0) FROM visual_features WHERE netId = ? AND subject = 0');
    return last.pluck().get(netId) as number;
  }

  /** Whether a net has any row of a subject. */
  has(netId: number, subject: Subject): boolean {
    const any = this.database.prepare('SELECT 1 FROM visual_features WHERE netId = +? AND subject = +? LIMIT 1');
    return any.get(netId, SUBJECTS.indexOf(subject)) !== undefined;
  }

  /** Whether another net has any. */
  othersHave(netId: number, subject: Subject): boolean {
    const others = this.database.prepare('SELECT netId FROM feature_nets WHERE netId <> ?').pluck().all(netId) as number[];
    return others.some((other) => this.has(other, subject));
  }

  get(netId: number, subject: Subject, pinIndex: number): FeatureRow | null {
    const row = this.database
      .prepare(`SELECT ${FIELDS} FROM visual_features WHERE netId = ? AND subject = ? AND pinIndex = ?`)
      .get(netId, SUBJECTS.indexOf(subject), pinIndex) as StoredRow | undefined;
    return row ? rowOf(row) : null;
  }

  /** All rows of a subject by pinIndex, failures included. */
  *rows(netId: number, subject: Subject): IterableIterator<FeatureRow> {
    const rows = this.database.prepare(`SELECT ${FIELDS} FROM visual_features WHERE netId = +? AND subject = +? ORDER BY pinIndex`);
    for (const row of rows.iterate(netId, SUBJECTS.indexOf(subject)) as IterableIterator<StoredRow>) yield rowOf(row);
  }

  /** Rows written after `sequence`, in that order. */
  changedSince(netId: number, sequence: number): (FeatureRow & { readonly subject: Subject })[] {
    const rows = this.database
      .prepare(`SELECT subject, ${FIELDS} FROM visual_features WHERE netId = +? AND sequence > +? ORDER BY sequence`)
      .all(netId, sequence) as (StoredRow & { subject: number })[];
    return rows.map((row) => ({ ...rowOf(row), subject: SUBJECTS[row.subject] }));
  }

  /** Version of the image each pin's row was made from, by pinIndex (failures too): what need not be done again. */
  imageVersions(netId: number, subject: Subject): Map<number, number> {
    const rows = this.database.prepare('SELECT pinIndex, imageVersion FROM visual_features WHERE netId = ? AND subject = ?').raw();
    return new Map(rows.all(netId, SUBJECTS.indexOf(subject)) as [number, number][]);
  }

  /** Short vectors of a net by pinIndex; none of a net that gives none. */
  *embeddings(netId: number): IterableIterator<{ readonly pinIndex: number; readonly embedding: Float32Array }> {
    const rows = this.database.prepare(
      'SELECT pinIndex, embedding FROM visual_features WHERE netId = +? AND subject = 0 AND embedding IS NOT NULL ORDER BY pinIndex',
    );
    for (const { pinIndex, embedding } of rows.iterate(netId) as IterableIterator<{ pinIndex: number; embedding: Buffer }>)
      yield { pinIndex, embedding: new Float32Array(wordsIn(embedding).buffer) };
  }

  /** Pins that have a code of a net and no short vector. */
  pinsWithoutEmbedding(netId: number): ReadonlySet<number> {
    const rows = this.database.prepare(
      'SELECT pinIndex FROM visual_features WHERE netId = ? AND subject = 0 AND code IS NOT NULL AND embedding IS NULL',
    );
    return new Set(rows.pluck().all(netId) as number[]);
  }

  /** Fingerprints of all images that were read, by pinIndex. */
  fingerprints(netId: number): Fingerprint[] {
    const rows = this.database
      .prepare(
        `SELECT pinIndex, signature, phash, colours, code FROM visual_features
        WHERE netId = +? AND subject = 0 AND code IS NOT NULL AND length(colours) = ${COLOUR_BYTES} ORDER BY pinIndex`,
      )
      .all(netId) as { pinIndex: number; signature: string; phash: string; colours: Buffer; code: Buffer }[];
    return rows.map((row) => ({ ...row, code: wordsIn(row.code) }));
  }

  /** Deletes up to `most` rows of a net. Returns the bytes of codes, scores and fingerprints they held, and their number. */
  dropRows(netId: number, most: number): { rows: number; bytes: number } {
    const chosen = `SELECT rowid FROM visual_features WHERE netId = +? LIMIT ${most}`;
    return this.database
      .transaction(() => {
        const sums = this.database
          .prepare(
            `SELECT count(*) AS rows, coalesce(sum(coalesce(length(code), 0) + coalesce(length(scores), 0) +
            coalesce(length(embedding), 0) + coalesce(length(colours), 0) + 96), 0) AS bytes FROM visual_features WHERE rowid IN (${chosen})`,
          )
          .get(netId) as { rows: number; bytes: number };
        this.database.prepare(`DELETE FROM visual_features WHERE rowid IN (${chosen})`).run(netId);
        return sums;
      })
      .immediate();
  }

  /** Forgets a net that has no rows, and what was fitted for it. */
  forgetNet(netId: number): void {
    this.database.prepare('DELETE FROM feature_nets WHERE netId = ?').run(netId);
  }

  /** Bytes inside the file that new rows will fill. */
  freeBytes(): number {
    const pages = this.database.pragma('freelist_count', { simple: true }) as number;
    return pages * (this.database.pragma('page_size', { simple: true }) as number);
  }

  /** Highest pinIndex with a row, plus one. */
  extent(netId: number): number {
    return this.database.prepare('SELECT coalesce(max(pinIndex) + 1, 0) FROM visual_features WHERE netId = ?').pluck().get(netId) as number;
  }

  /** Refused images of a net by error code. */
  failures(netId: number): Record<string, number> {
    const rows = this.database
      .prepare('SELECT failure, count(*) FROM visual_features WHERE netId = +? AND failure IS NOT NULL GROUP BY failure')
      .raw()
      .all(netId) as [string, number][];
    return Object.fromEntries(rows);
  }

  close(): void {
    this.database.close();
  }
}

/** Opens the features of a data folder (`:memory:` for rows that are gone with the process). */
export function openFeatureStore(dataFolder: string, options: DatabaseOptions = {}): FeatureStore {
  return new FeatureStore(openDatabase(dataFolder === ':memory:' ? dataFolder : join(dataFolder, 'features.sqlite'), options));
}

function bytesOf(array: Uint32Array | Float32Array | null): Buffer | null {
  return array ? Buffer.from(array.buffer, array.byteOffset, array.byteLength) : null;
}

function wordsIn(bytes: Buffer): Uint32Array {
  const words = new Uint32Array(bytes.length / 4);
  new Uint8Array(words.buffer).set(bytes);
  return words;
}

function rowOf(row: StoredRow): FeatureRow {
  return {
    ...row,
    code: row.code && wordsIn(row.code),
    scores: row.scores && new Float32Array(wordsIn(row.scores).buffer),
    embedding: row.embedding && new Float32Array(wordsIn(row.embedding).buffer),
    colours: row.colours && Uint8Array.from(row.colours),
    words: row.words === null ? [] : (JSON.parse(row.words) as SeenWord[]),
  };
}

/** The fingerprint in a row; null where the image could not be read. */
export function fingerprintOf({ pinIndex, signature, phash, colours, code }: FeatureRow): Fingerprint | null {
  return signature && phash && colours?.length === COLOUR_BYTES && code ? { pinIndex, signature, phash, colours, code } : null;
}
