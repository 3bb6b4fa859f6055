/**
 * Keys cannot be tried out: an address that sent too many wrong ones must wait, and until then no reply says whether a key
 * was right. A key that the address used before is still taken, so that one guesser behind a proxy does not shut out
 * everybody else behind it.
 */
import { LRUCache } from 'lru-cache';
import type { KnownKey, Keys } from './keys.ts';
import { RateLimit } from './rate-limit.ts';

/** Wrong keys of one address in a second. */
const WRONG_PER_SECOND = 10;
const RIGHT_KEPT = 10_000;
const RIGHT_MS = 3600_000;

export class KeyGuesses {
  private readonly keys: Keys;
  private readonly wrong: RateLimit;
  /** Names of keys that an address has used. */
  private readonly right = new LRUCache<string, true>({ max: RIGHT_KEPT, ttl: RIGHT_MS });

  /** `share`: the part of all requests that this process answers. */
  constructor(keys: Keys, share: number) {
    this.keys = keys;
    this.wrong = new RateLimit(WRONG_PER_SECOND * share, null, WRONG_PER_SECOND * share);
  }

  /** The key in an Authorization header; null: none came, or one that nobody knows. @throws REQUEST_RATE_LIMITED */
  find(authorization: string | undefined, address: string, now = performance.now()): KnownKey | null {
    if (authorization === undefined) return null;
    const key = this.keys.find(authorization);
    if (key !== null && this.right.has(`${address} ${key.name}`)) return key;
    if (key === null || !this.wrong.has(address, now)) this.wrong.take(address, now);
    if (key !== null) this.right.set(`${address} ${key.name}`, true);
    return key;
  }
}
