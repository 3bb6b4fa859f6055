/** A pin that somebody hid is in none of their lists from the receipt on, in every process, and in everybody else's as before. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { ListReplyBody } from '../../src/api/routes/list-reply.ts';
import { job as extract } from '../../src/jobs/nets/extract-features.ts';
import { type Server, startServer } from '../../src/server.ts';
import { runJob } from '../run-job.ts';
import { testConfig, worldFolder } from '../world.ts';

let server: Server;

beforeAll(async () => {
  const folder = await worldFolder();
  await runJob(extract, folder);
  server = await startServer({ ...testConfig(folder), port: 0, workers: 2, replyCacheMs: 60_000 }, folder);
}, 180_000);
afterAll(() => server.close(), 60_000);

async function ask<T>(path: string, body?: object): Promise<T> {
  const headers = { connection: 'close', ...(body ? { 'content-type': 'application/json' } : {}) };
  const reply = await fetch(`${server.address}${path}`, body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers });
  const text = await reply.text();
  expect(reply.status, text).toBe(200);
  return JSON.parse(text) as T;
}

/** Every kind of list that a user can ask for, by name; on connections of their own, so that both processes are asked. */
async function listsOf(userId: string): Promise<Record<string, string[]>> {
  const kinds: Record<string, readonly [string, object?]> = {
    closeup: [`/v1/pins/plant-1/related?limit=50&userId=${userId}`],
    feed: [`/v1/users/${userId}/home-feed?limit=50`],
    board: [`/v1/boards/tattoos%20of%20ann/related?limit=50&userId=${userId}`],
    rank: ['/v1/rank', { queryPinId: 'plant-1', pinIds: ['plant-2', 'plant-3', 'tattoo-1'], userId }],
    search: ['/v1/visual-search', { pinId: 'plant-1', limit: 50, userId }],
    lens: ['/v1/lens', { pinId: 'plant-1', limit: 50, userId }],
  };
  const found = Object.entries(kinds).map(async ([kind, [path, body]]) => {
    const replies = await Promise.all([1, 2, 3].map(() => ask<ListReplyBody>(path, body)));
    return [kind, replies.flatMap(({ items }) => items.map(({ pinId }) => pinId))] as const;
  });
  return Object.fromEntries(await Promise.all(found));
}

const naming = (lists: Record<string, string[]>, pinId: string): string[] =>
  Object.keys(lists).filter((kind) => lists[kind].includes(pinId));

test('a hidden pin and its near-duplicates leave every list of that user at once, and come back when it is taken back', async () => {
  await ask('/v1/near-duplicates', { pinIds: ['plant-2', 'tattoo-6'], same: true });
  const before = await listsOf('zoe');
  expect(naming(before, 'plant-2')).toEqual(expect.arrayContaining(['closeup', 'rank', 'search', 'lens']));
  const { recommendationId } = await ask<ListReplyBody>('/v1/pins/plant-1/related?limit=50&userId=zoe');
  // With several processes, an event may come before its list is in the log: it is then kept apart, and counts all the same.
  const send = async (eventId: string, more: object): Promise<void> => {
    const event = { eventId, recommendationId, pinId: 'plant-2', userId: 'zoe', ...more };
    const receipt = await ask<{ written: number; keptApart: number; rejected: object }>('/v1/events', { events: [event] });
    expect([receipt.written + receipt.keptApart, receipt.rejected]).toEqual([1, {}]);
  };
  // A clock that is a day ahead hides now, too.
  await send('h1', { type: 'hide', reason: 'not for me', at: Date.now() + 86_400_000 });
  const after = await listsOf('zoe');
  for (const pinId of ['plant-2', 'tattoo-6']) expect(naming(after, pinId)).toEqual([]);
  expect(naming(after, 'plant-3')).toEqual(expect.arrayContaining(['closeup', 'rank', 'search', 'lens']));
  expect(naming(await listsOf('yan'), 'plant-2')).toEqual(naming(before, 'plant-2'));
  const { hidden } = await ask<{ hidden: object[] }>('/v1/users/zoe/hidden');
  expect(hidden).toEqual([{ pinId: 'plant-2', at: expect.any(Number) as number, reason: 'not for me', title: 'plant number 2' }]);
  await send('h2', { type: 'unhide' });
  expect(naming(await listsOf('zoe'), 'plant-2')).toEqual(naming(before, 'plant-2'));
  expect(await ask('/v1/users/zoe/hidden')).toEqual({ hidden: [] });
});

test('a pin that is hidden between two pages is not on the second, and no longer speaks in a feed', async () => {
  const first = await ask<ListReplyBody>('/v1/pins/plant-1/related?limit=2&userId=max');
  const second = `/v1/pins/plant-1/related?limit=50&userId=max&cursor=${first.nextCursor}`;
  const later = (await ask<ListReplyBody>(second)).items[0].pinId;
  const event = { recommendationId: first.recommendationId, userId: 'max', pinId: later };
  const tell = (more: object) => ask('/v1/events', { events: [{ ...event, ...more }] });
  await tell({ eventId: 'm1', type: 'save' });
  const missing = async () => (await ask<ListReplyBody>('/v1/users/max/home-feed')).missing;
  await vi.waitFor(async () => expect(await missing()).not.toContain('history'), { timeout: 10_000 });
  await tell({ eventId: 'm2', type: 'hide' });
  expect((await ask<ListReplyBody>(second)).items.map(({ pinId }) => pinId)).not.toContain(later);
  expect(await missing()).toContain('history');
});
