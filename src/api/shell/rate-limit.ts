import { isIPv6 } from 'node:net';
import ipaddr, { type IPv6 } from 'ipaddr.js';
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
  private readonly burst: number;
  private readonly shared: Cache | null;
  /** Who asked longest ago comes first. It grows with its callers: an LRUCache takes a megabyte before the first. */
  private readonly buckets = new Map<string, Bucket>();

  constructor(perSecond: number, shared: Cache | null = null, burst = perSecond * BURST_SECONDS) {
    this.perSecond = perSecond;
    // A bucket that holds less than one request would never let one through.
    this.burst = Math.max(1, burst);
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

  /** Whether there is a token to take. */
  has(caller: string, now = performance.now()): boolean {
    return this.filled(caller, now).tokens >= 1;
  }

  private filled(caller: string, now: number): Bucket {
    const bucket = this.buckets.get(caller) ?? { tokens: this.burst, at: now };
    bucket.tokens = Math.min(this.burst, bucket.tokens + ((now - bucket.at) / 1000) * this.perSecond);
    bucket.at = now;
    this.buckets.delete(caller);
    this.buckets.set(caller, bucket);
    if (this.buckets.size > CALLERS_KEPT) this.buckets.delete(this.buckets.keys().next().value as string);
    return bucket;
  }

  private async countTogether(shared: Cache, caller: string, bucket: Bucket): Promise<void> {
    const { key, ttlMs } = CACHE_KEYS.rate;
    const count = await shared.increment(key(caller, Math.floor(Date.now() / 1000)), ttlMs);
    if (count !== null && count >= this.burst) bucket.tokens = 0;
  }
}

/** The address of a caller; of IPv6 the network of 64 bits that one customer has, so that nobody has billions of buckets. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const parsed = ipaddr.process(address);
  return parsed.kind() === 'ipv4' ? parsed.toString() : (parsed as IPv6).parts.slice(0, 4).join(':');
}
