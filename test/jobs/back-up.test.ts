import { spawn } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ArtifactFolder } from '../../src/catalog/artifacts/artifact-folder.ts';
import { backUp, restore } from '../../src/catalog/artifacts/backup.ts';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { openDatabase } from '../../src/catalog/database.ts';
import { readConfig } from '../../src/config.ts';
import { callJob } from '../../src/jobs/job.ts';
import { job as backUpJob } from '../../src/jobs/operation/back-up.ts';
import { type Progress, SILENT } from '../../src/progress.ts';
import { ModelRegistry } from '../../src/ranker/registry/model-registry.ts';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'related-pins-backup-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function smallData(): string {
  const data = join(folder, 'data');
  const catalog = openCatalog(data);
  upsertBatch(catalog, 'pins', [{ id: 'a', title: 'one' }, { id: 'b' }], { folders: { images: data, data }, now: Date.now() });
  catalog.close();
  mkdirSync(join(data, 'models'));
  writeFileSync(join(data, 'models', 'm.json'), '{}');
  return data;
}

describe('back-up and restore', () => {
  it('give back the same pins and files, also while the catalogue is open for writing', async () => {
    const data = smallData();
    const open = openCatalog(data);
    upsertBatch(open, 'pins', [{ id: 'c' }], { folders: { images: data, data }, now: Date.now() });
    await backUp(data, join(folder, 'copy'));
    open.close();
    await restore(join(folder, 'copy'), join(folder, 'again'));
    const catalog = openCatalog(join(folder, 'again'));
    expect(catalog.pins.count()).toBe(3);
    catalog.close();
    expect(readFileSync(join(folder, 'again', 'models', 'm.json'), 'utf8')).toBe('{}');
  });

  it('a damaged or unfinished backup is refused and nothing is restored', async () => {
    await backUp(smallData(), join(folder, 'copy'));
    appendFileSync(join(folder, 'copy', 'data', 'models', 'm.json'), ' ');
    await expect(restore(join(folder, 'copy'), join(folder, 'again'))).rejects.toThrow(/does not match its digest/);
    rmSync(join(folder, 'copy', 'backup.json'));
    await expect(restore(join(folder, 'copy'), join(folder, 'again'))).rejects.toThrow(/not finished/);
    expect(existsSync(join(folder, 'again'))).toBe(false);
  });

  it('of a backup before, files that did not change are links, and what did change is copied', async () => {
    const data = smallData();
    writeFileSync(join(data, 'models', 'other.json'), '{}');
    await backUp(data, join(folder, 'first'));
    writeFileSync(join(data, 'models', 'other.json'), '[1]');
    const catalog = openCatalog(data);
    upsertBatch(catalog, 'pins', [{ id: 'c' }], { folders: { images: data, data }, now: Date.now() });
    catalog.close();
    await backUp(data, join(folder, 'second'), SILENT, undefined, join(folder, 'first'));
    const numbers = (path: string): number[] => ['first', 'second'].map((name) => statSync(join(folder, name, 'data', path)).ino);
    expect(new Set(numbers('models/m.json')).size).toBe(1);
    for (const path of ['models/other.json', 'catalog.sqlite']) expect(new Set(numbers(path)).size, path).toBe(2);
    // Each is whole by itself: the first may go.
    rmSync(join(folder, 'first'), { recursive: true });
    await restore(join(folder, 'second'), join(folder, 'again'));
    expect(readFileSync(join(folder, 'again', 'models', 'other.json'), 'utf8')).toBe('[1]');
    const back = openCatalog(join(folder, 'again'));
    expect(back.pins.count()).toBe(3);
    back.close();
  });

  it('again and again until stopped, and the newest stay', async () => {
    const data = smallData();
    const out = join(folder, 'backups');
    const stop = new AbortController();
    const config = readConfig({}, { data });
    // What somebody else keeps there is neither counted nor taken away, nor in the way when it is damaged.
    await backUp(data, join(out, 'before-upgrade'));
    mkdirSync(join(out, '2026-01-01T00-00-00'), { recursive: true });
    writeFileSync(join(out, '2026-01-01T00-00-00', 'backup.json'), '{"half');
    const going = callJob(backUpJob, { config, dataFolder: data, progress: SILENT, signal: stop.signal }, { out, every: 1, keep: 2 });
    const names = (): string[] => readdirSync(out).filter((name) => /^20\d\d-.*T/.test(name) && existsSync(join(out, name, 'backup.json')));
    const seen = new Set<string>();
    while (seen.size < 4) {
      for (const name of names()) seen.add(name);
      await wait(50);
    }
    stop.abort();
    const receipt = await going.catch((error: unknown) => error);
    const kept = names().sort();
    expect(readdirSync(out)).toContain('before-upgrade');
    expect(kept).toHaveLength(2);
    expect(kept).not.toContain([...seen].sort()[0]);
    if (receipt instanceof Error) expect(receipt).toMatchObject({ code: 'JOB_STOPPED' });
    await restore(join(out, kept[1]), join(folder, 'again'));
  }, 60_000);

  it('never writes into a folder that is in use', async () => {
    const data = smallData();
    await backUp(data, join(folder, 'copy'));
    await expect(backUp(data, join(folder, 'copy'))).rejects.toThrow(/not empty/);
    await expect(restore(join(folder, 'copy'), data)).rejects.toThrow(/not empty/);
    expect(readdirSync(data)).toContain('catalog.sqlite');
  });

  it('goes into a folder of the data folder without copying itself', async () => {
    const data = smallData();
    const { files } = await backUp(data, join(data, 'backups', 'first'));
    expect(files).toBe(2);
    expect(existsSync(join(data, 'backups', 'first', 'data', 'backups'))).toBe(false);
  });
});

/** A process of its own that commits a row several times a millisecond. */
const WRITER = `
const database = new (require('better-sqlite3'))(process.argv[1]);
database.pragma('synchronous = OFF');
const insert = database.prepare('INSERT INTO filling (bytes) VALUES (randomblob(100))');
const pause = new Int32Array(new SharedArrayBuffer(4));
insert.run();
console.log('writing');
for (;;) {
  insert.run();
  Atomics.wait(pause, 0, 0, 0.2);
}`;

describe('a back-up beside a service that goes on', () => {
  // Each step was a reading of its own, and a commit of another process between two of them started the copy anew.
  it('ends while another process commits all the time', async () => {
    const data = smallData();
    const log = openDatabase(join(data, 'log.sqlite'));
    log.exec(`CREATE TABLE filling (id INTEGER PRIMARY KEY, bytes BLOB);
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) INSERT INTO filling (bytes) SELECT randomblob(4000) FROM n`);
    log.close();
    const writer = spawn(process.execPath, ['-e', WRITER, join(data, 'log.sqlite')], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await new Promise((writing) => writer.stdout.once('data', writing));
      const made = backUp(data, join(folder, 'copy'));
      expect(await Promise.race([made.then(() => 'done'), wait(20_000, 'still copying')])).toBe('done');
      expect(writer.exitCode).toBeNull();
    } finally {
      writer.kill('SIGKILL');
    }
    const copy = openDatabase(join(folder, 'copy', 'data', 'log.sqlite'), { readonly: true });
    expect(copy.pragma('quick_check', { simple: true })).toBe('ok');
    expect(copy.prepare('SELECT count(*) FROM filling').pluck().get()).toBeGreaterThan(10_000);
    copy.close();
  });

  /** Does something to the data folder behind each of the first so many files that were copied. */
  const disturbing = (times: number, work: () => void): Progress => {
    let left = times;
    return { ...SILENT, update: () => void (left-- > 0 && work()) };
  };
  const built = (data: string, builds: number): void => {
    const folder = new ArtifactFolder(join(data, 'artifacts'), 'lists', 1);
    for (let build = 0; build < builds; build++) folder.write({}, { numbers: Uint8Array.of(build) });
  };

  // Paths were listed once: a build that was swapped in meanwhile was named by CURRENT and not in the copy, or went before it was copied.
  it('holds the build that its pointer names, also when new ones come and old ones go meanwhile', async () => {
    const data = smallData();
    built(data, 1);
    await backUp(
      data,
      join(folder, 'copy'),
      disturbing(2, () => built(data, 3)),
    );
    await restore(join(folder, 'copy'), join(folder, 'again'));
    const artifact = new ArtifactFolder(join(folder, 'again', 'artifacts'), 'lists', 1).open();
    expect(artifact?.names).toEqual(['numbers']);
    artifact?.close();
  });

  it('is refused by name where a pointer leads nowhere', async () => {
    const data = smallData();
    built(data, 1);
    await expect(
      backUp(
        data,
        join(folder, 'copy'),
        disturbing(1000, () => built(data, 3)),
      ),
    ).rejects.toThrow(/artifacts\/lists\/CURRENT names \d{6}\.bin, which is not in artifacts\/lists/);
    writeFileSync(join(data, 'models', 'SERVING'), 'gone\n');
    await expect(backUp(data, join(folder, 'other'))).rejects.toThrow(/models\/SERVING names gone\.json/);
    expect(existsSync(join(folder, 'other', 'backup.json'))).toBe(false);
    writeFileSync(join(data, 'models', 'SERVING'), 'as-retrieved\n');
    await backUp(data, join(folder, 'third'));
  });

  it('knows the newest model after the restore, also where the copy itself was copied without its times', async () => {
    const data = smallData();
    writeFileSync(join(data, 'models', 'a.json'), '{}');
    utimesSync(join(data, 'models', 'm.json'), 1_700_000_000, 1_700_000_000);
    utimesSync(join(data, 'models', 'a.json'), 1_800_000_000, 1_800_000_000.25);
    expect(new ModelRegistry(join(data, 'models')).newest()).toBe('a');
    await backUp(data, join(folder, 'copy'));
    expect(new ModelRegistry(join(folder, 'copy', 'data', 'models')).newest()).toBe('a');
    for (const name of ['a.json', 'm.json']) utimesSync(join(folder, 'copy', 'data', 'models', name), 1, 1);
    await restore(join(folder, 'copy'), join(folder, 'again'));
    expect(new ModelRegistry(join(folder, 'again', 'models')).names()).toEqual(['m', 'a']);
  });
});
