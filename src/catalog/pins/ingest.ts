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
import { readCsv } from '../readers/csv.ts';
import { readJsonLines } from '../readers/json-lines.ts';
import { readParquet } from '../readers/parquet.ts';
import { BEGINNING, type Position, type RowReader } from '../readers/row-reader.ts';
import { type Receipt, ReceiptTally } from './receipt.ts';
import { BOARD_SHAPE, PIN_SHAPE, SAVE_SHAPE } from './records.ts';
import { type CatalogKind, SeenOrdinals, upsertRows } from './upsert.ts';

export interface IngestOptions {
  readonly folders: ImageFolders;
  readonly categories?: ReadonlySet<string>;
  readonly now?: number;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

interface Noted {
  readonly position: Position;
  readonly receipt: Receipt;
}

const SHAPES = { pins: PIN_SHAPE, boards: BOARD_SHAPE, saves: SAVE_SHAPE } as const;

/** Imports one file. @throws JOB_STOPPED when aborted between chunks, CATALOG_FILE_UNREADABLE, DATA_DISK_FULL. */
export async function ingestFile(catalog: CatalogStore, kind: CatalogKind, file: string, options: IngestOptions): Promise<Receipt> {
  const key = importKey(kind, file, options.folders);
  const noted = catalog.imports.progressOf(key) as Noted | null;
  const tally = new ReceiptTally(noted?.receipt);
  const seen = kind === 'saves' ? new SeenOrdinals() : undefined;
  if (kind === 'saves' && isBulk(catalog, file)) catalog.saves.dropIndexes();
  const progress = options.progress ?? SILENT;
  if (noted) progress.note(`${file}: going on after line ${noted.position.line}`);
  progress.start(kind, 0);
  progress.update(tally.read);
  for await (const { rows, next } of readerOf(file)(file, SHAPES[kind], noted?.position ?? BEGINNING)) {
    writeDurably(catalog, options.folders.data, () => {
      upsertRows(catalog, kind, rows, tally, {
        now: options.now ?? Date.now(),
        folders: options.folders,
        categories: options.categories,
        seen,
      });
      catalog.imports.note(key, { position: next, receipt: tally.receipt() } satisfies Noted);
    });
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
  return tally.receipt();
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
function importKey(kind: CatalogKind, file: string, folders: ImageFolders): string {
  try {
    if (!statSync(file).isFile()) throw new Error('it is no file');
    const { bytes, digest } = digestOfFile(file);
    return [kind, bytes, digest, kind === 'pins' ? folders.images : ''].join(' ');
  } catch (error) {
    throw new ServiceError('CATALOG_FILE_UNREADABLE', { file, format: 'a file', reason: reasonOf(error) }, error);
  }
}

function readerOf(file: string): RowReader {
  if (/\.(csv|tsv)$/i.test(file)) return readCsv;
  return /\.parquet$/i.test(file) ? readParquet : readJsonLines;
}
