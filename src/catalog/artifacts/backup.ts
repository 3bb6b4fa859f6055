/**
 * A copy of a data folder that is whole although the service goes on: SQLite files through its online backup, everything
 * else as it stands (artifacts and models are only ever swapped as a whole), each with its size, time and SHA-256 in
 * `backup.json`. Files that refer to others are copied first. A backup with a dangling reference is refused. A
 * backup is checked to the last digest before one byte of it is restored.
 */
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  copyFileSync,
  createReadStream,
  type Dirent,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { ServiceError } from '../../errors.ts';
import { type Progress, SILENT } from '../../progress.ts';
import { diskFullError, openDatabase } from '../database.ts';
import { countPhotosElsewhere } from '../pins/pin-store.ts';
import { replaceFile } from '../../swapped-file.ts';

const MANIFEST = 'backup.json';
/** In the data folder: a line for each backup of it, so that who is erased can be looked for in them. */
const BACKUPS_FILE = 'backups.jsonl';
const FORMAT = 1;
/** What a running process leaves beside its data and a restored folder must not have. */
const TRANSIENT = /(\.sqlite-(wal|shm)|\.tmp|\.lock|-lock\.sqlite)$/;

interface BackupFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Epoch milliseconds: the newest model is known by it. Absent in older backups. */
  readonly modifiedAt?: number;
}

interface BackupManifest {
  readonly format: number;
  readonly madeAt: string;
  readonly files: readonly BackupFile[];
}

interface BackupReceipt {
  readonly files: number;
  readonly bytes: number;
  readonly folder: string;
}

/** Copies `dataFolder` into `out`, which must be new or empty. `photosElsewhere` counts the photos that lie outside of it. */
export async function backUp(
  dataFolder: string,
  out: string,
  progress: Progress = SILENT,
  signal?: AbortSignal,
): Promise<BackupReceipt & { readonly photosElsewhere: number }> {
  if (!existsSync(dataFolder)) throw new ServiceError('NOTHING_TO_DO', { reason: `There is no data folder ${dataFolder}.` });
  if (existsSync(out) && readdirSync(out).length > 0)
    throw new ServiceError('JOB_USAGE', { reason: `${out} is not empty; a backup goes into a folder of its own.` });
  const copied = new Map<string, BackupFile>();
  const copy: Copy = { from: dataFolder, out, copied, progress, signal };
  progress.start('copying', filesIn(copy, ''));
  try {
    await copyFolder(copy, '');
    const manifest: BackupManifest = { format: FORMAT, madeAt: new Date().toISOString(), files: [...copied.values()] };
    replaceFile(join(out, MANIFEST), JSON.stringify(manifest, null, 1));
  } catch (error) {
    throw diskFullError(error, out);
  } finally {
    progress.stop();
    // Also of a copy that was stopped: what it has holds people as well.
    noteBackup(dataFolder, out);
  }
  const bytes = [...copied.values()].reduce((sum, file) => sum + file.bytes, 0);
  return { files: copied.size, bytes, folder: out, photosElsewhere: photosElsewhere(join(out, 'data', 'catalog.sqlite')) };
}

function photosElsewhere(catalogPath: string): number {
  if (!existsSync(catalogPath)) return 0;
  const database = openDatabase(catalogPath, { readonly: true });
  try {
    return countPhotosElsewhere(database);
  } finally {
    database.close();
  }
}

function noteBackup(dataFolder: string, folder: string): void {
  const line = JSON.stringify({ at: new Date().toISOString(), folder: resolve(folder) });
  appendFileSync(join(dataFolder, BACKUPS_FILE), `${line}\n`, { mode: 0o600 });
}

/** The backups made of a data folder, as far as they still lie where they were written. */
export function knownBackups(dataFolder: string): readonly string[] {
  const path = join(dataFolder, BACKUPS_FILE);
  if (!existsSync(path)) return [];
  const folders = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { folder: string }).folder);
  return [...new Set(folders)].filter((folder) => existsSync(join(folder, 'data')));
}

/**
 * Checks a backup and lays it out as `dataFolder`, which must not exist or be empty. `instead` has the texts of files that are
 * not laid out as they are in the backup, by path; of those that are not in it nothing is made.
 */
export async function restore(
  from: string,
  dataFolder: string,
  progress: Progress = SILENT,
  instead: Readonly<Record<string, string>> = {},
): Promise<BackupReceipt> {
  if (existsSync(dataFolder) && readdirSync(dataFolder).length > 0) {
    throw new ServiceError('JOB_USAGE', { reason: `${dataFolder} is not empty; restore into a new folder, then point the service at it.` });
  }
  const manifest = readManifest(from);
  progress.start('checking', manifest.files.length);
  for (const [done, file] of manifest.files.entries()) {
    await check(from, file);
    progress.update(done + 1);
  }
  const staged = `${dataFolder}.restoring`;
  rmSync(staged, { recursive: true, force: true });
  progress.start('restoring', manifest.files.length);
  try {
    mkdirSync(staged, { recursive: true, mode: 0o700 });
    for (const [done, file] of manifest.files.entries()) {
      mkdirSync(dirname(join(staged, file.path)), { recursive: true });
      const target = join(staged, file.path);
      if (Object.hasOwn(instead, file.path)) writeFileSync(target, instead[file.path], { mode: 0o600 });
      else copyFileSync(join(from, 'data', file.path), target);
      if (Number.isFinite(file.modifiedAt)) setTime(target, Number(file.modifiedAt));
      progress.update(done + 1);
    }
    noteBackup(staged, from);
    rmSync(dataFolder, { recursive: true, force: true });
    renameSync(staged, dataFolder);
  } catch (error) {
    rmSync(staged, { recursive: true, force: true });
    throw diskFullError(error, dataFolder);
  } finally {
    progress.stop();
  }
  return { files: manifest.files.length, bytes: manifest.files.reduce((sum, file) => sum + file.bytes, 0), folder: dataFolder };
}

function readManifest(from: string): BackupManifest {
  const refuse = (reason: string): ServiceError => new ServiceError('BACKUP_REFUSED', { folder: from, reason });
  const path = join(from, MANIFEST);
  if (!existsSync(path)) throw refuse(`it has no ${MANIFEST}: the backup was not finished, or this is another folder`);
  let manifest: BackupManifest;
  try {
    manifest = JSON.parse(readFileSync(path, 'utf8')) as BackupManifest;
  } catch {
    throw refuse(`${MANIFEST} is damaged`);
  }
  if (manifest.format !== FORMAT || !Array.isArray(manifest.files))
    throw refuse(`it is of format ${manifest.format}, this program reads ${FORMAT}`);
  const outside = manifest.files.find((file) => file.path.split('/').includes('..') || file.path.startsWith('/'));
  if (outside) throw refuse(`it names a file outside of itself: ${outside.path}`);
  return manifest;
}

async function check(from: string, file: BackupFile): Promise<void> {
  const path = join(from, 'data', file.path);
  if (!existsSync(path)) throw new ServiceError('BACKUP_REFUSED', { folder: from, reason: `${file.path} is missing` });
  if (statSync(path).size !== file.bytes || (await sha256Of(path)) !== file.sha256) {
    throw new ServiceError('BACKUP_REFUSED', { folder: from, reason: `${file.path} does not match its digest` });
  }
}

/** A back-up under way. */
interface Copy {
  readonly from: string;
  readonly out: string;
  /** By path in the data folder. */
  readonly copied: Map<string, BackupFile>;
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
}

/** Names that stand for what ships with the program: no file of the data folder belongs to them. */
const SHIPPED = new Set(['as-retrieved', 'starter', 'bundled', 'visual']);

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

/** Files and folders to copy, in the order to copy them; not the backup itself where it goes into the folder it is of. */
function entriesOf({ from, out }: Copy, folder: string): Dirent[] {
  const here = join(from, folder);
  let entries: Dirent[] = [];
  try {
    entries = readdirSync(here, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return entries
    .filter((entry) => (entry.isDirectory() ? resolve(here, entry.name) !== resolve(out) : entry.isFile() && !TRANSIENT.test(entry.name)))
    .sort((a, b) => placeOf(a.name) - placeOf(b.name) || (a.name < b.name ? -1 : 1));
}

/** How many files there are to copy, about: what comes and goes meanwhile is not among them. */
function filesIn(copy: Copy, folder: string): number {
  return entriesOf(copy, folder).reduce((sum, entry) => sum + (entry.isDirectory() ? filesIn(copy, join(folder, entry.name)) : 1), 0);
}

function targetOf({ out }: Copy, path: string): string {
  return join(out, 'data', path);
}

async function copyFile(copy: Copy, path: string): Promise<void> {
  const { from, copied, progress, signal } = copy;
  if (signal?.aborted) throw new ServiceError('JOB_STOPPED');
  const [source, target] = [join(from, path), targetOf(copy, path)];
  const modifiedAt = statSync(source, { throwIfNoEntry: false })?.mtimeMs;
  if (modifiedAt === undefined) return;
  mkdirSync(dirname(target), { recursive: true });
  if (path.endsWith('.sqlite')) await copyDatabase(source, target, signal);
  else if (!copyIfThere(source, target)) return;
  setTime(target, modifiedAt);
  copied.set(path, { path: slashed(path), bytes: statSync(target).size, sha256: await sha256Of(target), modifiedAt });
  progress.update(copied.size);
}

/** Models are ordered by it, and the age of an artifact is computed from it. */
function setTime(path: string, modifiedAt: number): void {
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

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
