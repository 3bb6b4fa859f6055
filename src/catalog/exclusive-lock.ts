import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { openDatabase } from './database.ts';

export interface ExclusiveLock {
  release(): void;
}

/** Who holds a lock that somebody else wanted: a process id, as far as it is known. */
export interface Holder {
  readonly heldBy: string;
}

/**
 * A lock between processes: SQLite's own on a file made for nothing else, held by the operating system for the life of the
 * process. A killed process leaves nothing to clean up; `NAME.lock` beside it only says whose it is.
 */
export function takeLock(folder: string, name: string): ExclusiveLock | Holder {
  const note = `${folder}/${name}.lock`;
  mkdirSync(dirname(note), { recursive: true });
  const database = openDatabase(`${folder}/${name}-lock.sqlite`);
  try {
    database.pragma('busy_timeout = 0');
    database.exec('BEGIN EXCLUSIVE');
  } catch {
    database.close();
    return { heldBy: holderOf(note) };
  }
  writeFileSync(note, `${process.pid}\n`);
  return {
    release() {
      rmSync(note, { force: true });
      database.close();
    },
  };
}

function holderOf(note: string): string {
  try {
    return readFileSync(note, 'utf8').trim();
  } catch {
    return 'of unknown number';
  }
}
