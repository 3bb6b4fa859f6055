import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/catalog/database.ts';
import { whenWritable } from '../../src/catalog/artifacts/patient-write.ts';

let folder: string;
let importer: Database;
let server: Database;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'patient-write-'));
  importer = openDatabase(join(folder, 'x.sqlite'));
  server = openDatabase(join(folder, 'x.sqlite'));
  importer.exec('CREATE TABLE t (n INTEGER)');
});
afterEach(() => {
  importer.close();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const put = (): void => server.transaction(() => void server.exec('INSERT INTO t VALUES (1)')).immediate();

// The server waited inside SQLite: 45 seconds of silence beside an import.
it('others are served while another process writes, and the write goes through after it', async () => {
  importer.exec('BEGIN IMMEDIATE; INSERT INTO t VALUES (0)');
  const written = whenWritable(server, put);
  for (let served = 0; served < 5; served++) await new Promise((next) => setTimeout(next, 1));
  importer.exec('COMMIT');
  await written;
  expect(importer.prepare('SELECT count(*) FROM t').pluck().get()).toBe(2);
  expect(server.pragma('busy_timeout', { simple: true })).toBe(10_000);
});

it('who waits in vain is asked to come again, and nothing is written', async () => {
  importer.exec('BEGIN IMMEDIATE');
  await expect(whenWritable(server, put, 20)).rejects.toMatchObject({ code: 'SERVER_OVERLOADED', fields: { retryAfterSeconds: 1 } });
  importer.exec('COMMIT');
  expect(importer.prepare('SELECT count(*) FROM t').pluck().get()).toBe(0);
});
