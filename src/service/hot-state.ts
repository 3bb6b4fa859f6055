/** What a process shares with others through Redis, opened and closed together; without Redis just a cache of its own. */
import { type Cache, cacheOn, memoryCache, RedisLink } from '../cache.ts';
import type { PinColumns } from '../catalog/pins/pin-columns.ts';
import { secretsOf, userNaming } from '../catalog/pins/user-pseudonym.ts';
import type { Config } from '../config.ts';
import { redisStream } from '../event-stream.ts';
import type { Degradation } from '../lists/serving-parts.ts';
import { SharedActions } from './shared-actions.ts';

export interface HotState {
  readonly cache: Cache;
  /** Null without Redis: the log of this process knows everything there is. */
  readonly actions: SharedActions | null;
  /** Says so when Redis is configured and away. */
  degraded(): readonly Degradation[];
  close(): Promise<void>;
}

/** `follow`: take part in the consumer group. */
export function openHotState(config: Config, pins: PinColumns, follow: boolean): HotState {
  const { redisUrl, cacheBytes } = config;
  if (redisUrl === '') {
    const cache = memoryCache(cacheBytes);
    return { cache, actions: null, degraded: () => [], close: () => cache.close() };
  }
  const link = new RedisLink(redisUrl);
  const cache = cacheOn(link);
  const actions = new SharedActions(cache, redisStream(link, new RedisLink(redisUrl)), pins, userNaming(secretsOf(config)));
  if (follow) actions.follow();
  return {
    cache,
    actions,
    degraded: () => {
      if (link.reason !== null) return [{ code: 'REDIS_UNAVAILABLE', reason: `Redis does not answer: ${link.reason}` }];
      const unread = actions.problem();
      return unread === null ? [] : [{ code: 'REDIS_UNAVAILABLE', reason: `The stream of events in Redis is not read: ${unread}` }];
    },
    async close() {
      await actions.close();
      await cache.close();
    },
  };
}
