import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backUp, restore } from '../../src/catalog/backup.ts';
import { openCatalog } from '../../src/catalog/catalog-store.ts';
import { upsertBatch } from '../../src/catalog/upsert.ts';

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

  it('never writes into a folder that is in use', async () => {
    const data = smallData();
    await backUp(data, join(folder, 'copy'));
    await expect(backUp(data, join(folder, 'copy'))).rejects.toThrow(/not empty/);
    await expect(restore(join(folder, 'copy'), data)).rejects.toThrow(/not empty/);
    expect(readdirSync(data)).toContain('catalog.sqlite');
  });
});
