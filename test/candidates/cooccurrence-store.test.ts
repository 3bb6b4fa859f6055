import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cooccurrenceRows, type CooccurrenceOptions, DEFAULT_COOCCURRENCE } from '../../src/candidates/cooccurrence/board-cooccurrence.ts';
import { CountedLists } from './counted-lists.ts';
import { BoardCooccurrence } from '../../src/candidates/cooccurrence/cooccurrence-store.ts';
import { boardPinsOfCatalog, buildCooccurrence } from '../../src/candidates/list-builds.ts';
import type { CatalogStore } from '../../src/catalog/pins/catalog-store.ts';
import { seededRandom } from '../../src/math/random.ts';
import { SILENT } from '../../src/progress.ts';
import { fixtureCatalog, numberedPins, saveAll, upsertPins } from './fixture-columns.ts';

let artifacts: string;
beforeEach(() => {
  artifacts = mkdtempSync(join(tmpdir(), 'lists-'));
});
afterEach(() => rmSync(artifacts, { recursive: true, force: true }));

const PINS = 60;
const options: CooccurrenceOptions = { ...DEFAULT_COOCCURRENCE, neighbors: 25 };

function catalog(): CatalogStore {
  const random = seededRandom(4);
  const boards = Array.from({ length: 40 }, () => Array.from({ length: 2 + random.integer(8) }, () => random.integer(PINS)));
  return fixtureCatalog(numberedPins(PINS), boards);
}

async function build(store: CatalogStore, signal = new AbortController().signal, chosen = options) {
  return buildCooccurrence(store, chosen, { artifacts, threads: 1, progress: SILENT, signal });
}

const listOf = (source: { propose: BoardCooccurrence['propose'] }, pinIndex: number, limit = 1000) => {
  const { pinIndexes, scores } = source.propose({ pinIndex, code: null }, limit);
  return [...pinIndexes].map((pin, p) => [pin, scores[p]]);
};

describe('co-occurrence lists on disk', () => {
  it('are what was counted, read one at a time', async () => {
    const store = catalog();
    const receipt = await build(store);
    const source = new BoardCooccurrence(artifacts, store);
    const counted = new CountedLists('counted', cooccurrenceRows(boardPinsOfCatalog(store), options));
    for (let pin = 0; pin < PINS; pin++) expect(listOf(source, pin)).toEqual(listOf(counted, pin));
    expect(listOf(source, 3, 2)).toEqual(listOf(counted, 3).slice(0, 2));
    expect(listOf(source, -1)).toEqual([]);
    expect(listOf(source, 10_000)).toEqual([]);
    expect(receipt).toMatchObject({ version: '000001', pins: PINS, boards: 40, resumedRows: 0 });
    expect(source.metadata?.options).toEqual(options);
    source.close();
  });

  it.each(['count', 'cosine', 'jaccard', 'p3alpha', 'rp3beta'] as const)(
    'change with new saves as a new build would: %s',
    async (method) => {
      const store = catalog();
      await build(store, undefined, { ...options, method });
      const source = new BoardCooccurrence(artifacts, store);
      expect(source.touchedRows).toBe(0);
      upsertPins(store, [{ id: 'newcomer' }]);
      saveAll(store, [
        { boardIndex: 2, pinIndex: PINS },
        { boardIndex: 5, pinIndex: 7 },
      ]);
      expect(listOf(source, PINS)).toEqual([]);
      expect(source.catchUp()).toBeGreaterThan(1);
      const anew = new CountedLists('anew', cooccurrenceRows(boardPinsOfCatalog(store), { ...options, method }));
      expect(listOf(source, PINS).length).toBeGreaterThan(0);
      for (const pin of [PINS, 7, ...store.saves.pinsOf(2), ...store.saves.pinsOf(5)])
        expect(listOf(source, pin)).toEqual(listOf(anew, pin));
      source.close();
    },
  );

  it('are those of the build, and said to be, beyond the work of a moment, until they were counted between requests', async () => {
    const store = catalog();
    await build(store);
    const built = new BoardCooccurrence(artifacts, store);
    const before = Array.from({ length: PINS }, (_, pin) => listOf(built, pin));
    built.close();
    const source = new BoardCooccurrence(artifacts, store, 30);
    saveAll(
      store,
      Array.from({ length: 40 }, (_, boardIndex) => ({ boardIndex, pinIndex: (7 * boardIndex) % PINS })),
    );
    source.catchUp();
    expect(source.behind).toBeNull();
    const anew = new CountedLists('anew', cooccurrenceRows(boardPinsOfCatalog(store), options));
    const asked = Array.from({ length: PINS }, (_, pin) => listOf(source, pin));
    expect(source.behind).toMatch(/counted again/);
    const old = asked.filter((list, pin) => JSON.stringify(list) === JSON.stringify(before[pin])).length;
    expect(old).toBeGreaterThan(PINS / 2);
    expect(old).toBeLessThan(PINS);
    while (source.recountSome(Number.POSITIVE_INFINITY) > 0);
    expect(source.behind).toBeNull();
    const changed = asked.findIndex((list, pin) => JSON.stringify(list) !== JSON.stringify(listOf(anew, pin)));
    expect(listOf(source, changed)).toEqual(listOf(anew, changed));
    source.close();
  });

  it('take in many saves a few at a time where requests wait, to the same lists', async () => {
    const store = catalog();
    await build(store);
    const source = new BoardCooccurrence(artifacts, store);
    const saves = Array.from({ length: 120 }, (_, i) => ({ boardIndex: i % 40, pinIndex: (7 * i) % PINS }));
    saveAll(store, saves);
    let calls = 0;
    for (; source.isBehind; calls++) source.catchUp(0);
    expect(calls).toBeGreaterThan(2);
    const atOnce = new BoardCooccurrence(artifacts, store);
    atOnce.catchUp();
    for (let pin = 0; pin < PINS; pin++) expect(listOf(source, pin)).toEqual(listOf(atOnce, pin));
    source.close();
    atOnce.close();
  });

  it('take over another build, and keep the old one when the new one is damaged', async () => {
    const store = catalog();
    const source = new BoardCooccurrence(artifacts, store);
    expect([source.version, listOf(source, 1)]).toEqual([null, []]);
    await build(store);
    expect([source.reload(), source.reload(), source.version]).toEqual([true, false, '000001']);
    const before = listOf(source, 1);
    saveAll(store, [{ boardIndex: 1, pinIndex: 1 }]);
    await build(store);
    const file = join(artifacts, 'cooccurrence', '000002.bin');
    const bytes = readFileSync(file);
    bytes[200] ^= 1;
    writeFileSync(file, bytes);
    expect(() => source.reload()).toThrow('is refused');
    expect([source.version, listOf(source, 1)]).toEqual(['000001', before]);
    source.close();
  });

  it('go on where a stopped build was', async () => {
    const store = fixtureCatalog(numberedPins(70_000), [
      [0, 1, 2],
      [69_000, 69_999, 1],
    ]);
    const stop = new AbortController();
    stop.abort();
    await expect(build(store, stop.signal)).rejects.toThrow('Stopped by hand');
    expect(readdirSync(join(artifacts, 'cooccurrence'))).toContain('building.json');
    const receipt = await build(store);
    expect(receipt.resumedRows).toBeGreaterThan(0);
    expect(readdirSync(join(artifacts, 'cooccurrence')).sort()).toEqual(['000001.bin', 'CURRENT']);
    const source = new BoardCooccurrence(artifacts, store);
    expect(listOf(source, 69_999).map(([pin]) => pin)).toEqual([69_000, 1]);
    source.close();
  });

  it('begin anew when the saves have changed since the stop', async () => {
    const store = fixtureCatalog(numberedPins(70_000), [[0, 1, 2]]);
    const stop = new AbortController();
    stop.abort();
    await expect(build(store, stop.signal)).rejects.toThrow();
    saveAll(store, [{ boardIndex: 0, pinIndex: 3 }]);
    expect((await build(store)).resumedRows).toBe(0);
  });
});
