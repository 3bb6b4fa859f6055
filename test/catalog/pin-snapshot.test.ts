import { SITE_CATEGORIES } from '../../src/config.ts';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CatalogStore, openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { loadPinColumns, type ResidentPinColumns } from '../../src/catalog/pins/pin-columns.ts';
import { residentPins, snapshotPins } from '../../src/catalog/pins/pin-snapshot.ts';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';

const PINS = 6000;
const CATEGORIES = SITE_CATEGORIES;
const folder = mkdtempSync(join(tmpdir(), 'pin-snapshot-'));
let catalog: CatalogStore;

function put(kind: 'pins' | 'boards' | 'saves', rows: readonly object[]): void {
  upsertBatch(catalog, kind, rows, { now: 1e12, folders: { images: folder, data: folder } });
}

const pin = (i: number): object => ({
  id: `pin-${i}-\u00e9`,
  title: `${['red', 'blue', 'old'][i % 3]} chair number${i % 50}`,
  link: `https://shop-${i % 7}.example/${i}`,
  annotations: { [`term-${i % 90}`]: 1, [`other-${i % 11}`]: 0.5 },
  categories: { [CATEGORIES[i % 32]]: 0.7, 'of its own': 0.3 },
  buyable: i % 3 === 0,
  ...(i % 5 === 0 ? {} : { createdAt: 1e12 - i }),
});

/** Everything serving reads, pin by pin, in words. */
function told(columns: ResidentPinColumns): unknown[] {
  const entries = (rows: ResidentPinColumns['titleTerms'], row: number): [number, number][] =>
    Array.from({ length: rows.length[row] }, (_, e) => [rows.ordinals[rows.start[row] + e], rows.weights[rows.start[row] + e]]);
  return Array.from({ length: columns.count }, (_, i) => [
    columns.idOf(i),
    columns.indexOf(columns.idOf(i)),
    columns.saves[i],
    columns.createdAt[i],
    columns.domain[i],
    columns.flags[i],
    columns.group[i],
    entries(columns.categories, i).map(([c, w]) => [columns.categoryNames[c], w]),
    entries(columns.annotations, i).map(([t, w]) => [columns.annotationTerms[t], w]),
    entries(columns.titleTerms, i),
  ]);
}

beforeAll(() => {
  catalog = openCatalog(folder);
  put(
    'pins',
    Array.from({ length: PINS }, (_, i) => pin(i)),
  );
  put('boards', [
    { id: 'b', ownerId: 'ann' },
    { id: 'c', ownerId: 'bob' },
  ]);
  put(
    'saves',
    Array.from({ length: 100 }, (_, i) => ({ pinId: `pin-${i * 7}-\u00e9`, boardId: 'b' })),
  );
  snapshotPins(folder, catalog, CATEGORIES);
});
afterAll(() => {
  catalog.close();
  rmSync(folder, { recursive: true, force: true });
});

test('a snapshot gives the columns of the rows', () => {
  expect(told(residentPins(folder, catalog, CATEGORIES))).toEqual(told(loadPinColumns(catalog)));
});

test('what came after the snapshot is taken in: pins, changes, saves, groups', () => {
  put('pins', [...Array.from({ length: 300 }, (_, i) => pin(PINS + i)), { id: 'pin-3-\u00e9', title: 'green lamp', buyable: true }]);
  put('saves', [{ pinId: 'pin-1-\u00e9', boardId: 'c' }]);
  catalog.removals.removePins([9], Date.now());
  catalog.groups.set([[12, 4]]);
  const quick = residentPins(folder, catalog, CATEGORIES);
  const slow = loadPinColumns(catalog);
  expect([quick.count, quick.saves[1], quick.flags[9], quick.flags[3], quick.group[12]]).toEqual([
    slow.count,
    slow.saves[1],
    slow.flags[9],
    slow.flags[3],
    4,
  ]);
  // Weights of title words are as of when a row was read; everything else agrees.
  const without = (columns: ResidentPinColumns): unknown[] => told(columns).map((row) => (row as unknown[]).slice(0, -1));
  expect(without(quick)).toEqual(without(slow));
  expect(snapshotPins(folder, catalog, CATEGORIES)).toBe('000002');
  expect(without(residentPins(folder, catalog, CATEGORIES))).toEqual(without(slow));
});

test('columns that are open take up groups that another process has made, and their end', () => {
  const open = loadPinColumns(catalog);
  const elsewhere = openCatalog(folder, {});
  elsewhere.groups.set([
    [12, 12],
    [20, 5],
  ]);
  open.catchUp();
  expect([open.group[12], open.group[20]]).toEqual([12, 5]);
  elsewhere.groups.set([[20, 20]]);
  elsewhere.close();
  open.catchUp();
  expect(open.group[20]).toBe(20);
});

test('a snapshot of another catalogue, or of other categories, is passed over', () => {
  const others = ['mine', ...CATEGORIES];
  expect(residentPins(folder, catalog, others).categoryNames[0]).toBe('mine');
  const key = catalog.sequence.number('pinSnapshot');
  catalog.sequence.setNumber('pinSnapshot', key - 1);
  expect(told(residentPins(folder, catalog, CATEGORIES))).toEqual(told(loadPinColumns(catalog)));
  catalog.sequence.setNumber('pinSnapshot', key);
});

test('a damaged snapshot is refused by name, and the rows are read', () => {
  const of = join(folder, 'artifacts', 'pin-columns');
  const file = join(
    of,
    readdirSync(of)
      .filter((name) => name.endsWith('.bin'))
      .sort()
      .at(-1) as string,
  );
  const bytes = readFileSync(file);
  bytes[5000] ^= 1;
  writeFileSync(file, bytes);
  let reason = '';
  expect(residentPins(folder, catalog, CATEGORIES, (told) => (reason = told)).count).toBe(PINS + 300);
  expect(reason).toContain('digest');
});
