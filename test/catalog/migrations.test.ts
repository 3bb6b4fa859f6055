import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { openDatabase } from '../../src/catalog/database.ts';
import { openLog } from '../../src/catalog/log/log-database.ts';

const CASES = join(import.meta.dirname, '../cases');
const RELEASES = readdirSync(CASES).filter((name) => name.startsWith('released-'));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'related-pins-old-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function restoreOld(release: string, name: string): void {
  const database = openDatabase(join(folder, `${name}.sqlite`));
  database.exec(readFileSync(join(CASES, release, `${name}.sql`), 'utf8'));
  database.close();
}

describe.each(RELEASES)('a data folder of %s', (release) => {
  it('keeps its lists, events and pair counts, and takes new ones', async () => {
    restoreOld(release, 'log');
    const log = openLog(folder);
    expect(
      [...log.lists.lists()].map(({ recommendationId, userId, items }) => [recommendationId, userId, items.count, items.rows.data[0]]),
    ).toEqual([
      ['r1', 'ann', 2, 1],
      ['r2', 'bob', 2, 1],
    ]);
    expect(log.events.eventsAfter(0, 10).map(({ type, listIndex, pinIndex }) => [type, listIndex, pinIndex])).toEqual([
      ['impression', 1, 3],
      ['click', 1, 3],
      ['save', 2, 1],
    ]);
    expect(log.events.countStrays()).toBe(1);
    const ratios = new Float32Array(2);
    log.pairs.clicksOverExpected(0, Int32Array.of(3, 1), 2, ratios);
    expect([...ratios].every((ratio) => ratio > 1)).toBe(true);
    expect(log.pairs.catchUp()).toBe(0);
    const more = { type: 'click', recommendationId: 'r1', pinIndex: 1, position: 2, userId: null, at: 1_700_000_400_000 } as const;
    expect(
      await log.events.append([
        { ...more, eventId: 'e1' },
        { ...more, eventId: 'e9' },
      ]),
    ).toEqual({ written: 1, unchanged: 1, keptApart: 0 });
    expect(log.pairs.catchUp()).toBe(1);
    log.close();
  });

  it('keeps its catalogue', () => {
    restoreOld(release, 'catalog');
    const catalog = openCatalog(folder);
    expect([catalog.pins.count(), catalog.boards.count(), catalog.saves.count(), catalog.users.count()]).toEqual([4, 1, 2, 1]);
    expect(catalog.pins.get(0)?.title).toBe('Oak chair');
    expect(catalog.text.search('oak', 10).map(({ pinIndex }) => pinIndex)).toEqual([0, 1]);
    catalog.close();
  });

  it('is left alone by the second start', () => {
    restoreOld(release, 'log');
    openLog(folder).close();
    const log = openLog(folder);
    expect([log.lists.count(), log.events.count()]).toEqual([2, 3]);
    log.close();
  });
});

it('a file of a newer program is refused by name', () => {
  const database = openDatabase(join(folder, 'log.sqlite'));
  database.exec(
    "CREATE TABLE schema_version (store TEXT PRIMARY KEY, version INTEGER NOT NULL); INSERT INTO schema_version VALUES ('log', 99)",
  );
  database.close();
  expect(() => openLog(folder)).toThrow(/version 99, made by a newer program/);
});
