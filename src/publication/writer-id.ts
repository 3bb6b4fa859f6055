/**
 * Which writer a data folder is: made once, and kept in it. A backup holds it, so a restored writer is the same writer; of a
 * data folder that was copied to make a second writer, the file is to be removed.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '../swapped-file.ts';

const FILE = 'writer-id';

export function writerId(dataFolder: string): string {
  const path = join(dataFolder, FILE);
  const kept = existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
  if (kept !== '') return kept;
  const made = randomUUID();
  replaceFile(path, `${made}\n`);
  return made;
}
