/**
 * A copy of a data folder (data-copy.ts) with size, time and SHA-256 of each file in `backup.json`. A backup is checked to
 * the last digest before one byte of it is restored.
 */
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ServiceError } from '../../errors.ts';
import { type Progress, SILENT } from '../../progress.ts';
import { diskFullError, openDatabase } from '../database.ts';
import { countPhotosElsewhere } from '../pins/pin-store.ts';
import { replaceFile } from '../../swapped-file.ts';
import { type CopiedFile, copyData, setTime, sha256Of } from './data-copy.ts';

const MANIFEST = 'backup.json';
/** In the data folder: a line for each backup of it, so that who is erased can be looked for in them. */
const BACKUPS_FILE = 'backups.jsonl';
const FORMAT = 1;

interface BackupManifest {
  readonly format: number;
  readonly madeAt: string;
  readonly files: readonly CopiedFile[];
}

interface BackupReceipt {
  readonly files: number;
  readonly bytes: number;
  readonly folder: string;
}

/**
 * Copies `dataFolder` into `out`, which must be new or empty. `photosElsewhere` counts the photos that lie outside of it. Files
 * that have not changed since `before`, an earlier backup on the same disk, are linked from there; databases are always copied.
 */
export async function backUp(
  dataFolder: string,
  out: string,
  progress: Progress = SILENT,
  signal?: AbortSignal,
  before: string | null = null,
): Promise<BackupReceipt & { readonly photosElsewhere: number }> {
  if (!existsSync(dataFolder)) throw new ServiceError('NOTHING_TO_DO', { reason: `There is no data folder ${dataFolder}.` });
  if (existsSync(out) && readdirSync(out).length > 0)
    throw new ServiceError('JOB_USAGE', { reason: `${out} is not empty; a backup goes into a folder of its own.` });
  let files: readonly CopiedFile[] = [];
  const kept = new Map((before === null ? [] : readManifest(before).files).map((file) => [file.path, file]));
  try {
    files = await copyData(dataFolder, join(out, 'data'), {
      progress,
      signal,
      wants: (path) => resolve(dataFolder, path) !== resolve(out),
      known: (path, size, modifiedAt) => {
        const file = kept.get(path);
        return before !== null && file?.bytes === size && file.modifiedAt === modifiedAt && linked(before, out, file) ? file : null;
      },
    });
    const manifest: BackupManifest = { format: FORMAT, madeAt: new Date().toISOString(), files };
    replaceFile(join(out, MANIFEST), JSON.stringify(manifest, null, 1));
  } catch (error) {
    throw diskFullError(error, out);
  } finally {
    // Also of a copy that was stopped: what it has holds people as well.
    noteBackup(dataFolder, out);
  }
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return { files: files.length, bytes, folder: out, photosElsewhere: photosElsewhere(join(out, 'data', 'catalog.sqlite')) };
}

/** Whether a file of an earlier backup now stands in this one, too. */
function linked(before: string, out: string, { path }: CopiedFile): boolean {
  const target = join(out, 'data', path);
  try {
    mkdirSync(dirname(target), { recursive: true });
    linkSync(join(before, 'data', path), target);
    return true;
  } catch {
    return false;
  }
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

export function readManifest(from: string): BackupManifest {
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

async function check(from: string, file: CopiedFile): Promise<void> {
  const path = join(from, 'data', file.path);
  if (!existsSync(path)) throw new ServiceError('BACKUP_REFUSED', { folder: from, reason: `${file.path} is missing` });
  if (statSync(path).size !== file.bytes || (await sha256Of(path)) !== file.sha256) {
    throw new ServiceError('BACKUP_REFUSED', { folder: from, reason: `${file.path} does not match its digest` });
  }
}
