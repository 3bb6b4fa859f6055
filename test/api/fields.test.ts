import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildApp } from '../../src/api/shell/app.ts';
import type { App } from '../../src/api/routes/routes.ts';
import { ingestFile } from '../../src/catalog/pins/ingest.ts';
import type { Receipt } from '../../src/catalog/pins/receipt.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { job as extract } from '../../src/jobs/nets/extract-features.ts';
import { runJob } from '../run-job.ts';
import { testConfig, twoTasteWorld, worldFolder } from '../world.ts';

interface Listed {
  readonly pinId: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}
interface Reply {
  readonly items: readonly Listed[];
  readonly degraded: readonly { readonly code: string; readonly reason: string }[];
  readonly nextCursor: string | null;
}

let folder: string;
let context: Context;
let app: App;

/** Pin n of either taste costs 10 n and is in stock when n is odd; the first plant says nothing of itself. */
beforeAll(async () => {
  const pins = twoTasteWorld().pins.map((pin) => {
    const n = Number(String(pin.id).split('-')[1]);
    return pin.id === 'plant-1' ? pin : { ...pin, price: 10 * n, brand: n < 4 ? 'Acme' : 'Zeta', inStock: n % 2 === 1 };
  });
  folder = await worldFolder({ pins });
  await runJob(extract, folder);
  context = await openContext(testConfig(folder), folder, { lock: true });
  app = await buildApp(context);
}, 60_000);
afterAll(async () => {
  await app.close();
  await context.close();
});

const get = async (url: string): Promise<Reply> => (await app.inject(url)).json<Reply>();
const post = async (url: string, payload: object): Promise<Reply> => (await app.inject({ method: 'POST', url, payload })).json<Reply>();
const idsOf = ({ items }: Reply): string[] => items.map(({ pinId }) => pinId);
const numberOf = (pinId: string): number => Number(pinId.split('-')[1]);

test('items carry title, image and link unless the caller asks for others, or for none', async () => {
  const { items } = await get('/v1/pins/plant-2/related?limit=3');
  for (const { pinId, fields } of items) {
    const [taste, n] = pinId.split('-');
    expect(fields).toEqual({ title: `${taste} number ${n}`, image: `/v1/pins/${pinId}/image`, link: `https://${taste}.example/${n}` });
    expect((await app.inject(String(fields?.image))).statusCode).toBe(200);
  }
  const asked = await get('/v1/pins/plant-2/related?limit=50&fields=title,price,brand,inStock,absent');
  const of = new Map(asked.items.map(({ pinId, fields }) => [pinId, fields]));
  expect(of.get('tattoo-3')).toEqual({ title: 'tattoo number 3', price: 30, brand: 'Acme', inStock: true, absent: null });
  expect(of.get('plant-1')).toEqual({ title: 'plant number 1', price: null, brand: null, inStock: null, absent: null });
  expect((await get('/v1/pins/plant-2/related?fields=')).items[0]).not.toHaveProperty('fields');
});

test('filters are typed, repeated ones must all hold, and escaped ones are the same', async () => {
  const cheap = idsOf(await get('/v1/pins/plant-2/related?limit=50&filter=price<40'));
  expect(cheap.length).toBeGreaterThan(2);
  expect(cheap.every((id) => numberOf(id) < 4 && id !== 'plant-1')).toBe(true);
  expect(idsOf(await get('/v1/pins/plant-2/related?limit=50&filter=price%3C40'))).toEqual(cheap);
  const both = idsOf(await get('/v1/pins/plant-2/related?limit=50&filter=price%3E%3D20&filter=inStock=true&filter=brand!=Zeta'));
  expect(both.sort()).toEqual(['plant-3', 'tattoo-3']);
  expect(idsOf(await get('/v1/pins/plant-2/related?limit=50&filter=title=tattoo%20number%203'))).toEqual(['tattoo-3']);
});

test('a field that no pin has matches nothing, and the reply says so', async () => {
  const list = await get('/v1/pins/plant-2/related?filter=prize<40');
  expect(list.items).toEqual([]);
  expect(list.degraded).toEqual([
    {
      code: 'CATALOG_FIELD_UNKNOWN',
      reason: 'No pin has a field "prize", so nothing matches. Fields of the pins: brand, inStock, price.',
    },
  ]);
  const refused = await app.inject('/v1/pins/plant-2/related?filter=price');
  expect([refused.statusCode, refused.json().code, refused.json().field]).toEqual([400, 'REQUEST_INVALID', 'filter']);
});

test('home feed, own lists, visual search, Lens and browsing filter and show fields alike', async () => {
  const asked = { fields: 'price', filter: ['price<40'] };
  const replies = [
    await get('/v1/users/ann-plant/home-feed?limit=50&fields=price&filter=price<40'),
    await post('/v1/rank', { queryPinId: 'plant-2', pinIds: ['plant-1', 'plant-3', 'tattoo-1', 'plant-5'], ...asked }),
    await post('/v1/visual-search', { pinId: 'plant-2', ...asked }),
    await post('/v1/lens', { pinId: 'plant-2', ...asked, filter: 'price<40' }),
  ];
  for (const reply of replies) {
    expect(reply.items.length).toBeGreaterThan(0);
    for (const { pinId, fields } of reply.items) {
      expect(fields).toEqual({ price: 10 * numberOf(pinId) });
      expect(numberOf(pinId)).toBeLessThan(4);
    }
  }
  expect(idsOf(replies[1]).sort()).toEqual(['plant-3', 'tattoo-1']);
  const browsed = (await app.inject('/v1/pins?limit=50&filter=price<30')).json<{ pins: { id: string; fields: unknown }[] }>().pins;
  expect(browsed.map(({ id }) => id).sort()).toEqual(['plant-2', 'tattoo-1', 'tattoo-2']);
  expect(browsed.find(({ id }) => id === 'tattoo-1')?.fields).toEqual({ brand: 'Acme', inStock: true, price: 10 });
});

test('a changed field is filtered by at once; null takes it away, what is not named stays', async () => {
  const before = idsOf(await get('/v1/pins/plant-2/related?limit=50&filter=price<40'));
  expect(before).not.toContain('plant-5');
  await post('/v1/pins', {
    pins: [
      { id: 'plant-5', price: 5 },
      { id: 'tattoo-1', price: null },
    ],
  });
  const after = await get('/v1/pins/plant-2/related?limit=50&filter=price<40&fields=price,brand');
  expect(idsOf(after).sort()).toEqual([...before.filter((id) => id !== 'tattoo-1'), 'plant-5'].sort());
  expect(after.items.find(({ pinId }) => pinId === 'plant-5')?.fields).toEqual({ price: 5, brand: 'Zeta' });
  await post('/v1/pins', { pins: [{ id: 'new', title: 'new', price: 1 }] });
  expect(idsOf(await post('/v1/rank', { queryPinId: 'plant-2', pinIds: ['new', 'plant-1'], filter: 'price=1' }))).toEqual(['new']);
});

test('cells of a CSV become numbers, flags and text; codes with leading zeros stay text', async () => {
  const file = join(folder, 'more.csv');
  writeFileSync(file, 'id,price,stock,sku,size,empty\nc1,9.50,TRUE,007,1e5,\nc2,-3,false,+4,large,\n');
  const receipt = await ingestFile(context.catalog, 'pins', file, { folders: { images: folder, data: folder } });
  expect(receipt).toMatchObject({ written: 2, unknownFields: {} });
  const [c1, c2] = ['c1', 'c2'].map((id) => context.catalog.pins.get(context.catalog.pins.indexOf(id))?.fields);
  expect(c1).toEqual({ price: 9.5, stock: true, sku: '007', size: '1e5' });
  expect(c2).toEqual({ price: -3, stock: false, sku: '+4', size: 'large' });
});

/** Imports a CSV beside the pins that are there, and returns its receipt. */
async function imported(text: string): Promise<Receipt> {
  const file = join(folder, 'commas.csv');
  writeFileSync(file, text);
  return ingestFile(context.catalog, 'pins', file, { folders: { images: folder, data: folder } });
}

const fieldsOf = (id: string): unknown => context.catalog.pins.get(context.catalog.pins.indexOf(id))?.fields;

test('a column that is wholly numbers with a decimal comma becomes numbers', async () => {
  const receipt = await imported('id;cost;weight;sizes\nk1;48,00;1,234;1,2,3\nk2;1.234,50;2,345;4\nk3;468;3;\nk4;;;\nk5;2.000;5;6\n');
  expect(['k1', 'k2', 'k3', 'k5'].map((id) => (fieldsOf(id) as { cost: number }).cost)).toEqual([48, 1234.5, 468, 2000]);
  // Three digits behind every comma may be thousands: nobody can tell.
  expect(fieldsOf('k1')).toMatchObject({ weight: '1,234', sizes: '1,2,3' });
  expect(receipt.notes).toEqual({ 'weight: a number with a comma is kept as text, which < and > do not compare, as "1,234"': 2 });
});

test('a column of both ways stays text, and asking for its order is degraded', async () => {
  const receipt = await imported('id,fee\nm1,"48,00"\nm2,"468,00"\nm3,49.99\n');
  expect(['m1', 'm2', 'm3'].map(fieldsOf)).toEqual([{ fee: '48,00' }, { fee: '468,00' }, { fee: 49.99 }]);
  expect(receipt.notes).toEqual({ 'fee: a number with a comma is kept as text, which < and > do not compare, as "48,00"': 2 });
  await post('/v1/pins', {
    pins: [
      { id: 'plant-5', fee: '7,50' },
      { id: 'plant-6', fee: 8 },
    ],
  });
  const list = await get('/v1/pins/plant-2/related?limit=50&filter=fee<50');
  expect(idsOf(list)).toEqual(['plant-6']);
  const reason = 'The field "fee" is text on 3 pins (as "7,50"); <, <=, > and >= compare numbers only, so these never match.';
  expect(list.degraded).toContainEqual({ code: 'CATALOG_FIELD_TEXT', reason });
  expect((await get('/v1/pins?filter=fee<50')).degraded).toContainEqual(expect.objectContaining({ code: 'CATALOG_FIELD_TEXT' }));
  await post('/v1/pins', { pins: [{ id: 'plant-5', fee: 7.5 }] });
  const mended = await get('/v1/pins/plant-2/related?limit=50&filter=fee<50');
  expect([idsOf(mended).sort(), mended.degraded]).toEqual([
    ['plant-5', 'plant-6'],
    [{ code: 'CATALOG_FIELD_TEXT', reason: expect.stringContaining('text on 2 pins (as "48,00")') }],
  ]);
});

test('a filter by another spelling of a field is a filter by the field', async () => {
  const buyable = idsOf(await get('/v1/pins/plant-2/related?limit=50&filter=buyable=true'));
  expect(buyable.length).toBeGreaterThan(0);
  expect(idsOf(await get('/v1/pins/plant-2/related?limit=50&filter=availability=true'))).toEqual(buyable);
});
