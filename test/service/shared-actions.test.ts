import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { CACHE_KEYS, cacheOn, memoryCache, RedisLink } from '../../src/cache.ts';
import type { PinColumns } from '../../src/catalog/pins/pin-columns.ts';
import { userNaming } from '../../src/catalog/pins/user-pseudonym.ts';
import { redisStream } from '../../src/event-stream.ts';
import { memoryStream } from '../contracts/memory-stream.ts';
import { eraseShared, SharedActions, WAITING_MAX } from '../../src/service/shared-actions.ts';
import { freePort, HAS_REDIS, redisCommand, startRedis } from '../../torture/redis-server.ts';

/** Two processes number the same pins differently. */
const pinsOf = (...ids: string[]): PinColumns =>
  ({ idOf: (index: number) => ids[index], indexOf: (id: string) => ids.indexOf(id) }) as unknown as PinColumns;

function twoProcesses(userKey = '') {
  const [cache, stream] = [memoryCache(1 << 20), memoryStream()];
  const nameUser = userNaming(userKey);
  const here = new SharedActions(cache, stream, pinsOf('a', 'b', 'c'), nameUser);
  const there = new SharedActions(cache, stream, pinsOf('c', 'x', 'a'), nameUser);
  return { cache, stream, nameUser, here, there };
}

const event = (pinIndex: number, at: number, type: 'save' | 'click' | 'impression' = 'save') =>
  ({ eventId: `e${at}`, type, recommendationId: 'r', pinIndex, position: 1, userId: 'ann', at }) as const;

describe('what users do, shared', () => {
  it('is known in another process, newest first, by its own numbers of pins', async () => {
    const { here, there } = twoProcesses();
    here.publish([event(0, 1000), event(1, 1500), event(2, 2000, 'click'), event(1, 2500, 'impression')]);
    expect(await there.consume()).toBe(3);
    await there.bring('ann');
    expect(there.of('ann')).toEqual([
      { pinIndex: 0, type: 'click', at: 2000 },
      { pinIndex: 2, type: 'save', at: 1000 },
    ]);
    expect(there.of('bob')).toEqual([]);
    expect(await here.lag()).toBe(0);
  });

  it('stands under the stored name of the user', async () => {
    const { cache, here, there, nameUser } = twoProcesses('a secret of some length');
    here.publish([event(0, 1000)]);
    await there.consume();
    expect(await cache.list(CACHE_KEYS.actions.key('ann'))).toEqual([]);
    const [stored] = (await cache.list(CACHE_KEYS.actions.key(nameUser('ann')))) ?? [];
    expect(stored.toString()).not.toContain('ann');
    await there.bring('ann');
    expect(there.of('ann')).toHaveLength(1);
  });

  it('is erased from the list and from the stream', async () => {
    const { cache, stream, here, there } = twoProcesses();
    here.publish([event(0, 1000)]);
    await there.consume();
    here.publish([event(2, 2000), { ...event(2, 3000), userId: 'bob' }]);
    expect(await eraseShared(cache, stream, 'ann')).toBe(1);
    expect(await there.consume()).toBe(1);
    await there.bring('ann');
    expect(there.of('ann')).toEqual([]);
  });

  it('stays of everybody else when one is erased, also of those whose ids begin alike', async () => {
    const { cache, stream, here, there } = twoProcesses();
    here.publish([event(0, 1000), { ...event(2, 3000), userId: 'anna' }]);
    await there.consume();
    await eraseShared(cache, stream, 'ann');
    await there.bring('anna');
    expect(there.of('anna')).toHaveLength(1);
  });

  it('passes over what is not one of ours', async () => {
    const { stream, there } = twoProcesses();
    await stream.publish([Buffer.from('{'), Buffer.from('{"userId": 1}'), Buffer.from('null')]);
    expect(await there.consume()).toBe(3);
    expect(await there.lag()).toBe(0);
  });
});

async function linked(url: string): Promise<RedisLink> {
  const link = new RedisLink(url);
  for (let round = 0; round < 250 && link.reason !== null; round++) await wait(20);
  return link;
}

// An answer of Redis that takes longer than the patience is given up: on a busy machine the question is put again.
describe.skipIf(!HAS_REDIS)('what users do, on a Redis that is full (skipped where there is no redis-server)', { retry: 2 }, () => {
  // What could not be laid into a list was acknowledged all the same, and gone.
  it('waits in the stream until there is room', async () => {
    const redis = await startRedis();
    const link = await linked(redis.url);
    const cache = cacheOn(link);
    const stream = redisStream(link, await linked(redis.url), 'reader');
    const actions = new SharedActions(cache, stream, pinsOf('a', 'b', 'c'), userNaming(''));
    // Makes the group, which a full server would not.
    expect(await actions.consume()).toBe(0);
    await stream.publish([
      Buffer.from(JSON.stringify({ userId: 'ann', pinId: 'a', type: 'save', at: 1000 })),
      Buffer.from('nothing of ours'),
    ]);
    await redisCommand(redis.port, 'CONFIG SET maxmemory 1');
    expect(await actions.consume()).toBe(1);
    expect(await actions.lag()).toBe(1);
    await redisCommand(redis.port, 'CONFIG SET maxmemory 0');
    const [id] = /\d+-\d+/.exec(await redisCommand(redis.port, 'XPENDING rp:events related-pins')) ?? [''];
    // As if ten seconds had passed.
    await redisCommand(redis.port, `XCLAIM rp:events related-pins reader 0 ${id} IDLE 20000 JUSTID`);
    expect(await actions.consume()).toBe(1);
    expect(await actions.lag()).toBe(0);
    await actions.bring('ann');
    expect(actions.of('ann')).toHaveLength(1);
    await actions.close();
    await cache.close();
    await redis.stop();
  });
});

// While Redis was silent for half a second, what somebody hid was never told to the other machines.
it.skipIf(!HAS_REDIS)(
  'what happens while Redis is away comes when it is back, up to a bound (skipped where there is no redis-server)',
  async () => {
    const port = await freePort();
    const link = new RedisLink(`redis://127.0.0.1:${port}`);
    const cache = cacheOn(link);
    const reading = new RedisLink(`redis://127.0.0.1:${port}`);
    const actions = new SharedActions(cache, redisStream(link, reading, 'reader'), pinsOf('a', 'b', 'c'), userNaming(''));
    actions.publish(Array.from({ length: WAITING_MAX + 2 }, (_, at) => event(0, at)));
    expect(actions.unpublished).toBe(2);
    const redis = await startRedis(port);
    const length = async (): Promise<number> => Number(/\d+/.exec(await redisCommand(port, 'XLEN rp:events'))?.[0]);
    for (let round = 0; round < 500 && (await length()) < WAITING_MAX; round++) await wait(50);
    expect(await length()).toBe(WAITING_MAX);
    expect(await redisCommand(port, 'XREVRANGE rp:events + - COUNT 1')).toContain(`"at":${WAITING_MAX - 1}`);
    await actions.close();
    await cache.close();
    await redis.stop();
  },
);

// A pin that somebody hid came back for as long as Redis was silent.
it.skipIf(!HAS_REDIS)('what was known of a user stays known while Redis is away (skipped where there is no redis-server)', async () => {
  const redis = await startRedis();
  const link = await linked(redis.url);
  const cache = cacheOn(link);
  const actions = new SharedActions(cache, redisStream(link, await linked(redis.url), 'reader'), pinsOf('a'), userNaming(''));
  const action = { userId: 'ann', pinId: 'a', type: 'hide', at: 1000 };
  expect(await cache.push(CACHE_KEYS.actions.key('ann'), [Buffer.from(JSON.stringify(action))], 10, 60_000)).toBe(true);
  await actions.bring('ann');
  expect(actions.of('ann')).toHaveLength(1);
  await redis.stop();
  // Longer than it is remembered without asking.
  for (let round = 0; round < 25; round++) {
    await wait(100);
    await actions.bring('ann');
    expect(actions.of('ann')).toHaveLength(1);
  }
  await actions.close();
  await cache.close();
});
