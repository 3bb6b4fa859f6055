import { describe, expect, it } from 'vitest';
import { redis } from '../../torture/redis.ts';
import { HAS_REDIS } from '../../torture/redis-server.ts';
import { overAllAttempts } from './lossless.ts';

const counted = overAllAttempts();

// A machine that is busy with something else can hold a process up past a bound: then it is asked again.
describe('a Redis that is killed, started, emptied and paused', { retry: 2 }, () => {
  it.skipIf(!HAS_REDIS)(
    `costs no reply and no event${HAS_REDIS ? '' : ' (skipped: no redis-server here)'}`,
    { timeout: 120_000 },
    async () => {
      const result = counted(await redis({ minutes: 1, seed: 2, rounds: 4, say() {} }));
      expect(result.failures).toEqual([]);
      expect(result).toMatchObject({ lost: 0, doubled: 0 });
    },
  );
});
