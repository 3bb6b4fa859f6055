import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ServiceError } from '../errors.ts';
import { openDatabase } from './database.ts';

export interface DataFolderLock {
  release(): void;
}

/**
 * One process serves (or writes the log of) a data folder at a time. The lock is SQLite's own on a file of its own, held
 * by the operating system for the life of the process: a killed process leaves nothing to clean up.
 * @throws DATA_FOLDER_LOCKED naming the process that holds it.
 */
export function lockDataFolder(folder: string): DataFolderLock {
  mkdirSync(folder, { recursive: true });
  const holder = join(folder, 'serving.lock');
  const database = openDatabase(join(folder, 'serving-lock.sqlite'));
  try {
    database.pragma('busy_timeout = 0');
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    throw new ServiceError('DATA_FOLDER_LOCKED', { folder, pid: holderOf(holder) }, error);
  }
  writeFileSync(holder, `${process.pid}\n`);
  return {
    release() {
      rmSync(holder, { force: true });
      database.close();
    },
  };
}

function holderOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return 'of unknown number';
  }
}
