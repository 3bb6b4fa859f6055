import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ListReplyBody } from '../../src/api/routes/list-reply.ts';
import { type Server, startServer } from '../../src/server.ts';
import { testConfig, worldFolder } from '../world.ts';

let server: Server;
const readers: Worker[] = [];
const noted = (thread: Worker): void => {
  if (thread.threadName?.startsWith('reader-')) readers.push(thread);
};

beforeAll(async () => {
  process.on('worker', noted);
  const folder = await worldFolder();
  server = await startServer({ ...testConfig(folder), port: 0, workers: 2 }, folder);
}, 120_000);
afterAll(async () => {
  process.off('worker', noted);
  await server.close();
}, 60_000);

const get = async (path: string): Promise<Response> => fetch(`${server.address}${path}`, { headers: { connection: 'close' } });
const list = async (path: string): Promise<ListReplyBody> => (await (await get(path)).json()) as ListReplyBody;

/** What another thread has written is there after a moment. */
async function soon<T>(look: () => T | null | Promise<T | null>): Promise<T> {
  for (let tries = 0; tries < 200; tries++) {
    const found = await look();
    if (found !== null) return found;
    await new Promise((again) => setTimeout(again, 50));
  }
  throw new Error('it did not come');
}

test('lists of every reading thread are the same, and stand in the one log', async () => {
  const lists = await Promise.all(Array.from({ length: 8 }, () => list('/v1/pins/plant-1/related?limit=4')));
  for (const { items } of lists) expect(items.map(({ pinId }) => pinId)).toEqual(lists[0].items.map(({ pinId }) => pinId));
  for (const { recommendationId, items } of lists) {
    const logged = await soon(() => server.context.log.lists.find(recommendationId));
    expect(logged.items.rows.rows).toBeGreaterThanOrEqual(items.length);
    expect(logged.items.rows.names).toContain('fc6-similarity');
  }
});

test('what is not a list is answered by the writing thread: events, own lists, the pages', async () => {
  const { recommendationId, items } = await list('/v1/pins/plant-2/related?limit=2');
  await soon(() => server.context.log.lists.find(recommendationId));
  const events = [{ eventId: 'e1', type: 'click', recommendationId, pinId: items[0].pinId }];
  const post = (path: string, body: object) =>
    fetch(`${server.address}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  expect(await (await post('/v1/events', { events })).json()).toMatchObject({ read: 1, written: 1 });
  const own = (await (await post('/v1/rank', { queryPinId: 'plant-1', pinIds: ['tattoo-1', 'plant-2'] })).json()) as ListReplyBody;
  expect(own.items).toHaveLength(2);
  expect((await get('/health/ready')).status).toBe(200);
  expect(await (await get('/')).text()).toContain('<html');
  expect((await get('/v1/nothing')).status).toBe(404);
});

// The writing thread closed in the middle of the body, and one caller in five heard 503, after which one asks again.
test('a body that is too large or goes nowhere is refused for what it is, however often', async () => {
  const statuses = async (path: string, times: number): Promise<number[]> => {
    const send = { method: 'POST', headers: { 'content-type': 'application/json' }, body: ' '.repeat(9 * 2 ** 20) };
    const found: number[] = [];
    for (let i = 0; i < times; i++) found.push((await fetch(`${server.address}${path}`, send)).status);
    return [...new Set(found)];
  };
  expect(await statuses('/v1/events', 20)).toEqual([413]);
  expect(await statuses('/v1/nowhere', 20)).toEqual([404]);
});

test('a pin that comes is known to every reading thread after a moment', async () => {
  const body = JSON.stringify({ pins: [{ id: 'newcomer', title: 'green plant', annotations: { fern: 1 } }] });
  await fetch(`${server.address}/v1/pins`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  await soon(async () => {
    const replies = await Promise.all(Array.from({ length: 6 }, () => get('/v1/pins/newcomer/related')));
    return replies.every(({ status }) => status === 200) ? true : null;
  });
});

test('a port that is taken is refused with the way out, by one thread and by several', async () => {
  const port = Number(new URL(server.address).port);
  for (const workers of [1, 2]) {
    const folder = await worldFolder();
    const second = startServer({ ...testConfig(folder), port, workers }, folder);
    await expect(second).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('choose another --port') as string,
    });
  }
});

test('metrics are those of all threads', async () => {
  const served = async (): Promise<number> =>
    Number(/related_pins_lists_total\{surface="closeup"\} (\d+)/.exec(await (await get('/metrics')).text())?.[1] ?? 0);
  await soon(async () => ((await served()) >= 9 ? true : null));
});

test('a reader that ends is replaced in its place; meanwhile the other one answers', async () => {
  expect(readers).toHaveLength(2);
  await readers[0].terminate();
  for (let i = 0; i < 20; i++) expect((await get('/v1/pins/plant-1/related?limit=2')).status).toBe(200);
  await soon(() => (readers.length === 3 ? true : null));
  // It listens: when the other one is gone, it answers.
  const answers = (): Promise<true | null> =>
    get('/v1/pins/plant-1/related?limit=2').then(
      ({ ok }) => ok || null,
      () => null,
    );
  await new Promise<void>((listens) => readers[2].on('message', ({ kind }: { kind: string }) => kind === 'listening' && listens()));
  await readers[1].terminate();
  expect(await answers()).toBe(true);
});
