/**
 * Hot state that may be lost at any moment: the interface, every key name and lifetime, and the two implementations.
 * In one process an LRU bounded by bytes; with Redis configured the same entries are shared by many processes.
 * A cache never fails a request: when Redis is away, reads miss, writes are dropped, and `state()` says so.
 */
import { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { reasonOf } from './errors.ts';

/** Every key that is ever written, and how long it lives. `version` names what shaped the value (model, artifacts). */
export const CACHE_KEYS = {
  /** The ordered list of a query pin under a treatment. */
  rankedList: { key: (version: string, pinId: string, variant: string): string => `rp:list:${version}:${variant}:${pinId}`, ttlMs: 60_000 },
  /** The results of a crop, snapped to a grid so that near boxes agree. */
  crop: { key: (netDigest: string, pinId: string, box: string): string => `rp:crop:${netDigest.slice(0, 12)}:${pinId}:${box}`, ttlMs: 600_000 },
  /** The rest of a list that a cursor pages through. */
  page: { key: (cursor: string): string => `rp:page:${cursor}`, ttlMs: 900_000 },
} as const;

export interface CacheState {
  readonly kind: 'memory' | 'redis';
  readonly available: boolean;
  readonly reason: string | null;
  readonly hits: number;
  readonly misses: number;
  /** Reads and writes given up because the server was away or slow. */
  readonly failures: number;
}

export interface Cache {
  get(key: string): Promise<Buffer | null>;
  set(key: string, value: Buffer, ttlMs: number): Promise<void>;
  /** Forgets everything whose key starts with `prefix`. */
  forget(prefix: string): Promise<void>;
  state(): CacheState;
  close(): Promise<void>;
}

/** A cache in this process, at most `bytes` of values. */
export function memoryCache(bytes: number): Cache {
  const entries = new LRUCache<string, Buffer>({ maxSize: bytes, sizeCalculation: (value, key) => value.length + key.length * 2 + 64 });
  let hits = 0;
  let misses = 0;
  return {
    async get(key) {
      const value = entries.get(key) ?? null;
      if (value) hits++;
      else misses++;
      return value;
    },
    async set(key, value, ttlMs) {
      entries.set(key, value, { ttl: ttlMs });
    },
    async forget(prefix) {
      for (const key of [...entries.keys()]) if (key.startsWith(prefix)) entries.delete(key);
    },
    state: () => ({ kind: 'memory', available: true, reason: null, hits, misses, failures: 0 }),
    async close() {
      entries.clear();
    },
  };
}

/** How long a request waits for Redis before it does without. */
const REDIS_PATIENCE_MS = 50;
const SCAN_COUNT = 500;

/** A cache on a Redis server (6 or newer) that many processes share. Connects in the background and again for ever. */
export function redisCache(url: string): Cache {
  let hits = 0;
  let misses = 0;
  let failures = 0;
  let reason: string | null = 'connecting';
  const client = new Redis(url, {
    commandTimeout: REDIS_PATIENCE_MS,
    connectTimeout: 2000,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(2000, 50 * attempt),
  });
  client.on('ready', () => {
    reason = null;
  });
  client.on('error', (error: unknown) => {
    reason = reasonOf(error);
  });
  client.on('close', () => {
    reason ??= 'the connection was closed';
  });
  const attempt = async <T>(work: () => Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      failures++;
      if (client.status !== 'ready') reason ??= reasonOf(error);
      return otherwise;
    }
  };
  return {
    async get(key) {
      const value = await attempt(() => client.getBuffer(key), null);
      if (value) hits++;
      else misses++;
      return value;
    },
    async set(key, value, ttlMs) {
      await attempt<unknown>(() => client.set(key, value, 'PX', ttlMs), null);
    },
    async forget(prefix) {
      const pattern = `${prefix.replace(/[\\*?[\]]/g, '\\$&')}*`;
      let cursor = '0';
      do {
        const [next, keys] = await attempt(() => client.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT), ['0', []] as [string, string[]]);
        if (keys.length > 0) await attempt(() => client.unlink(...keys), 0);
        cursor = next;
      } while (cursor !== '0');
    },
    state: () => ({ kind: 'redis', available: reason === null && client.status === 'ready', reason, hits, misses, failures }),
    async close() {
      client.disconnect();
    },
  };
}
