/**
 * A copy of a data folder that is whole although the service goes on: SQLite files through its online backup, everything
 * else as it stands (artifacts and models are only ever swapped as a whole), each with its size and SHA-256 in
 * `backup.json`. A backup is checked to the last digest before one byte of it is restored.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  createReadStream,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { ServiceError } from '../errors.ts';
import { type Progress, SILENT } from '../progress.ts';
import { diskFullError, openDatabase } from './database.ts';

const MANIFEST = 'backup.json';
const FORMAT = 1;
/** What a running process leaves beside its data and a restored folder must not have. */
const TRANSIENT = /(\.sqlite-(wal|shm)|\.tmp|\.lock|-lock\.sqlite)$/;

interface BackupFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

interface BackupManifest {
  readonly format: number;
  readonly madeAt: string;
  readonly files: readonly BackupFile[];
}

export interface BackupReceipt {
  readonly files: number;
  readonly bytes: number;
  readonly folder: string;
}

/** Copies `dataFolder` into `out`, which must be new or empty. */
export async function backUp(dataFolder: string, out: string, progress: Progress = SILENT, signal?: AbortSignal): Promise<BackupReceipt> {
  if (!existsSync(dataFolder)) throw new ServiceError('NOTHING_TO_DO', { reason: `There is no data folder ${dataFolder}.` });
  if (existsSync(out) && readdirSync(out).length > 0)
    throw new ServiceError('JOB_USAGE', { reason: `${out} is not empty; a backup goes into a folder of its own.` });
  const paths = [...filesOf(dataFolder)].filter((path) => !TRANSIENT.test(path));
  const files: BackupFile[] = [];
  progress.start('copying', paths.length);
  try {
    for (const [done, path] of paths.entries()) {
      if (signal?.aborted) throw new ServiceError('JOB_STOPPED');
      const target = join(out, 'data', path);
      mkdirSync(dirname(target), { recursive: true });
      if (path.endsWith('.sqlite')) await copyDatabase(join(dataFolder, path), target);
      else if (!copyIfThere(join(dataFolder, path), target)) continue;
      files.push({ path: path.split(sep).join('/'), bytes: statSync(target).size, sha256: await sha256Of(target) });
      progress.update(done + 1);
    }
    const manifest: BackupManifest = { format: FORMAT, madeAt: new Date().toISOString(), files };
    writeDurably(join(out, MANIFEST), JSON.stringify(manifest, null, 1));
  } catch (error) {
    throw diskFullError(error, out);
  } finally {
    progress.stop();
  }
  return { files: files.length, bytes: files.reduce((sum, file) => sum + file.bytes, 0), folder: out };
}

/** Checks a backup and lays it out as `dataFolder`, which must not exist or be empty. */
export async function restore(from: string, dataFolder: string, progress: Progress = SILENT): Promise<BackupReceipt> {
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
    mkdirSync(staged, { recursive: true });
    for (const [done, file] of manifest.files.entries()) {
      mkdirSync(dirname(join(staged, file.path)), { recursive: true });
      copyFileSync(join(from, 'data', file.path), join(staged, file.path));
      progress.update(done + 1);
    }
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

async function copyDatabase(from: string, to: string): Promise<void> {
  const database = openDatabase(from, { readonly: true });
  try {
    await database.backup(to);
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

function* filesOf(folder: string, inside = ''): Generator<string> {
  for (const entry of readdirSync(join(folder, inside), { withFileTypes: true })) {
    const path = join(inside, entry.name);
    if (entry.isDirectory()) yield* filesOf(folder, path);
    else if (entry.isFile()) yield path;
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function writeDurably(path: string, text: string): void {
  writeFileSync(`${path}.tmp`, text);
  const file = openSync(`${path}.tmp`, 'r');
  fsyncSync(file);
  closeSync(file);
  renameSync(`${path}.tmp`, path);
}
