/**
 * A copy of a data folder that is whole although the service goes on: SQLite files through its online backup, everything
 * else as it stands (artifacts and models are only ever swapped as a whole). Files that refer to others are copied first; a
 * copy with a dangling reference is refused.
 */
import { createHash } from 'node:crypto';
import { copyFileSync, createReadStream, type Dirent, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { ServiceError } from '../../errors.ts';
import type { Progress } from '../../progress.ts';
import { openDatabase } from '../database.ts';

/** What a running process leaves beside its data and a copy must not have. */
const TRANSIENT = /(\.sqlite-(wal|shm)|\.tmp|\.lock|-lock\.sqlite)$/;

/** A folder of the data folder in which what is published to a bucket is made ready. */
export const PUBLISHING = '.publishing';

/** A file of a copy, by its path in the data folder, with slashes. */
export interface CopiedFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Epoch milliseconds: the newest model is known by it. Absent in older backups. */
  readonly modifiedAt?: number;
}

interface CopyOptions {
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
  /** Whether a file or a folder is part of the copy; absent: all are. */
  readonly wants?: (path: string) => boolean;
  /** What is known of a file, by path, size and time, so that it need not be copied; absent: nothing is. */
  readonly known?: (path: string, bytes: number, modifiedAt: number) => CopiedFile | null;
  /** Writes a new database instead of a copy; false: the file is copied as it is. */
  readonly rewrite?: (path: string, source: string, target: string) => boolean;
}

/** A copy under way. */
interface Copy extends CopyOptions {
  readonly from: string;
  /** Files go to their paths below it. */
  readonly out: string;
  /** By path in the data folder. */
  readonly copied: Map<string, CopiedFile>;
}

/**
 * Copies a data folder below `out` while the service goes on. Files that are `known` are in the list and not below `out`.
 * @throws BACKUP_REFUSED when a file names another one that is not there.
 */
export async function copyData(from: string, out: string, options: CopyOptions = {}): Promise<readonly CopiedFile[]> {
  const copy: Copy = { from, out, copied: new Map(), ...options };
  copy.progress?.start('copying', filesIn(copy, ''));
  try {
    await copyFolder(copy, '');
  } finally {
    copy.progress?.stop();
  }
  return [...copy.copied.values()];
}

/** Names that stand for what ships with the program: no file of the data folder belongs to them. */
const SHIPPED = new Set(['as-retrieved', 'starter', 'bundled', 'visual', 'visual-1']);

const named = (name: string | undefined, file: (name: string) => string): string | null =>
  name === undefined || SHIPPED.has(name) ? null : file(name);

/** Files that say which other one of their folder is in use, and which that is. */
const POINTERS: readonly { readonly path: RegExp; target(text: string): string | null }[] = [
  { path: /(^|\/)artifacts\/[^/]+\/CURRENT$/, target: (text) => `${text.trim()}.bin` },
  { path: /(^|\/)models\/(SERVING(-[a-z-]+)?|CANARY|DARK)$/, target: (text) => named(text.trim().split(' ')[0], (name) => `${name}.json`) },
  { path: /(^|\/)nets\/(visual|dark)\.json$/, target: (text) => named(netOf(text), (name) => `${name}/manifest.json`) },
];

/** A pointer that cannot be read names nothing: the service refuses it by name, copied or not. */
function netOf(text: string): string | undefined {
  try {
    const { net, switches } = JSON.parse(text) as { net?: string; switches?: readonly { net: string }[] };
    return net ?? switches?.at(-1)?.net;
  } catch {
    return undefined;
  }
}

function pointerAt(path: string): (typeof POINTERS)[number] | undefined {
  return POINTERS.find((pointer) => pointer.path.test(slashed(path)));
}

function slashed(path: string): string {
  return path.split(sep).join('/');
}

/** A folder that is rebuilt faster than it is copied is tried so often. */
const ATTEMPTS = 5;

/** Copies a folder with all that is in it: pointers first, and listed again behind them, so that what they name is there. */
async function copyFolder(copy: Copy, folder: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    for (const { name } of entriesOf(copy, folder)) if (pointerAt(join(folder, name))) await copyFile(copy, join(folder, name));
    for (const entry of entriesOf(copy, folder)) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) await copyFolder(copy, path);
      else if (!pointerAt(path)) await copyFile(copy, path);
    }
    const lost = lostIn(copy, folder);
    if (lost === null) return;
    if (attempt === ATTEMPTS) throw new ServiceError('BACKUP_REFUSED', { folder: copy.out, reason: lost });
    for (const path of copy.copied.keys()) if (path.startsWith(folder + sep)) copy.copied.delete(path);
    rmSync(targetOf(copy, folder), { recursive: true, force: true });
  }
}

/** Why a copied folder would not serve; null when every pointer leads to a copied file. */
function lostIn(copy: Copy, folder: string): string | null {
  for (const path of copy.copied.keys()) {
    const pointer = dirname(path) === folder ? pointerAt(path) : undefined;
    const target = pointer?.target(readFileSync(targetOf(copy, path), 'utf8')) ?? null;
    if (target === null || copy.copied.has(join(folder, target))) continue;
    return `${slashed(path)} names ${target}, which is not in ${slashed(folder)}, or not for long enough; see what doctor says, or try again`;
  }
  return null;
}

/**
 * In this order nothing is copied before what it names came to be: builds and models first, then what is counted from the
 * log, the log, and the catalogue that numbers the pins of all of them; photos last, which its rows name.
 */
function placeOf(name: string): number {
  if (name === 'artifacts' || name === 'models' || name === 'nets') return 0;
  if (name === 'log.sqlite') return 2;
  if (name === 'catalog.sqlite') return 3;
  return name.endsWith('.sqlite') ? 1 : 4;
}

/** Files and folders to copy, in the order to copy them; not the copy itself where it goes into the folder it is of. */
function entriesOf({ from, out, wants }: Copy, folder: string): Dirent[] {
  const here = join(from, folder);
  let entries: Dirent[] = [];
  try {
    entries = readdirSync(here, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return entries
    .filter(({ name }) => wants?.(slashed(join(folder, name))) ?? true)
    .filter((entry) =>
      entry.isDirectory()
        ? entry.name !== PUBLISHING && resolve(here, entry.name) !== resolve(out)
        : entry.isFile() && !TRANSIENT.test(entry.name),
    )
    .sort((a, b) => placeOf(a.name) - placeOf(b.name) || (a.name < b.name ? -1 : 1));
}

/** How many files there are to copy, about: what comes and goes meanwhile is not among them. */
function filesIn(copy: Copy, folder: string): number {
  return entriesOf(copy, folder).reduce((sum, entry) => sum + (entry.isDirectory() ? filesIn(copy, join(folder, entry.name)) : 1), 0);
}

function targetOf({ out }: Copy, path: string): string {
  return join(out, path);
}

async function copyFile(copy: Copy, path: string): Promise<void> {
  const { from, copied, progress, signal } = copy;
  if (signal?.aborted) throw new ServiceError('JOB_STOPPED');
  const [source, target] = [join(from, path), targetOf(copy, path)];
  const found = statSync(source, { throwIfNoEntry: false });
  if (found === undefined) return;
  const { mtimeMs: modifiedAt, size } = found;
  const isDatabase = path.endsWith('.sqlite');
  // A database may change without its file: what is new stands in its write-ahead log.
  const known = isDatabase || pointerAt(path) ? null : (copy.known?.(slashed(path), size, modifiedAt) ?? null);
  if (known !== null) return void copied.set(path, known);
  mkdirSync(dirname(target), { recursive: true });
  if (isDatabase) {
    if (!copy.rewrite?.(slashed(path), source, target)) await copyDatabase(source, target, signal);
  } else if (!copyIfThere(source, target)) return;
  setTime(target, modifiedAt);
  copied.set(path, { path: slashed(path), bytes: statSync(target).size, sha256: await sha256Of(target), modifiedAt });
  progress?.update(copied.size);
}

/** Models are ordered by it, and the age of an artifact is computed from it. */
export function setTime(path: string, modifiedAt: number): void {
  utimesSync(path, modifiedAt / 1000, modifiedAt / 1000);
}

/** Pages copied between two looks at the signal (40 MiB). */
const PAGES = 10_000;

/**
 * One reading transaction around the whole copy: without it every commit of another process would start the copy again, and
 * beside a busy log it would never end. Until it ends the write-ahead log is not cut short.
 */
async function copyDatabase(from: string, to: string, signal: AbortSignal | undefined): Promise<void> {
  const database = openDatabase(from, { readonly: true });
  try {
    database.exec('BEGIN');
    database.pragma('schema_version');
    await database.backup(to, {
      progress() {
        if (signal?.aborted) throw new ServiceError('JOB_STOPPED');
        return PAGES;
      },
    });
  } finally {
    database.close();
  }
}

/** False when the file went away meanwhile: an artifact that a newer version has replaced. */
function copyIfThere(from: string, to: string): boolean {
  try {
    copyFileSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
