import { LRUCache } from 'lru-cache';
import { type Cache, CACHE_KEYS } from '../../cache.ts';
import { ServiceError } from '../../errors.ts';

interface Bucket {
  tokens: number;
  at: number;
}

/** Callers remembered; who is forgotten starts with a full bucket. */
const CALLERS_KEPT = 50_000;
/** Seconds of requests that may come at once. */
const BURST_SECONDS = 2;

/**
 * A token bucket per caller: `perSecond` requests each second, twice that in a burst. With a cache that several processes
 * share they count together, behind the request: who has asked all of them for a burst within a second finds the bucket
 * here empty with the next request. When the shared count can not be had, each process keeps to its own.
 */
export class RateLimit {
  private readonly perSecond: number;
  private readonly shared: Cache | null;
  private readonly buckets = new LRUCache<string, Bucket>({ max: CALLERS_KEPT });

  constructor(perSecond: number, shared: Cache | null = null) {
    this.perSecond = perSecond;
    this.shared = shared;
  }

  /** Takes one token. @throws REQUEST_RATE_LIMITED with the seconds until there is one. */
  take(caller: string, now = performance.now()): void {
    const bucket = this.filled(caller, now);
    if (bucket.tokens < 1) {
      const retryAfterSeconds = Math.ceil((1 - bucket.tokens) / this.perSecond);
      throw new ServiceError('REQUEST_RATE_LIMITED', { retryAfterSeconds });
    }
    bucket.tokens--;
    if (this.shared) void this.countTogether(this.shared, caller, bucket);
  }

  /** Takes one token if there is one, in this process alone; says whether there was. */
  tryTake(caller: string, now = performance.now()): boolean {
    const bucket = this.filled(caller, now);
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }

  private filled(caller: string, now: number): Bucket {
    const full = this.perSecond * BURST_SECONDS;
    const bucket = this.buckets.get(caller) ?? { tokens: full, at: now };
    bucket.tokens = Math.min(full, bucket.tokens + ((now - bucket.at) / 1000) * this.perSecond);
    bucket.at = now;
    this.buckets.set(caller, bucket);
    return bucket;
  }

  private async countTogether(shared: Cache, caller: string, bucket: Bucket): Promise<void> {
    const { key, ttlMs } = CACHE_KEYS.rate;
    const count = await shared.increment(key(caller, Math.floor(Date.now() / 1000)), ttlMs);
    if (count !== null && count >= this.perSecond * BURST_SECONDS) bucket.tokens = 0;
  }
}
