import { LRUCache } from 'lru-cache';
import { ServiceError } from '../errors.ts';

interface Bucket {
  tokens: number;
  at: number;
}

/** Callers remembered; who is forgotten starts with a full bucket. */
const CALLERS_KEPT = 50_000;
/** Seconds of requests that may come at once. */
const BURST_SECONDS = 2;

/** A token bucket per caller: `perSecond` requests each second, twice that in a burst. */
export class RateLimit {
  private readonly perSecond: number;
  private readonly buckets = new LRUCache<string, Bucket>({ max: CALLERS_KEPT });

  constructor(perSecond: number) {
    this.perSecond = perSecond;
  }

  /** Takes one token. @throws REQUEST_RATE_LIMITED with the seconds until there is one. */
  take(caller: string, now = performance.now()): void {
    const full = this.perSecond * BURST_SECONDS;
    const bucket = this.buckets.get(caller) ?? { tokens: full, at: now };
    bucket.tokens = Math.min(full, bucket.tokens + ((now - bucket.at) / 1000) * this.perSecond);
    bucket.at = now;
    this.buckets.set(caller, bucket);
    if (bucket.tokens < 1) {
      const retryAfterSeconds = Math.ceil((1 - bucket.tokens) / this.perSecond);
      throw new ServiceError('REQUEST_RATE_LIMITED', { retryAfterSeconds });
    }
    bucket.tokens--;
  }
}
