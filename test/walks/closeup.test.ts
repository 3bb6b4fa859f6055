import { beforeAll, afterAll, describe, expect, test } from 'vitest';
import { buildApp } from '../../src/api/shell/app.ts';
import type { ListReplyBody } from '../../src/api/routes/list-reply.ts';
import type { App } from '../../src/api/routes/routes.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { tasteOf, testConfig, worldFolder } from '../world.ts';

let context: Context;
let app: App;

beforeAll(async () => {
  const folder = await worldFolder();
  context = await openContext(testConfig(folder), folder, { lock: true });
  app = await buildApp(context);
});
afterAll(async () => {
  await app.close();
  await context.close();
});

const get = async (url: string): Promise<ListReplyBody> => {
  const reply = await app.inject(url);
  expect(reply.statusCode, reply.body).toBe(200);
  return reply.json<ListReplyBody>();
};
const idsOf = (list: ListReplyBody): string[] => list.items.map((item) => item.pinId);

describe('a closeup', () => {
  test('answers with pins of the same taste first, never with the query', async () => {
    const list = await get('/v1/pins/plant-1/related?limit=4');
    expect(idsOf(list).map(tasteOf)).toEqual(Array(4).fill('plant'));
    expect(idsOf(list)).not.toContain('plant-1');
    expect(list.items.map((item) => item.position)).toEqual([1, 2, 3, 4]);
    expect(list).toMatchObject({ modelVersion: 'starter', arm: null, degraded: [] });
    expect(list.items[0].sources.map((source) => source.name)).toContain('board-cooccurrence');
  });

  test('answers for a pin on no board from its words, and says what is missing', async () => {
    const list = await get('/v1/pins/plant-6/related?limit=3');
    expect(idsOf(list).map(tasteOf)).toEqual(['plant', 'plant', 'plant']);
    expect(list.missing).toContain('boards');
    expect(list.items[0].sources.map((source) => source.name)).toContain('annotations');
  });

  test('explains every score to the bit', async () => {
    const list = await get('/v1/pins/tattoo-2/related?explain=true&limit=50');
    expect(list.items.length).toBeGreaterThanOrEqual(5);
    for (const { terms = [], score } of list.items) {
      expect(terms.reduce((sum, term) => sum + term.contribution, 0)).toBe(score);
    }
  });

  test('pages never repeat', async () => {
    const seen: string[] = [];
    let cursor: string | null = null;
    let positions = 0;
    do {
      const list: ListReplyBody = await get(`/v1/pins/plant-2/related?limit=3${cursor ? `&cursor=${cursor}` : ''}`);
      seen.push(...idsOf(list));
      for (const item of list.items) expect(item.position).toBe(++positions);
      cursor = list.nextCursor;
    } while (cursor);
    expect(seen.length).toBeGreaterThanOrEqual(5);
    expect(new Set(seen).size).toBe(seen.length);
  });

  test('filters: category, buyable, exclude', async () => {
    expect(new Set(idsOf(await get('/v1/pins/plant-1/related?category=gardening')).map(tasteOf))).toEqual(new Set(['plant']));
    for (const id of idsOf(await get('/v1/pins/plant-1/related?buyable=true'))) expect(Number(id.at(-1)) % 2).toBe(0);
    const without = idsOf(await get('/v1/pins/plant-1/related?exclude=plant-2,plant-3,unknown'));
    expect(without).not.toContain('plant-2');
    expect(without.length).toBeGreaterThan(2);
  });

  test('is logged behind the reply: raw rows of what was returned and of some that were not', async () => {
    const list = await get('/v1/pins/plant-1/related?limit=2&userId=dora');
    await expect.poll(() => context.log.lists.find(list.recommendationId), { timeout: 5000 }).not.toBeNull();
    const logged = context.log.lists.find(list.recommendationId);
    expect(logged).toMatchObject({ surface: 'closeup', userId: 'dora', modelVersion: 'starter', forced: false });
    expect([...(logged?.items.positions ?? [])].filter((position) => position > 0)).toEqual([1, 2]);
    expect(logged?.items.count).toBe(5);
    expect(logged?.items.rows.names).toContain('cooccurrence-score');
    const ids = [...(logged?.items.pinIndexes ?? [])].slice(0, 2).map((pin) => context.pins.idOf(pin));
    expect(ids).toEqual(idsOf(list));
  });

  test('a forced treatment is marked and kept out of training', async () => {
    const list = await get('/v1/pins/plant-1/related?treatment=variant-c');
    expect(list.treatment).toMatchObject({ visualFrom: 'image', whenDominantObject: { visualWeightFactor: 5 } });
    await expect.poll(() => context.log.lists.find(list.recommendationId), { timeout: 5000 }).not.toBeNull();
    expect(context.log.lists.find(list.recommendationId)?.forced).toBe(true);
    const only = await get(`/v1/pins/plant-1/related?treatment=${encodeURIComponent('{"sources":["annotations"]}')}`);
    expect(new Set(only.items.flatMap((item) => item.sources.map((source) => source.name)))).toEqual(new Set(['annotations']));
  });
});

test('a home feed comes from the history, without what was saved; a stranger gets what is popular', async () => {
  const feed = await get('/v1/users/ann-plant/home-feed?limit=2');
  expect(idsOf(feed).map(tasteOf)).toEqual(['plant', 'plant']);
  const saved = new Set(context.catalog.saves.ofUser(context.catalog.users.indexOf('ann-plant')).map((save) => save.pinIndex));
  for (const id of idsOf(feed)) expect(saved.has(context.pins.indexOf(id))).toBe(false);
  const stranger = await get('/v1/users/nobody/home-feed?limit=5');
  expect(stranger.items).toHaveLength(5);
  expect(stranger.missing).toEqual(['history']);
});

// Somebody who had been shown all of a small catalogue got an empty feed from then on.
test('who looks through all of a small catalogue is shown first what was shown longest ago', async () => {
  const shown: string[][] = [];
  for (let visit = 0; visit < 8; visit++) {
    const feed = await get('/v1/users/looker/home-feed?limit=3');
    await expect.poll(() => context.log.lists.find(feed.recommendationId), { timeout: 5000 }).not.toBeNull();
    const events = feed.items.map(({ pinId, position }) => ({
      ...{ eventId: `seen-${visit}-${position}`, type: 'impression', userId: 'looker', position },
      ...{ recommendationId: feed.recommendationId, pinId },
    }));
    const reply = await app.inject({ method: 'POST', url: '/v1/events', payload: { events } });
    expect(reply.json()).toMatchObject({ written: 3 });
    shown.push(idsOf(feed));
  }
  const half = context.pins.count / 2;
  expect(half).toBe(6);
  shown.forEach((pins, visit) => {
    expect(pins).toHaveLength(3);
    // Nothing of the two feeds before, which were half of all.
    for (const before of shown.slice(Math.max(0, visit - 2), visit)) expect(before.filter((id) => pins.includes(id))).toEqual([]);
  });
});

test("a caller's own list is ordered whole, and unknown pins are named", async () => {
  const pinIds = ['tattoo-1', 'plant-3', 'tattoo-2', 'plant-4', 'no-such-pin'];
  const reply = await app.inject({ method: 'POST', url: '/v1/rank', payload: { queryPinId: 'plant-1', pinIds, explain: true } });
  const list = reply.json<ListReplyBody>();
  expect(idsOf(list).sort()).toEqual(pinIds.slice(0, 4).sort());
  expect(list.degraded).toEqual([{ code: 'CATALOG_PIN_UNKNOWN', reason: expect.stringContaining('no-such-pin') }]);
});
