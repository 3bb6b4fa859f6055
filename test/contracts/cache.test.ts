import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cache, memoryCache, redisCache } from '../../src/cache.ts';
import {
  HAS_REDIS,
  HAS_REDIS_CLUSTER,
  redisCommand,
  startRedis,
  startRedisCluster,
  type TestCluster,
  type TestRedis,
} from '../../torture/redis-server.ts';

async function ready(cache: Cache): Promise<void> {
  for (let round = 0; round < 100 && !cache.state().available; round++) await wait(20);
}

function contract(open: () => Cache): void {
  let cache: Cache;
  beforeAll(async () => {
    cache = open();
    await ready(cache);
  });
  afterAll(() => cache.close());

  it('gives back what was put in, byte by byte, and nothing for an unknown key', async () => {
    const value = Buffer.from([0, 255, 1, 10, 13]);
    await cache.set('a:1', value, 10_000);
    expect(await cache.get('a:1')).toEqual(value);
    expect(await cache.get('a:2')).toBeNull();
  });

  it('forgets when the lifetime is over', async () => {
    await cache.set('short', Buffer.from('x'), 30);
    await wait(80);
    expect(await cache.get('short')).toBeNull();
  });

  // Forgetting went by the beginning of a key: whoever erased u1 erased u10 with it.
  it('forgets a key, and no other that begins like it', async () => {
    for (const key of ['u1', 'u10', 'u*']) await cache.set(key, Buffer.from(key), 10_000);
    expect(await cache.forget('u1')).toBe(true);
    expect(await cache.forget('u*')).toBe(true);
    expect(await Promise.all(['u1', 'u10', 'u*'].map(async (key) => (await cache.get(key)) !== null))).toEqual([false, true, false]);
  });

  it('answers many keys at once, in their order, wherever they are kept', async () => {
    const keys = Array.from({ length: 40 }, (_, i) => `many:${i}`);
    for (const key of keys.slice(0, 30)) await cache.set(key, Buffer.from(key), 10_000);
    const found = await cache.getMany(keys);
    expect(found.map((value) => value?.toString() ?? null)).toEqual(keys.map((key, i) => (i < 30 ? key : null)));
  });

  it('counts up, and starts again when the lifetime is over', async () => {
    expect([await cache.increment('counter', 150), await cache.increment('counter', 150)]).toEqual([1, 2]);
    await wait(250);
    expect(await cache.increment('counter', 150)).toBe(1);
  });

  it('keeps the newest of a list, newest first', async () => {
    const texts = async (): Promise<string[]> => ((await cache.list('list')) ?? []).map((value) => value.toString());
    expect(await texts()).toEqual([]);
    const pushed = await cache.push(
      'list',
      ['a', 'b'].map((text) => Buffer.from(text)),
      3,
      10_000,
    );
    expect(pushed).toBe(true);
    expect(await texts()).toEqual(['b', 'a']);
    await cache.push(
      'list',
      ['c', 'd'].map((text) => Buffer.from(text)),
      3,
      10_000,
    );
    expect(await texts()).toEqual(['d', 'c', 'b']);
  });

  it('counts hits and misses', async () => {
    const before = cache.state();
    await cache.set('count', Buffer.from('1'), 10_000);
    await cache.get('count');
    await cache.get('no such');
    expect(cache.state().hits).toBe(before.hits + 1);
    expect(cache.state().misses).toBe(before.misses + 1);
  });
}

describe('cache in memory', () => {
  contract(() => memoryCache(1 << 20));

  it('stays within its bytes', async () => {
    const cache = memoryCache(10_000);
    for (let i = 0; i < 100; i++) await cache.set(`k${i}`, Buffer.alloc(1000), 10_000);
    let kept = 0;
    for (let i = 0; i < 100; i++) if (await cache.get(`k${i}`)) kept++;
    expect(kept).toBeGreaterThan(0);
    expect(kept * 1000).toBeLessThanOrEqual(10_000);
  });
});

// A reply of Redis that takes longer than the cache's patience is a miss: on a busy machine the question is put again.
describe.skipIf(!HAS_REDIS)('cache on Redis (skipped where there is no redis-server)', { retry: 3 }, () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());
  contract(() => redisCache(redis.url));

  it('a server that hangs costs its patience once, not per question', async () => {
    const own = await startRedis();
    const cache = redisCache(own.url);
    await ready(cache);
    await cache.set('k', Buffer.from('v'), 60_000);
    own.freeze();
    await cache.get('k');
    const failures = cache.state().failures;
    // Answered at once: before the event loop turns, and so before anything could have been waited for.
    for (let question = 0; question < 20; question++) {
      const turned = new Promise((turn) => setImmediate(() => turn('waited')));
      expect(await Promise.race([cache.get('k'), turned])).toBeNull();
    }
    expect(cache.state()).toMatchObject({ available: false });
    expect(cache.state().failures).toBe(failures + 20);
    own.wake();
    await expect.poll(async () => (await cache.get('k'))?.toString(), { timeout: 10_000 }).toBe('v');
    expect(cache.state()).toMatchObject({ available: true, reason: null });
    await cache.close();
    await own.stop();
  });

  it('says of what a full server or another kind of value kept out that it was not done', async () => {
    const own = await startRedis();
    const cache = redisCache(own.url);
    await ready(cache);
    await cache.set('text', Buffer.from('v'), 60_000);
    expect(await cache.push('text', [Buffer.from('a')], 3, 60_000)).toBe(false);
    await redisCommand(own.port, 'CONFIG SET maxmemory 1');
    expect(await cache.push('list', [Buffer.from('a')], 3, 60_000)).toBe(false);
    await redisCommand(own.port, 'CONFIG SET maxmemory 0');
    expect(await cache.push('list', [Buffer.from('a')], 3, 60_000)).toBe(true);
    await cache.close();
    await own.stop();
  });

  it('a server that goes away costs a miss, never an error, and is used again when it is back', async () => {
    const own = await startRedis();
    const cache = redisCache(own.url);
    await ready(cache);
    await cache.set('k', Buffer.from('v'), 60_000);
    expect(await cache.get('k')).not.toBeNull();
    await own.stop();
    expect(await cache.get('k')).toBeNull();
    await cache.set('k', Buffer.from('v'), 60_000);
    for (let round = 0; round < 100 && cache.state().available; round++) await wait(20);
    expect(cache.state().available).toBe(false);
    expect(cache.state().reason).not.toBeNull();
    const again = await startRedis(own.port);
    for (let round = 0; round < 150 && !cache.state().available; round++) await wait(20);
    await cache.set('k', Buffer.from('w'), 60_000);
    expect((await cache.get('k'))?.toString()).toBe('w');
    await cache.close();
    await again.stop();
  });
});

describe.skipIf(!HAS_REDIS_CLUSTER)('cache on a Redis cluster (skipped where there is no redis-cli)', { retry: 3 }, () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(() => cluster?.stop());
  contract(() => redisCache(cluster.url));
});
