/** Files that are replaced as a whole: a reader sees the old content or the new, also after a kill or a power cut. */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';

/**
 * Writes a file beside `path`, syncs it, renames it over `path` and syncs the folder. Makes the folder when it is missing.
 * Several machines may write the same file on a shared path: each has a draft of its own.
 * `content` is the whole content, or a function that writes it to an open file descriptor. When it throws, `path` is unchanged.
 */
export function replaceFile(path: string, content: string | Uint8Array | ((file: number) => void), mode = 0o666): void {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${hostname()}-${process.pid}.tmp`;
  try {
    const file = openSync(draft, 'w', mode);
    try {
      if (typeof content === 'function') content(file);
      else writeFileSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  syncFolder(dirname(path));
}

/** Makes what another program wrote to a file durable. */
export function syncFile(path: string): void {
  const file = openSync(path, 'r');
  fsyncSync(file);
  closeSync(file);
}

/** Makes the names in a folder durable: what was renamed, added or removed. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  fsyncSync(folder);
  closeSync(folder);
}

/** A text that changes whenever the file at `path` is replaced, written or removed; empty without a file. */
export function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stat ? `${stat.ino}.${stat.mtimeNs}.${stat.size}` : '';
}
