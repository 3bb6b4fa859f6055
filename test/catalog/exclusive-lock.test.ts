import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/catalog/database.ts';
import { takeLock } from '../../src/catalog/artifacts/exclusive-lock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'related-pins-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const NOBODY = 65_534;

/** As a user who may read the folder's files and not write them. */
function asReader<T>(work: () => T): T {
  const root = process.geteuid?.() === 0;
  chmodSync(folder, 0o755);
  for (const file of ['some-lock.sqlite', 'some-lock.sqlite-shm', 'some-lock.sqlite-wal']) chmodSync(join(folder, file), 0o444);
  if (root) process.seteuid?.(NOBODY);
  try {
    return work();
  } finally {
    if (root) process.seteuid?.(0);
  }
}

describe('a lock between processes', () => {
  it('names its holder, and is free when that one let go', () => {
    const held = takeLock(folder, 'some');
    expect(takeLock(folder, 'some')).toEqual({ heldBy: String(process.pid) });
    if ('release' in held) held.release();
    expect(takeLock(folder, 'some')).toHaveProperty('release');
  });

  // Any error was reported as a process that holds it, "of unknown number".
  it('that nobody holds and that cannot be had is refused with the reason', () => {
    const first = takeLock(folder, 'some');
    if ('release' in first) first.release();
    const open = openDatabase(join(folder, 'some-lock.sqlite'));
    open.exec('CREATE TABLE IF NOT EXISTS something (x)');
    try {
      expect(() => asReader(() => takeLock(folder, 'some'))).toThrow(/some-lock\.sqlite cannot be read as .*readonly/);
    } finally {
      open.close();
    }
  });
});
