/**
 * Looks for a person's names in everything that lies in a folder. A name is found where it stands whole: `ann` is not in
 * `joanna` or `ann-2`. Databases are read row by row, because beside a row its bytes say nothing of where a name begins; what
 * is no row any more (free pages, the rest of changed ones, the write-ahead log) is cleared by writing the file again.
 */
import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { columnsHolding, type Database, openDatabase } from '../../catalog/database.ts';
import { reasonOf, ServiceError } from '../../errors.ts';
import type { Progress } from '../../progress.ts';

export interface Search {
  /** Files that hold a name, in databases with table and column. */
  readonly found: readonly { readonly file: string; readonly where: string | null }[];
  /** Files of which it cannot be said, and why. */
  readonly unproven: readonly { readonly file: string; readonly reason: string }[];
  readonly files: number;
}

/** Shorter names stand by chance in any file of numbers or pixels: finding one there would say nothing. */
const TELLING_BYTES = 4;
const CHUNK_BYTES = 1 << 22;
/** A file without a zero among its first bytes is text. */
const TEXT_SAMPLE_BYTES = 8192;
const LOCK = /-lock\.sqlite$/;
const BESIDE_DATABASE = /\.sqlite-(wal|shm|journal)$/;

interface SearchOptions {
  readonly progress: Progress;
  /** Whether databases may be written again; of a backup they may not. */
  readonly rewrite: boolean;
  readonly signal: AbortSignal;
}

/** Searches every file of a folder, those in it included. `names` are as they came and as they are stored. @throws JOB_STOPPED */
export async function searchFolder(folder: string, names: readonly string[], options: SearchOptions): Promise<Search> {
  const found: { file: string; where: string | null }[] = [];
  const unproven: { file: string; reason: string }[] = [];
  const paths = filesIn(folder);
  options.progress.start('searching', paths.length);
  for (const [done, path] of paths.entries()) {
    const file = path
      .slice(folder.length + 1)
      .split(sep)
      .join('/');
    const isDatabase = path.endsWith('.sqlite') && !LOCK.test(path);
    if (isDatabase) {
      const { where, reason } = await searchDatabase(path, names, options);
      for (const place of where) found.push({ file, where: place });
      if (reason !== null) unproven.push({ file, reason });
    } else if (await holdsWhole(path, names, options.signal)) found.push({ file, where: null });
    options.progress.update(done + 1);
  }
  options.progress.stop();
  return { found, unproven, files: paths.length };
}

function filesIn(folder: string): string[] {
  const files = readdirSync(folder, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile());
  return files.map((entry) => join(entry.parentPath, entry.name)).filter((path) => !BESIDE_DATABASE.test(path));
}

interface Searched {
  /** `table.column` of rows that hold a name. */
  readonly where: readonly string[];
  /** Why what is no row any more may still hold one; null: it does not. */
  readonly reason: string | null;
}

async function searchDatabase(path: string, names: readonly string[], { progress, rewrite, signal }: SearchOptions): Promise<Searched> {
  if (!(await bytesHold(path, names, signal))) return { where: [], reason: null };
  let database: Database;
  try {
    database = openDatabase(path, { readonly: !rewrite });
  } catch (error) {
    return { where: [], reason: reasonOf(error) };
  }
  try {
    const needles = needlesOf(names);
    const where = columnsHolding(database, needles, (value) => needles.some((needle) => isWholeIn(value, needle)));
    if (where.length > 0) return { where, reason: null };
    if (!rewrite) return { where, reason: 'its bytes hold the characters of the name, in another name or in what is no row any more' };
    progress.note(`${path} is written again, so that nothing is left of what was deleted in it`);
    database.exec('VACUUM');
    database.pragma('wal_checkpoint(TRUNCATE)');
    const waiting = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    return { where, reason: waiting === 0 ? null : 'another process reads it, and its write-ahead log is not empty' };
  } catch (error) {
    return {
      where: [],
      reason: `it cannot be written again while another process uses it (${reasonOf(error)}); stop the service and run this again`,
    };
  } finally {
    database.close();
  }
}

/** A name as it stands in text: plain, in JSON, in an address. */
function needlesOf(names: readonly string[]): Buffer[] {
  const forms = names.flatMap((name) => [name, JSON.stringify(name).slice(1, -1), encodeURIComponent(name)]);
  return [...new Set(forms)].map((form) => Buffer.from(form));
}

/** Text is searched for whole names, other bytes for names that are long enough to be there for a reason. */
async function holdsWhole(path: string, names: readonly string[], signal: AbortSignal): Promise<boolean> {
  if (!(await isText(path)))
    return bytesHold(
      path,
      names.filter((name) => Buffer.byteLength(name) >= TELLING_BYTES),
      signal,
    );
  const needles = needlesOf(names);
  return readPieces(path, needles, (piece, inner) => needles.some((needle) => isWholeIn(piece, needle, inner)), signal);
}

async function bytesHold(path: string, names: readonly string[], signal: AbortSignal): Promise<boolean> {
  const needles = needlesOf(names);
  if (needles.length === 0) return false;
  const paths = [path, `${path}-wal`, `${path}-journal`].filter((each) => existsSync(each));
  for (const each of paths)
    if (await readPieces(each, needles, (piece) => needles.some((needle) => piece.includes(needle)), signal)) return true;
  return false;
}

async function isText(path: string): Promise<boolean> {
  let text = true;
  await readPieces(path, [], (piece) => {
    text = !piece.subarray(0, TEXT_SAMPLE_BYTES).includes(0);
    return true;
  });
  return text;
}

/** Where a piece of a file has neighbours that are not in it: a name that touches such an end is whole in the piece beside. */
interface Inner {
  readonly from: number;
  readonly to: number;
}

/** Whether a name stands in these bytes with nothing of another name before and behind it. */
export function isWholeIn(bytes: Buffer, needle: Buffer, inner: Inner = { from: 0, to: bytes.length }): boolean {
  if (needle.length === 0) return false;
  for (let at = bytes.indexOf(needle, inner.from); at >= 0; at = bytes.indexOf(needle, at + 1)) {
    const end = at + needle.length;
    if (end > inner.to) return false;
    if (!goesOn(bytes[at - 1], bytes[at - 2]) && !goesOn(bytes[end], bytes[end + 1])) return true;
  }
  return false;
}

/** Whether a name goes on with this byte: a letter, a digit, or a sign that joins one. */
function goesOn(byte: number | undefined, further: number | undefined): boolean {
  if (byte === undefined) return false;
  return isWord(byte) || ('-.@~+:'.includes(String.fromCharCode(byte)) && further !== undefined && isWord(further));
}

function isWord(byte: number): boolean {
  return byte >= 0x80 || byte === 0x5f || /[A-Za-z0-9]/.test(String.fromCharCode(byte));
}

/** Bytes that surround a whole name. */
const MARGIN_BYTES = 2;

/**
 * Goes through a file of any size until a piece is what was looked for; pieces overlap by the longest needle. A file that
 * went since it was listed (the write-ahead log of a database that was closed, a draft) holds nothing. @throws JOB_STOPPED
 */
async function readPieces(
  path: string,
  needles: readonly Buffer[],
  isIt: (piece: Buffer, inner: Inner) => boolean,
  signal?: AbortSignal,
): Promise<boolean> {
  const overlap = Math.max(0, ...needles.map((needle) => needle.length)) + 2 * MARGIN_BYTES;
  const file = openIfThere(path);
  if (file === null) return false;
  const piece = Buffer.alloc(CHUNK_BYTES);
  try {
    for (let at = 0; ; at += CHUNK_BYTES - overlap) {
      // A signal of the system is heard between turns.
      await nextTurn();
      if (signal?.aborted) throw new ServiceError('JOB_STOPPED');
      const bytes = piece.subarray(0, readSync(file, piece, 0, CHUNK_BYTES, at));
      const isLast = bytes.length < CHUNK_BYTES;
      if (isIt(bytes, { from: at === 0 ? 0 : MARGIN_BYTES, to: bytes.length - (isLast ? 0 : MARGIN_BYTES) })) return true;
      if (isLast) return false;
    }
  } finally {
    closeSync(file);
  }
}

function openIfThere(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Whether a file holds one of the needles, whole or not. */
export function holds(path: string, needles: readonly Buffer[]): Promise<boolean> {
  return readPieces(path, needles, (piece) => needles.some((needle) => piece.includes(needle)));
}
