import { describe, expect, it } from 'vitest';
import type { PinColumns } from '../../src/catalog/pins/pin-columns.ts';
import { openHotState } from '../../src/service/hot-state.ts';
import { HAS_REDIS, startRedis } from '../../torture/redis-server.ts';
import { testConfig } from '../world.ts';

const NO_PINS = { idOf: () => '', indexOf: () => -1 } as unknown as PinColumns;

describe.skipIf(!HAS_REDIS)('what is shared through Redis (skipped where there is no redis-server)', { retry: 2 }, () => {
  it('says so when Redis answers and its stream cannot be read', async () => {
    const redis = await startRedis(undefined, ['--rename-command', 'XREADGROUP', 'NO-XREADGROUP']);
    const hot = openHotState(testConfig('nowhere', { redisUrl: redis.url }), NO_PINS, true);
    await expect
      .poll(() => hot.degraded().map(({ code, reason }) => `${code}: ${reason}`), { timeout: 10_000 })
      .toEqual([expect.stringMatching(/^REDIS_UNAVAILABLE: The stream of events in Redis is not read: .*unknown command/i)]);
    await hot.close();
    await redis.stop();
  });
});
