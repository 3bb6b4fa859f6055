import Fastify from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildApp } from '../../src/api/shell/app.ts';
import type { App } from '../../src/api/routes/routes.ts';
import { ListReply, replies } from '../../src/api/schemas.ts';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';
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
