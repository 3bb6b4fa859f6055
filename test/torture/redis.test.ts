import { describe, expect, it } from 'vitest';
import { redis } from '../../torture/redis.ts';
import { HAS_REDIS } from '../redis-server.ts';

describe('a Redis that is killed, started, emptied and paused', () => {
  it.skipIf(!HAS_REDIS)(`costs no reply and no event${HAS_REDIS ? '' : ' (skipped: no redis-server here)'}`, { timeout: 120_000 }, async () => {
    const result = await redis({ minutes: 0.5, seed: 2, rounds: 4, say() {} });
    expect(result.failures).toEqual([]);
    expect(result).toMatchObject({ lost: 0, doubled: 0 });
  });
});
