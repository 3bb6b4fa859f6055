import Fastify from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildApp } from '../../src/api/shell/app.ts';
import type { App } from '../../src/api/routes/routes.ts';
import { ListReply, replies } from '../../src/api/schemas.ts';
import { fieldReader } from '../../src/api/routes/item-fields.ts';
import { listReply } from '../../src/api/routes/list-reply.ts';
import { usualText } from '../../src/api/routes/list-text.ts';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { plainOptions } from '../../src/lists/serve-list.ts';
import type { RankedList } from '../../src/lists/ranked-list.ts';
import { newId } from '../../src/math/random.ts';
import { rankPins, relatedPins } from '../../src/related-pins.ts';
import { testConfig, worldFolder } from '../world.ts';

let folder: string;
let context: Context;
let app: App;

beforeAll(async () => {
  folder = await worldFolder();
  context = await openContext(testConfig(folder), folder, { lock: true });
  app = await buildApp(context);
});
afterAll(async () => {
  await app.close();
  await context.close();
});

/** What the serializer made from the schema gives for a reply. */
async function bySchema(text: string): Promise<string> {
  const plain = Fastify();
  plain.get('/', { schema: { response: replies(ListReply) } }, async () => JSON.parse(text) as object);
  return (await plain.inject('/')).payload;
}

const composed = encodeURIComponent(
  JSON.stringify({ grades: { hide: -1, save: 1, longClick: 0.7, click: 0.5, closeup: 0.3, seen: 0 }, model: null }),
);

test('list replies have the bytes of the serializer made from their schema', async () => {
  for (const url of [
    '/v1/pins/plant-1/related?userId=ann',
    '/v1/pins/plant-1/related?limit=2&fields=',
    '/v1/pins/plant-1/related?explain=true',
    `/v1/pins/plant-1/related?treatment=${composed}`,
    '/v1/users/nobody/home-feed',
  ]) {
    const { payload, headers, statusCode } = await app.inject(url);
    expect(statusCode).toBe(200);
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
    expect(JSON.parse(payload)).toMatchObject({ items: expect.arrayContaining([expect.anything()]) as unknown });
    expect(payload).toBe(await bySchema(payload));
  }
});

test('a card shows what its pin says now, whichever process changed it', async () => {
  const titles = async (): Promise<Record<string, unknown>> => {
    const { items } = (await app.inject('/v1/pins/plant-1/related')).json<{ items: { pinId: string; fields: { title: string } }[] }>();
    return Object.fromEntries(items.map(({ pinId, fields }) => [pinId, fields.title]));
  };
  const before = await titles();
  const [first, second] = Object.keys(before);
  const options = { now: Date.now(), folders: { images: folder, data: folder } };
  const retitle = (catalog: Parameters<typeof upsertBatch>[0], id: string, title: string): void => {
    upsertBatch(catalog, 'pins', [{ id, title }], options);
  };
  retitle(context.catalog, first, 'changed here');
  expect(await titles()).toEqual({ ...before, [first]: 'changed here' });
  const elsewhere = openCatalog(folder);
  retitle(elsewhere, second, 'changed elsewhere');
  elsewhere.close();
  expect(await titles()).toEqual({ ...before, [first]: 'changed here', [second]: 'changed elsewhere' });
});

/** What the usual text stands for: records with fields that are read from the database. */
function plainText(list: RankedList): string {
  return JSON.stringify(listReply(list, context.pins, fieldReader(context, ['title', 'image', 'link'])));
}

const options = (limit: number) => plainOptions({ recommendationId: newId(), now: Date.now(), limit });
const put = (rows: readonly Record<string, unknown>[]): Promise<void> => {
  upsertBatch(context.catalog, 'pins', rows, { now: Date.now(), folders: { images: folder, data: folder } });
  return context.refresher.now();
};

test('the usual text is that of the records: letters of all kinds, pins without fields, pictures of elsewhere, several sources', async () => {
  await put([
    { id: 'plant-2', title: 'a "quoted" line\nand \\ more' },
    { id: 'plant-3', title: 'Grün, 植物, 🌱', image: 'https://images.example/3.jpg' },
    { id: 'plant/4 ü', title: 'plant number 4', annotations: { plant: 1 } },
    { id: 'bare', annotations: { plant: 1 } },
  ]);
  const texts = new Set<string>();
  for (const limit of [1, 5, 25]) {
    const list = await relatedPins(context.parts, context.pins.indexOf('plant-1'), options(limit));
    const text = usualText(context, list);
    expect(text).toBe(plainText(list));
    // Again, from cards that are kept.
    expect(usualText(context, list)).toBe(text);
    texts.add(text);
  }
  expect(texts.size).toBe(3);
  const whole = [...texts][2];
  for (const part of ['Grün, 植物, 🌱', '"bare"', '"title":null', 'https://images.example/3.jpg', 'board-cooccurrence', 'plant/4 ü'])
    expect(whole).toContain(part);
});

test('a card follows its picture: the address is gone once the picture cannot be read', async () => {
  const list = await relatedPins(context.parts, context.pins.indexOf('plant-1'), options(25));
  expect(usualText(context, list)).toContain('/v1/pins/plant-5/image');
  const image = context.catalog.pins.imagesNeeded().find(({ pinIndex }) => pinIndex === context.pins.indexOf('plant-5'));
  context.catalog.pins.noteImages([{ ...(image as NonNullable<typeof image>), failure: 'truncated' }]);
  await context.refresher.now();
  expect(usualText(context, list)).toBe(plainText(list));
  expect(usualText(context, list)).not.toContain('/v1/pins/plant-5/image');
});

test('a page of very long cards, more than are kept at once, is whole', async () => {
  const long = Array.from({ length: 450 }, (_, i) => ({ id: `long-${i}`, title: `${i} ${'\u0001'.repeat(4000)}` }));
  await put(long);
  const given = Int32Array.from(long, ({ id }) => context.pins.indexOf(id));
  const list = await rankPins(context.parts, context.pins.indexOf('plant-1'), given, options(450));
  const text = usualText(context, list);
  expect(text.length).toBeGreaterThan(10 << 20);
  expect(text === plainText(list)).toBe(true);
  const { of } = fieldReader(context, undefined) as NonNullable<ReturnType<typeof fieldReader>>;
  const titles = of([...given]).map(({ title }) => title);
  expect(titles).toEqual(long.map(({ title }) => title));
});
