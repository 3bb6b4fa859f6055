/**
 * Remembers that every byte of a large file was read and its digest found right, so that a start need not read gigabytes
 * that it will not use. The note lies beside the file and holds for its size, inode and times of change: a process that writes to
 * the file makes it void. What rots on the disk without a write is found by `doctor`, which reads everything again.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs';

/** Smaller files are read in no time. */
const BYTES_MIN = 64 << 20;

interface Note {
  readonly state: string;
  readonly digest: string;
}

/** The digest of a file that was found right and has not changed since; null when it is to be read. */
export function verifiedDigest(path: string): string | null {
  try {
    const { state, digest } = JSON.parse(readFileSync(noteOf(path), 'utf8')) as Note;
    return state === stateOf(path) ? digest : null;
  } catch {
    return null;
  }
}

/** Notes that a file's digest was found right. A folder that can't be written has no notes: its files are read each time. */
export function noteVerified(path: string, digest: string): void {
  if (statSync(path).size < BYTES_MIN) return;
  try {
    writeFileSync(noteOf(path), JSON.stringify({ state: stateOf(path), digest } satisfies Note));
  } catch {
    // Read again at the next start.
  }
}

export function noteOf(path: string): string {
  return `${path}.verified`;
}

function stateOf(path: string): string {
  const { size, ino, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  return [size, ino, mtimeNs, ctimeNs].join(' ');
}
