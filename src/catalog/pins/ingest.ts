/**
 * A file into the catalogue: streamed, checked, written chunk by chunk; with each chunk the place and the receipt so
 * far are written in the same transaction, so an import that is stopped or killed goes on exactly where it was and its
 * last receipt is the whole one.
 */
import { statSync } from 'node:fs';
import { reasonOf, ServiceError } from '../../errors.ts';
import { type Progress, SILENT } from '../../progress.ts';
import type { CatalogStore } from './catalog-store.ts';
import { diskFullError } from '../database.ts';
import { digestOfFile } from '../artifacts/digest.ts';
import type { ImageFolders } from './image-reference.ts';
import { FieldNames } from '../readers/field-names.ts';
import { readerOf } from '../readers/file-format.ts';
import { BEGINNING, type Position, type RowChunk } from '../readers/row-reader.ts';
import { PresentRows } from './present-rows-store.ts';
import { type Receipt, ReceiptTally } from './receipt.ts';
import { readBoard, readPin, readSave } from './records.ts';
import { Rejection } from './rejection.ts';
import type { CatalogKind, SourceRow } from './source-row.ts';
import { SeenOrdinals, upsertRows } from './upsert.ts';

interface IngestOptions {
  readonly folders: ImageFolders;
  readonly categories?: ReadonlySet<string>;
  readonly now?: number;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
  /** Columns of the file that are named otherwise: their name to ours. */
  readonly columns?: ReadonlyMap<string, string>;
  /** Filled with the first rows as they were understood. */
  readonly firstRows?: FirstRow[];
  /** What the file does not name is taken away, when all of it could be read. */
  readonly replace?: boolean;
}

/** A row as it was understood, or why it stays out. */
export interface FirstRow {
  readonly line: number;
  readonly record?: Readonly<Record<string, unknown>>;
  readonly rejected?: string;
}

interface Noted {
  readonly position: Position;
  readonly receipt: Receipt;
}

/**
 * Imports one file. A file that can't be read to its end is imported as far as it goes; the receipt says where that was.
 * @throws JOB_STOPPED when aborted between chunks, CATALOG_FILE_UNREADABLE when no row can be read, DATA_DISK_FULL.
 */
export async function ingestFile(catalog: CatalogStore, kind: CatalogKind, file: string, options: IngestOptions): Promise<Receipt> {
  const key = importKey(kind, file, options);
  // What a stopped import had seen is gone with it, so one that replaces begins again.
  const present = options.replace ? new PresentRows(catalog, kind) : undefined;
  const noted = present ? null : (catalog.imports.progressOf(key) as Noted | null);
  const tally = new ReceiptTally(noted?.receipt);
  const seen = kind === 'saves' ? new SeenOrdinals() : undefined;
  if (kind === 'saves' && isBulk(catalog, file)) catalog.saves.dropIndexes();
  const progress = options.progress ?? SILENT;
  if (noted) progress.note(`${file}: going on after line ${noted.position.line}`);
  progress.start(kind, 0);
  progress.update(tally.read);
  const names = new FieldNames(kind, options.columns, (theirs, field) => tally.column(theirs, field));
  const reader = await readerOf(file);
  for await (const { rows, next } of untilStopped(reader(file, names, noted?.position ?? BEGINNING), tally)) {
    writeDurably(catalog, options.folders.data, () => {
      upsertRows(catalog, kind, rows, tally, {
        now: options.now ?? Date.now(),
        folders: options.folders,
        categories: options.categories,
        seen,
        present,
      });
      if (!present) catalog.imports.note(key, { position: next, receipt: tally.receipt() } satisfies Noted);
    });
    if (options.firstRows) fillFirstRows(kind, rows, options.firstRows, options.now ?? Date.now());
    progress.update(tally.read);
    if (options.signal?.aborted) {
      catalog.saves.makeIndexes();
      throw new ServiceError('JOB_STOPPED');
    }
    await turnOfTheLoop();
  }
  if (seen) progress.start('indexes', 0);
  if (seen) catalog.saves.makeIndexes();
  progress.stop();
  catalog.imports.forget(key);
  if (present) tally.removed = tally.isWhole ? present.removeOthers(options.now ?? Date.now()) : null;
  return tally.receipt();
}

const READERS = { pins: readPin, boards: readBoard, saves: readSave } as const;
const FIRST_ROWS = 5;

function fillFirstRows(kind: CatalogKind, rows: readonly SourceRow[], into: FirstRow[], now: number): void {
  for (const { line, value, reason } of rows.slice(0, FIRST_ROWS - into.length)) {
    const record = reason ? new Rejection(reason) : READERS[kind](value, now);
    if (record instanceof Rejection) into.push({ line, rejected: record.field ? `${record.reason} (${record.field})` : record.reason });
    else into.push({ line, record: Object.fromEntries(Object.entries(record).map(([field, read]) => [field, plainOf(read)])) });
  }
}

function plainOf(value: unknown): unknown {
  return value instanceof Map ? (Object.fromEntries(value) as unknown) : value;
}

/** Bytes of a file of saves from which it may pay to sort the indexes once at the end. */
const BULK_BYTES_MIN = 8 << 20;
/** About the bytes of a line. */
const SAVE_BYTES = 80;

/** A file that brings several times the saves there are. */
function isBulk(catalog: CatalogStore, file: string): boolean {
  const { size } = statSync(file);
  return size > BULK_BYTES_MIN && size / SAVE_BYTES > 4 * catalog.saves.count();
}

/** The loop must turn once a chunk, or a signal to stop would never be heard. */
function turnOfTheLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function writeDurably(catalog: CatalogStore, folder: string, work: () => void): void {
  try {
    catalog.transaction(work);
  } catch (error) {
    throw diskFullError(error, folder);
  }
}

/** What makes an import the same one: the kind, the content, and the folder its images are looked for in. */
function importKey(kind: CatalogKind, file: string, { folders, columns }: IngestOptions): string {
  try {
    if (!statSync(file).isFile()) throw new Error('it is no file');
    const { bytes, digest } = digestOfFile(file);
    return [kind, bytes, digest, kind === 'pins' ? folders.images : '', ...(columns ?? [])].join(' ');
  } catch (error) {
    throw new ServiceError('CATALOG_FILE_UNREADABLE', { file, format: 'a file', reason: reasonOf(error) }, error);
  }
}

/** The chunks up to where the file can't be read on. When there was no row at all the file is refused. */
async function* untilStopped(chunks: AsyncIterable<RowChunk>, tally: ReceiptTally): AsyncGenerator<RowChunk> {
  try {
    yield* chunks;
  } catch (error) {
    const isCut = error instanceof ServiceError && error.code === 'CATALOG_FILE_UNREADABLE';
    if (!isCut || tally.read === 0) throw error;
    tally.stop(Number(error.fields.line), reasonOf(error.cause));
  }
}
