import Fastify from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FieldsOf, fieldReader } from '../../src/api/routes/item-fields.ts';
import { listOptions } from '../../src/api/routes/list-options.ts';
import { listReply, usualText } from '../../src/api/routes/list-reply.ts';
import { buildApp } from '../../src/api/shell/app.ts';
import type { App } from '../../src/api/routes/routes.ts';
import { ListReply, replies } from '../../src/api/schemas.ts';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { PIN_IMAGE_FAILED } from '../../src/catalog/pins/pin-columns.ts';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';
import { relatedPins } from '../../src/related-pins.ts';
import { type Context, openContext } from '../../src/service/context.ts';
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

test('cards are the same by name and as text, with and without a picture that can be shown', async () => {
  const title = 'says "image":null and "items":[ \\ \u2028';
  const rows = [
    { id: 'a "quoted" id', title, image: 'https://example.org/a.jpg' },
    { id: 'local/one', title, image: 'one.jpg', link: 'https://example.org/one' },
    { id: 'failed', title, image: 'https://example.org/failed.jpg' },
    { id: 'bare' },
  ];
  upsertBatch(context.catalog, 'pins', rows, { now: Date.now(), folders: { images: folder, data: folder } });
  await context.refresh();
  const added = rows.map(({ id }) => context.pins.indexOf(id));
  expect(added).not.toContain(-1);
  // What looks at the pictures in the background may have met them already.
  for (const pin of added.slice(0, 2)) context.pins.flags[pin] &= ~PIN_IMAGE_FAILED;
  context.pins.flags[added[2]] |= PIN_IMAGE_FAILED;
  const all = [...added, ...Array.from({ length: 20 }, (_, pin) => pin)];
  const byName = fieldReader(context, 'title,image,link') as FieldsOf;
  const cards = fieldReader(context, undefined) as FieldsOf;
  expect(byName.texts).toBeUndefined();
  for (let time = 0; time < 2; time++) expect(cards.texts?.(all)).toEqual(byName(all).map((fields) => JSON.stringify(fields)));
  expect(cards(all)).toEqual(byName(all));
  expect(cards(added).map(({ image }) => image)).toEqual(['https://example.org/a.jpg', '/v1/pins/local%2Fone/image', null, null]);
});

test('the text of a usual reply is that of its record, whatever stands in it', async () => {
  const options = { ...listOptions(context, { limit: 8 }, { surface: 'closeup', pinIndex: 0 }), recommendationId: '"items":[]' };
  const served = await relatedPins(context.parts, 0, options);
  const fieldsOf = fieldReader(context, undefined) as FieldsOf;
  const { sourceNames } = served.candidates;
  const sourceScores = served.candidates.sourceScores.slice();
  sourceScores.fill(Number.NaN, 0, sourceNames.length);
  sourceScores[sourceNames.length] = -0;
  const scores = served.scores.slice();
  [scores[served.page[0]], scores[served.page[1]]] = [Number.POSITIVE_INFINITY, -0];
  const odd = { ...served, scores, candidates: { ...served.candidates, sourceScores }, firstPosition: 9, missing: ['"items":[]'] };
  expect(served.page.length).toBeGreaterThan(2);
  for (const list of [served, odd, { ...served, page: new Int32Array(0) }])
    expect(usualText(list, context.pins, fieldsOf.texts as NonNullable<FieldsOf['texts']>)).toBe(
      JSON.stringify(listReply(list, context.pins, fieldsOf)),
    );
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
