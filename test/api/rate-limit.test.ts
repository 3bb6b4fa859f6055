import { describe, expect, it } from 'vitest';
import { RateLimit } from '../../src/api/shell/rate-limit.ts';
import { memoryCache } from '../../src/cache.ts';

describe('a rate limit', () => {
  it('lets a burst of two seconds through, then says when to come back', () => {
    const limit = new RateLimit(5);
    for (let request = 0; request < 10; request++) limit.take('ann', 1000);
    expect(() => limit.take('ann', 1000)).toThrow(/try again in 1 s/);
    limit.take('bob', 1000);
    limit.take('ann', 1201);
    expect(() => limit.take('ann', 1201)).toThrow();
  });

  it('of several processes is one limit, when they share a cache', async () => {
    const shared = memoryCache(1 << 20);
    const [one, two] = [new RateLimit(5, shared), new RateLimit(5, shared)];
    // The second may turn between two requests: the burst is asked for again in the next one.
    await expect
      .poll(async () => {
        const caller = `ann ${performance.now()}`;
        for (let request = 0; request < 5; request++) for (const limit of [one, two]) limit.take(caller, 1000);
        await new Promise((counted) => setImmediate(counted));
        const refused = [one, two].filter((limit) => {
          try {
            limit.take(caller, 1000);
            return false;
          } catch {
            return true;
          }
        });
        return refused.length;
      })
      .toBeGreaterThan(0);
  });
});
