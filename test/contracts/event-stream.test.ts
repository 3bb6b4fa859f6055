import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { RedisLink } from '../../src/cache.ts';
import { type EventStream, redisStream } from '../../src/event-stream.ts';
import { memoryStream } from './memory-stream.ts';
import {
  HAS_REDIS,
  HAS_REDIS_CLUSTER,
  redisCommand,
  startRedis,
  startRedisCluster,
  type TestCluster,
  type TestRedis,
} from '../../torture/redis-server.ts';

const buffers = (...texts: string[]): Buffer[] => texts.map((text) => Buffer.from(text));

async function drained(stream: EventStream, wanted: number): Promise<string[]> {
  const texts: string[] = [];
  for (let round = 0; round < 20 && texts.length < wanted; round++) {
    const entries = await stream.take(100);
    texts.push(...entries.map(({ value }) => value.toString()));
    await stream.acknowledge(entries.map(({ id }) => id));
  }
  return texts;
}

function contract(open: () => Promise<EventStream>): void {
  let stream: EventStream;
  beforeAll(async () => {
    stream = await open();
  });
  afterAll(() => stream.close());

  it('hands out what was published, in order, once', async () => {
    expect(await stream.publish(buffers('a', 'b', 'c'))).toBe(true);
    expect(await drained(stream, 3)).toEqual(['a', 'b', 'c']);
    expect(await stream.take(10)).toEqual([]);
  });

  it('counts what nobody has acknowledged', async () => {
    await stream.publish(buffers('d', 'e'));
    expect(await stream.lag()).toBe(2);
    const entries = await stream.take(10);
    expect(await stream.lag()).toBe(2);
    await stream.acknowledge(entries.map(({ id }) => id));
    expect(await stream.lag()).toBe(0);
  });

  it('takes out what it is told to', async () => {
    await stream.publish(buffers('keep 1', 'erase 1', 'erase 2', 'keep 2'));
    expect(await stream.remove((value) => value.toString().startsWith('erase'))).toBe(2);
    expect(await drained(stream, 2)).toEqual(['keep 1', 'keep 2']);
  });
}

const links: RedisLink[] = [];
afterEach(() => {
  for (const link of links.splice(0)) link.close();
});

async function linked(url: string): Promise<RedisLink> {
  const link = new RedisLink(url);
  for (let round = 0; round < 250 && link.reason !== null; round++) await wait(20);
  return link;
}

const onRedis = async (url: string, consumer?: string): Promise<EventStream> => redisStream(await linked(url), await linked(url), consumer);

describe('event stream in memory', () => contract(async () => memoryStream()));

// A reply of Redis that takes longer than the patience is given up: on a busy machine the question is put again.
describe.skipIf(!HAS_REDIS)('event stream on Redis (skipped where there is no redis-server)', { retry: 2 }, () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());
  contract(() => onRedis(redis.url));

  it('hands an entry to one consumer of the group, and to another one when the first died with it', async () => {
    const own = await startRedis();
    const [first, second] = [await onRedis(own.url, 'first'), await onRedis(own.url, 'second')];
    await first.publish(buffers('once', 'twice'));
    expect((await first.take(1)).map(({ value }) => value.toString())).toEqual(['once']);
    expect((await second.take(1)).map(({ value }) => value.toString())).toEqual(['twice']);
    first.close();
    await redisCommand(own.port, 'XCLAIM rp:events related-pins first 0 0-1');
    const ids = await redisCommand(own.port, 'XPENDING rp:events related-pins');
    expect(ids).toContain('first');
    // As if ten seconds had passed since the first consumer took it.
    const id = /\d+-\d+/.exec(ids)?.[0] ?? '';
    await redisCommand(own.port, `XCLAIM rp:events related-pins first 0 ${id} IDLE 20000 JUSTID`);
    expect((await second.take(5)).map(({ value }) => value.toString())).toEqual(['once']);
    second.close();
    await own.stop();
  });

  // Redis 6.0 and 6.1 have no XAUTOCLAIM: every take failed, and nothing said so.
  it('takes from a server that is as old as 6.0', async () => {
    // A server that does not have it does not start when told to hide it.
    const own = await startRedis(undefined, ['--rename-command', 'XAUTOCLAIM', 'NO-XAUTOCLAIM']).catch(() => startRedis());
    const stream = await onRedis(own.url);
    await stream.publish(buffers('a', 'b'));
    expect(await drained(stream, 2)).toEqual(['a', 'b']);
    expect(stream.problem()).toBeNull();
    stream.close();
    await own.stop();
  });

  it('says why nothing can be taken', async () => {
    const own = await startRedis(undefined, ['--rename-command', 'XREADGROUP', 'NO-XREADGROUP']);
    const stream = await onRedis(own.url);
    await stream.publish(buffers('a'));
    expect(await stream.take(1)).toEqual([]);
    expect(stream.problem()).toMatch(/unknown command/i);
    stream.close();
    await own.stop();
  });

  it('counts what was not handed out where the server does not: before Redis 7, and beside entries that were taken out', async () => {
    const own = await startRedis();
    const stream = await onRedis(own.url);
    await stream.publish(buffers('a', 'b', 'c', 'd', 'e'));
    await stream.acknowledge((await stream.take(1)).map(({ id }) => id));
    expect(await stream.lag()).toBe(4);
    expect(await stream.remove((value) => value.toString() === 'c')).toBe(1);
    expect(await stream.lag()).toBe(3);
    expect(await drained(stream, 3)).toEqual(['b', 'd', 'e']);
    expect(await stream.lag()).toBe(0);
    stream.close();
    await own.stop();
  });

  it('is done with an entry that was taken out after it was handed to a consumer that died', async () => {
    const own = await startRedis();
    const stream = await onRedis(own.url);
    await stream.publish(buffers('a', 'b'));
    const [{ id }] = await stream.take(2);
    expect(await stream.remove((value) => value.toString() === 'a')).toBe(1);
    await redisCommand(own.port, `XCLAIM rp:events related-pins gone 0 ${id} IDLE 20000 JUSTID`);
    expect(await stream.take(5)).toEqual([]);
    expect(await stream.lag()).toBe(1);
    stream.close();
    await own.stop();
  });

  it('goes on when everything was flushed, the group included', async () => {
    const own = await startRedis();
    const stream = await onRedis(own.url);
    await stream.publish(buffers('before'));
    expect(await drained(stream, 1)).toEqual(['before']);
    await redisCommand(own.port, 'FLUSHALL');
    await stream.publish(buffers('after'));
    expect(await drained(stream, 1)).toEqual(['after']);
    stream.close();
    await own.stop();
  });
});

describe.skipIf(!HAS_REDIS_CLUSTER)('event stream on a Redis cluster (skipped where there is no redis-cli)', { retry: 2 }, () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(() => cluster?.stop());
  contract(() => onRedis(cluster.url));
});
