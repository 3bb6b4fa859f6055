import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildApp } from '../../src/api/app.ts';
import type { ListReplyBody } from '../../src/api/list-reply.ts';
import type { App } from '../../src/api/routes.ts';
import { type Context, openContext } from '../../src/context.ts';
import { testConfig, worldFolder } from '../world.ts';

let context: Context;
let app: App;

beforeAll(async () => {
  const folder = await worldFolder();
  context = await openContext({ ...testConfig(folder), replyCacheMs: 60_000, shuffledShare: 0 }, folder, { lock: true });
  app = await buildApp(context);
});
afterAll(async () => {
  await app.close();
  await context.close();
});

const get = async (url: string): Promise<ListReplyBody> => (await app.inject(url)).json<ListReplyBody>();
const hits = (): number => context.hot.cache.state().hits;
const logged = async (id: string) => {
  await new Promise((sent) => setImmediate(sent));
  context.log.commit.flush();
  return context.log.lists.find(id);
};

test('a kept closeup is the same list under an id of its own, and is logged like the first', async () => {
  const url = '/v1/pins/plant-1/related?limit=3';
  const first = await get(url);
  const before = hits();
  const second = await get(url);
  expect(hits()).toBe(before + 1);
  expect(second.recommendationId).not.toBe(first.recommendationId);
  expect({ ...second, recommendationId: '' }).toEqual({ ...first, recommendationId: '' });
  const [made, kept] = [await logged(first.recommendationId), await logged(second.recommendationId)];
  expect(kept?.items).toEqual(made?.items);
  expect(kept?.items.rows.rows).toBeGreaterThanOrEqual(3);
  expect(kept).toMatchObject({
    queryPinIndex: made?.queryPinIndex,
    modelVersion: made?.modelVersion,
    treatment: made?.treatment,
    shuffled: false,
  });
});

test('what is asked otherwise is another list', async () => {
  const before = hits();
  const [three, four] = [await get('/v1/pins/plant-2/related?limit=3'), await get('/v1/pins/plant-2/related?limit=4')];
  expect([three.items.length, four.items.length]).toEqual([3, 4]);
  for (const item of (await get('/v1/pins/plant-2/related?limit=3&buyable=true')).items) expect(Number(item.pinId.at(-1)) % 2).toBe(0);
  expect(hits()).toBe(before);
});

test('pages, explanations, exclusions and people with a past are not answered from the cache', async () => {
  const first = await get('/v1/pins/plant-3/related?limit=2');
  const before = hits();
  const next = await get(`/v1/pins/plant-3/related?limit=2&cursor=${first.nextCursor}`);
  expect(next.items[0].position).toBe(3);
  expect((await get('/v1/pins/plant-3/related?limit=2&explain=true')).items[0].terms?.length).toBeGreaterThan(0);
  expect((await get(`/v1/pins/plant-3/related?limit=2&exclude=${first.items[0].pinId}`)).items[0].pinId).not.toBe(first.items[0].pinId);
  expect((await get('/v1/pins/plant-3/related?limit=2&userId=ann-plant')).items).toHaveLength(2);
  expect(hits()).toBe(before);
});

test('a pin that was taken out is gone at once', async () => {
  const url = '/v1/pins/tattoo-1/related?limit=2';
  const [gone] = (await get(url)).items;
  context.catalog.pins.remove([context.pins.indexOf(gone.pinId)]);
  await context.refresh();
  expect((await get(url)).items.map((item) => item.pinId)).not.toContain(gone.pinId);
});
