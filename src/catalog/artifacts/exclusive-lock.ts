import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { reasonOf, ServiceError } from '../../errors.ts';
import { diskFullError, openDatabase } from '../database.ts';

export interface ExclusiveLock {
  release(): void;
}

/** Who holds a lock that somebody else wanted: a process id, as far as it is known. */
interface Holder {
  readonly heldBy: string;
}

/** What SQLite says when another process has it; anything else is a fault of the disk or of the folder. */
const HELD = /^SQLITE_(BUSY|LOCKED)/;

/**
 * A lock between processes: SQLite's own on a file made for nothing else, held by the operating system for the life of the
 * process. A killed process leaves nothing to clean up; `NAME.lock` beside it only says whose it is.
 * @throws DATA_DISK_FULL, CATALOG_FILE_UNREADABLE when nobody holds it and it can't be had all the same.
 */
export function takeLock(folder: string, name: string): ExclusiveLock | Holder {
  const note = `${folder}/${name}.lock`;
  mkdirSync(dirname(note), { recursive: true });
  const database = openDatabase(`${folder}/${name}-lock.sqlite`);
  try {
    database.pragma('busy_timeout = 0');
    // The write that is never committed: of a file it may not write, SQLite would be content to begin reading.
    database.exec('BEGIN EXCLUSIVE; PRAGMA user_version = 1');
    writeFileSync(note, `${process.pid}\n`);
  } catch (error) {
    database.close();
    if (!HELD.test(String((error as { code?: unknown } | null)?.code))) throw faultOf(error, database.name, folder);
    return { heldBy: holderOf(note) };
  }
  return {
    release() {
      rmSync(note, { force: true });
      database.close();
    },
  };
}

function faultOf(error: unknown, file: string, folder: string): unknown {
  const known = diskFullError(error, folder);
  if (known instanceof ServiceError) return known;
  return new ServiceError('CATALOG_FILE_UNREADABLE', { file, format: 'a lock', reason: reasonOf(error) }, error);
}

function holderOf(note: string): string {
  try {
    return readFileSync(note, 'utf8').trim();
  } catch {
    return 'of unknown number';
  }
}
