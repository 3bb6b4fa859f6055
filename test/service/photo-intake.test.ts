import { SITE_CATEGORIES } from '../../src/config.ts';
import { chmodSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type CatalogStore, openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { type IntakeReceipt, takeInPhotos } from '../../src/service/photo-intake.ts';
import { temporaryFolder } from '../world.ts';

let folder: string;
let catalog: CatalogStore;

beforeEach(() => {
  folder = temporaryFolder();
  catalog = openCatalog(':memory:');
});
afterEach(() => catalog.close());

const takeIn = (): Promise<IntakeReceipt> =>
  takeInPhotos(catalog, folder, { dataFolder: join(folder, '.related-pins'), categories: new Set(SITE_CATEGORIES) });

function put(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
}

const photo = (colour: string, taken?: string): Promise<Buffer> => {
  const image = sharp({ create: { width: 8, height: 8, channels: 3, background: colour } });
  return (taken ? image.withExif({ IFD2: { DateTimeOriginal: taken } }) : image).jpeg().toBuffer();
};

const pin = (id: string) => {
  const found = catalog.pins.get(catalog.pins.indexOf(id));
  if (!found) throw new Error(`there is no pin ${id}`);
  return found;
};
const boardsOf = (id: string): string[] =>
  [...catalog.saves.boardsOf(catalog.pins.indexOf(id))].map((board) => String(catalog.boards.get(board)?.id));
const versionOf = (id: string): number | undefined =>
  [...catalog.pins.images()].find(({ pinIndex }) => pinIndex === catalog.pins.indexOf(id))?.imageVersion;

test('photos are pins, folders are boards; names, dates and the files beside them say more', async () => {
  put('chairs/oak-chair_2.jpg', await photo('red', '2024:02:03 04:05:06'));
  put('chairs/oak-chair_2.json', '{"price": 49.5, "inStock": true, "link": "https://a.example/1", "sizes": [1]}');
  put('chairs/IMG_0001.jpg', await photo('blue'));
  put('rooms/home_decor/vase.JPG', await photo('green'));
  put('top.jpg', await photo('white'));
  put('.hidden/secret.jpg', await photo('black'));
  put('chairs/broken.json', '{');
  put('chairs/notes.txt', 'none');
  const receipt = await takeIn();
  expect(receipt).toEqual({ photos: 4, added: 4, changed: 0, removed: 0, unchanged: 0, boards: 2, rejected: {} });
  const taken = Date.UTC(2024, 1, 3, 4, 5, 6);
  expect(pin('chairs/oak-chair_2.jpg')).toMatchObject({
    title: 'oak chair 2',
    link: 'https://a.example/1',
    createdAt: taken,
    fields: { price: 49.5, inStock: true },
    image: join(folder, 'chairs/oak-chair_2.jpg'),
  });
  expect(pin('chairs/IMG_0001.jpg')).toMatchObject({ title: '', createdAt: null });
  expect(boardsOf('chairs/oak-chair_2.jpg')).toEqual(['chairs']);
  expect(boardsOf('top.jpg')).toEqual([]);
  expect([...catalog.saves.all()].map(({ at }) => at)).toContain(taken);
  const decor = catalog.boards.get(catalog.boards.indexOf('rooms/home_decor'));
  expect(decor).toMatchObject({ title: 'rooms / home decor', category: 'home decor' });
  expect(pin('rooms/home_decor/vase.JPG').categoryVector).toEqual({ 'home decor': 1 });
});

test('the next look takes in what was added, changed and removed, and nothing else', async () => {
  for (const name of ['a', 'b', 'c']) put(`board/${name}.jpg`, await photo('red'));
  await takeIn();
  const before = catalog.lastChange();
  expect(await takeIn()).toMatchObject({ photos: 3, added: 0, changed: 0, removed: 0, unchanged: 3 });
  expect(catalog.lastChange()).toBe(before);
  const [versionA, versionB] = [versionOf('board/a.jpg'), versionOf('board/b.jpg')];
  put('board/a.jpg', await photo('yellow'));
  utimesSync(join(folder, 'board/a.jpg'), 1, 1);
  put('board/b.jpg.json', '{"price": 3}');
  rmSync(join(folder, 'board/c.jpg'));
  put('board/d.jpg', await photo('black'));
  expect(await takeIn()).toMatchObject({ photos: 3, added: 1, changed: 2, removed: 1, unchanged: 0 });
  expect(versionOf('board/a.jpg')).toBeGreaterThan(versionA ?? 0);
  expect(versionOf('board/b.jpg')).toBe(versionB);
  expect(pin('board/b.jpg').fields).toEqual({ price: 3 });
  expect(pin('board/c.jpg').removed).toBe(true);
  expect([...catalog.saves.memberships()].map(({ pinIndexes }) => pinIndexes.length)).toEqual([3]);
  put('board/c.jpg', await photo('red'));
  expect(await takeIn()).toMatchObject({ added: 1 });
  expect(pin('board/c.jpg').removed).toBe(false);
  expect(boardsOf('board/c.jpg')).toEqual(['board']);
});

test('tables at the top of the folder are read, and a row with the path of a photo is that photo', async () => {
  put('chairs/one.jpg', await photo('red'));
  put('chairs/two.jpg', await photo('blue'));
  put('pins.csv', 'id,image,title,price\np1,chairs/one.jpg,Oak chair,10\np9,,No photo,20\n');
  put('boards.jsonl', '{"id": "best", "title": "Best of all", "ownerId": "ann"}\n');
  put('saves.csv', 'pinId,boardId\np1,best\np9,best\nchairs/two.jpg,best\n');
  expect(await takeIn()).toMatchObject({ photos: 2, added: 2, boards: 1, rejected: {} });
  expect(catalog.pins.indexOf('chairs/one.jpg')).toBe(-1);
  expect(pin('p1')).toMatchObject({ title: 'Oak chair', fields: { price: 10 } });
  expect(boardsOf('p1').sort()).toEqual(['best', 'chairs']);
  expect(boardsOf('chairs/two.jpg').sort()).toEqual(['best', 'chairs']);
  expect(boardsOf('p9')).toEqual(['best']);
  rmSync(join(folder, 'chairs/one.jpg'));
  expect(await takeIn()).toMatchObject({ photos: 1, removed: 0 });
  expect(pin('p1').removed).toBe(false);
});

test('a record that is none is counted with its file, and the photo goes in', async () => {
  put('a.jpg', await photo('red'));
  put('a.json', '[1, 2]');
  put('b.jpg', await photo('red'));
  put('b.jpg.json', '{"createdAt": "yesterday"}');
  const receipt = await takeIn();
  expect(receipt.rejected).toMatchObject({ ROW_MALFORMED: { count: 1, files: ['a.json'] } });
  expect(Object.values(receipt.rejected).flatMap(({ files }) => files)).toContain('b.jpg');
  expect(catalog.pins.indexOf('a.jpg')).toBe(0);
});

test('a table of another program is counted, row by row or whole, and the photos go in', async () => {
  put('a/one.jpg', await photo('red'));
  put('boards.json', '[{"board": "kitchen", "items": ["1"]}, {"id": "b", "title": "Good"}]');
  put('pins.parquet', 'not a table');
  const { rejected, added } = await takeIn();
  expect(added).toBe(1);
  expect(rejected).toMatchObject({
    FIELD_MISSING: { count: 1, files: [expect.stringMatching(/^boards.json, line /)] },
    CATALOG_FILE_UNREADABLE: { count: 1, files: ['pins.parquet'] },
  });
  expect(catalog.boards.get(catalog.boards.indexOf('b'))?.title).toBe('Good');
});

test.skipIf(process.getuid?.() === 0)('a folder that may not be read is named, stops nothing, and what was known of it stays', async () => {
  put('open/a.jpg', await photo('red'));
  put('shut/b.jpg', await photo('blue'));
  await takeIn();
  chmodSync(join(folder, 'shut'), 0o000);
  try {
    put('open/c.jpg', await photo('green'));
    const rejected = { CATALOG_FILE_UNREADABLE: { count: 1, files: ['shut'] } };
    expect(await takeIn()).toMatchObject({ photos: 2, added: 1, removed: 0, rejected });
    expect(pin('shut/b.jpg').removed).toBe(false);
  } finally {
    chmodSync(join(folder, 'shut'), 0o700);
  }
  expect(await takeIn()).toMatchObject({ photos: 3, added: 0, removed: 0, rejected: {} });
});

test('the receipt says how the columns of a table were read', async () => {
  put('a.jpg', await photo('red'));
  put('pins.csv', 'id,image_url,inStock,fee\np1,a.jpg,yes,"7,50"\np2,,no,9.5\n');
  const { tables } = await takeIn();
  expect(tables?.pins).toMatchObject({ read: 2, columns: { image_url: 'image', inStock: 'buyable' } });
  expect(Object.keys(tables?.pins?.notes ?? {})).toEqual([expect.stringContaining('as "7,50"')]);
});
