import { cpSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildApp } from '../../src/api/shell/app.ts';
import { listOptions } from '../../src/api/routes/list-options.ts';
import type { ListReplyBody } from '../../src/api/routes/list-reply.ts';
import { ReplyCache } from '../../src/api/routes/reply-cache.ts';
import type { App } from '../../src/api/routes/routes.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { HAS_REDIS, startRedis } from '../../torture/redis-server.ts';
import { temporaryFolder, testConfig, worldFolder } from '../world.ts';

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

// Whatever could not be read was an error of each closeup until its time had passed.
test('what is no kept reply is a miss: foreign, cut, or of another release', async () => {
  const url = '/v1/pins/plant-4/related?limit=3';
  const first = await get(url);
  const pinIndex = context.pins.indexOf('plant-4');
  const key = new ReplyCache(context).keyOf(pinIndex, listOptions(context, { limit: 3 }, { surface: 'closeup', pinIndex })) ?? '';
  const { cache } = context.hot;
  const good = await cache.get(key);
  if (!good) throw new Error('the closeup was not kept');
  const odd = [Buffer.alloc(0), Buffer.from('foreign'), Buffer.alloc(200, 0xff), good.subarray(0, 60), good.subarray(0, -4)];
  const older = Buffer.from(good.toString('latin1').replace('"rowsBytes"', '"moreBytes"'), 'latin1');
  for (const bytes of [...odd, older]) {
    await cache.set(key, bytes, 60_000);
    expect((await app.inject(url)).statusCode).toBe(200);
    expect((await get(url)).items).toEqual(first.items);
    expect(await cache.get(key)).not.toEqual(bytes);
  }
});

describe.skipIf(!HAS_REDIS)('on one Redis (skipped where there is no redis-server)', { retry: 2 }, () => {
  // Builds were named by their number and models by their name, which every folder begins to count at one.
  test("folders with other saves are not answered with each other's lists, copies of one are", async () => {
    const redis = await startRedis();
    const opened: { context: Context; app: App }[] = [];
    const open = async (folder: string): Promise<App> => {
      const config = testConfig(folder, { replyCacheMs: 60_000, redisUrl: redis.url });
      const one = await openContext(config, folder, { lock: true });
      await expect.poll(() => one.degraded, { timeout: 10_000 }).toEqual([]);
      const made = await buildApp(one);
      opened.push({ context: one, app: made });
      return made;
    };
    const idsOf = async (of: App): Promise<string[]> => {
      const { items } = (await of.inject('/v1/pins/plant-1/related?limit=3')).json<ListReplyBody>();
      return items.map(({ pinId }) => pinId);
    };
    const folder = await worldFolder();
    const saves = ['plant-1', 'tattoo-1', 'tattoo-2', 'tattoo-3'].map((pinId) => ({
      pinId,
      boardId: 'plants of ann',
      at: Date.UTC(2026, 1, 1),
    }));
    const [one, other] = [await open(folder), await open(await worldFolder({ saves }))];
    const copy = temporaryFolder();
    cpSync(folder, copy, { recursive: true, filter: (path) => !path.includes('lock') });
    const twin = await open(copy);
    const kept = await idsOf(one);
    expect(kept.every((id) => id.startsWith('plant'))).toBe(true);
    expect((await idsOf(other)).some((id) => id.startsWith('tattoo'))).toBe(true);
    // The reply is kept behind its answer.
    await new Promise((later) => setTimeout(later, 100));
    const { hits } = opened[2].context.hot.cache.state();
    expect(await idsOf(twin)).toEqual(kept);
    expect(opened[2].context.hot.cache.state().hits).toBe(hits + 1);
    for (const each of opened) {
      await each.app.close();
      await each.context.close();
    }
    await redis.stop();
  });
});

test('a pin that was taken out is gone at once', async () => {
  const url = '/v1/pins/tattoo-1/related?limit=2';
  const [gone] = (await get(url)).items;
  context.catalog.removals.removePins([context.pins.indexOf(gone.pinId)], Date.now());
  await context.refresh();
  expect((await get(url)).items.map((item) => item.pinId)).not.toContain(gone.pinId);
});
