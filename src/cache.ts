/**
 * Hot state that may be lost at any moment: the contract, every key name and lifetime, and the two implementations.
 * In one process an LRU bounded by bytes; with Redis configured (one server or a cluster) the same entries are shared by
 * many processes. A cache never fails a request: when Redis is away, reads miss, writes are dropped, `state()` says why.
 */
import { createRequire } from 'node:module';
import type { Cluster, Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { reasonOf } from './errors.ts';

/** Every key that is ever written, and how long it lives. `version` names what shaped the value (model, artifacts). */
export const CACHE_KEYS = {
  /** The ordered list of a query pin under a treatment; a setting says how long it lives. */
  rankedList: { key: (version: string, pinId: string, variant: string): string => `rp:list:${version}:${variant}:${pinId}` },
  /** What a user did lately, in whatever process: JSON records, newest first. */
  actions: { key: (userId: string): string => `rp:actions:${userId}`, ttlMs: 7 * 24 * 3600 * 1000 },
  /** Requests of a caller within one second, over all processes. */
  rate: { key: (caller: string, second: number): string => `rp:rate:${second}:${caller}`, ttlMs: 5000 },
  /** The stream of durable events (event-stream.ts); trimmed by length, it has no lifetime. */
  events: 'rp:events',
} as const;

interface CacheState {
  readonly kind: 'memory' | 'redis' | 'redis-cluster';
  readonly available: boolean;
  readonly reason: string | null;
  readonly hits: number;
  readonly misses: number;
  /** Reads and writes given up because the server was away or slow. */
  readonly failures: number;
}

export interface Cache {
  get(key: string): Promise<Buffer | null>;
  /** One answer per key, in their order; on a cluster one trip per node, all at the same time. */
  getMany(keys: readonly string[]): Promise<readonly (Buffer | null)[]>;
  set(key: string, value: Buffer, ttlMs: number): Promise<void>;
  /** Adds one to a counter that lives `ttlMs` from its first count; null when nobody could be asked. */
  increment(key: string, ttlMs: number): Promise<number | null>;
  /** Puts values at the head of a list, the last one first, and keeps its first `most`; false when that was not done. */
  push(key: string, values: readonly Buffer[], most: number, ttlMs: number): Promise<boolean>;
  /** A list from its head; null when nobody could be asked. */
  list(key: string): Promise<readonly Buffer[] | null>;
  /** Forgets what is kept under `key`; false when the server was away. */
  forget(key: string): Promise<boolean>;
  state(): CacheState;
  close(): Promise<void>;
}

/** A cache in this process, at most `bytes` of values. */
export function memoryCache(bytes: number): Cache {
  const sizeOf = (value: Buffer | readonly Buffer[]): number =>
    Buffer.isBuffer(value) ? value.length : value.reduce((sum, part) => sum + part.length + 64, 0);
  const entries = new LRUCache<string, Buffer | readonly Buffer[]>({
    maxSize: bytes,
    sizeCalculation: (value, key) => sizeOf(value) + key.length * 2 + 64,
  });
  let hits = 0;
  let misses = 0;
  const read = (key: string): Buffer | null => {
    const value = entries.get(key);
    const found = Buffer.isBuffer(value) ? value : null;
    if (found) hits++;
    else misses++;
    return found;
  };
  const listOf = (key: string): readonly Buffer[] => {
    const value = entries.get(key);
    return value === undefined || Buffer.isBuffer(value) ? [] : value;
  };
  return {
    get: async (key) => read(key),
    getMany: async (keys) => keys.map(read),
    async set(key, value, ttlMs) {
      entries.set(key, value, { ttl: ttlMs });
    },
    async increment(key, ttlMs) {
      const before = entries.get(key);
      const count = Buffer.isBuffer(before) ? Number(before.toString()) + 1 : 1;
      entries.set(key, Buffer.from(String(count)), { ttl: count === 1 ? ttlMs : Math.max(1, entries.getRemainingTTL(key)) });
      return count;
    },
    async push(key, values, most, ttlMs) {
      entries.set(key, [...[...values].reverse(), ...listOf(key)].slice(0, most), { ttl: ttlMs });
      return true;
    },
    list: async (key) => listOf(key),
    async forget(key) {
      entries.delete(key);
      return true;
    },
    state: () => ({ kind: 'memory', available: true, reason: null, hits, misses, failures: 0 }),
    async close() {
      entries.clear();
    },
  };
}

/** How long a request waits for Redis before it does without. */
const REDIS_PATIENCE_MS = 50;
/** After a silence nobody is asked for so long: a server that hangs costs its patience twice a second, not per request. */
const SILENCE_MS = 500;

type RedisClient = Redis | Cluster;

/** A connection to Redis (6 or newer) that is made in the background and again for ever, and never makes anybody wait long. */
export class RedisLink {
  readonly client: RedisClient;
  readonly isCluster: boolean;
  failures = 0;
  private why: string | null = 'connecting';
  private silentUntil = 0;

  /** One URL: a server. Several, separated by commas: seeds of a cluster. */
  constructor(urls: string) {
    this.isCluster = urls.includes(',');
    this.client = this.isCluster ? clusterOf(urls) : serverOf(urls);
    this.client.on('ready', () => {
      this.why = null;
      this.silentUntil = 0;
    });
    this.client.on('error', (error: unknown) => {
      this.why = reasonOf(error);
    });
    this.client.on('close', () => {
      this.why ??= 'the connection was closed';
    });
  }

  /** Why nobody answers, or null when somebody does. */
  get reason(): string | null {
    return this.client.status === 'ready' ? this.why : (this.why ?? `the connection is ${this.client.status}`);
  }

  /** What `work` answers within the patience, or `otherwise`. */
  async attempt<T>(work: () => Promise<T>, otherwise: T, patienceMs = REDIS_PATIENCE_MS): Promise<T> {
    if (this.client.status !== 'ready' || performance.now() < this.silentUntil) return this.giveUp(otherwise);
    try {
      const answer = await within(work(), patienceMs);
      this.why = null;
      return answer;
    } catch (error) {
      this.why = reasonOf(error);
      if (error instanceof SilenceError) this.silentUntil = performance.now() + SILENCE_MS;
      return this.giveUp(otherwise);
    }
  }

  private giveUp<T>(otherwise: T): T {
    this.failures++;
    return otherwise;
  }

  close(): void {
    this.client.disconnect();
  }
}

/** Read where Redis is configured: elsewhere its fifty files would stand in the memory of every thread for nothing. */
const redisLibrary = (): typeof import('ioredis') => createRequire(import.meta.url)('ioredis') as typeof import('ioredis');

const CONNECT_MS = 2000;
const retryLater = (attempt: number): number => Math.min(2000, 50 * attempt);

function serverOf(url: string): Redis {
  const waiting = { enableOfflineQueue: false, maxRetriesPerRequest: 0, retryStrategy: retryLater, connectTimeout: CONNECT_MS };
  const library = redisLibrary();
  return new library.Redis(url, { ...waiting, enableAutoPipelining: true });
}

/** Commands of one turn of the event loop go to each node in one pipeline (auto-pipelining groups them by slot owner). */
function clusterOf(urls: string): Cluster {
  const seeds = urls
    .split(',')
    .map((url) => url.trim())
    .filter((url) => url !== '');
  const [{ username, password, protocol }] = seeds.map((url) => new URL(url));
  const library = redisLibrary();
  return new library.Cluster(seeds, {
    enableOfflineQueue: false,
    enableAutoPipelining: true,
    clusterRetryStrategy: retryLater,
    retryDelayOnFailover: 20,
    slotsRefreshTimeout: CONNECT_MS,
    slotsRefreshInterval: 5000,
    redisOptions: {
      connectTimeout: CONNECT_MS,
      ...(username ? { username: decodeURIComponent(username) } : {}),
      ...(password ? { password: decodeURIComponent(password) } : {}),
      ...(protocol === 'rediss:' ? { tls: {} } : {}),
    },
  });
}

class SilenceError extends Error {}

function within<T>(work: Promise<T>, ms: number): Promise<T> {
  return new Promise((done, failed) => {
    const late = setTimeout(() => failed(new SilenceError(`no answer within ${ms} ms`)), ms);
    work.then(done, failed).finally(() => clearTimeout(late));
  });
}

/** A cache on Redis that many processes share. */
export function redisCache(urls: string): Cache {
  return cacheOn(new RedisLink(urls));
}

/** A cache on an open connection, which it closes. */
export function cacheOn(link: RedisLink): Cache {
  const { client } = link;
  let hits = 0;
  let misses = 0;
  const counted = (value: Buffer | null): Buffer | null => {
    if (value) hits++;
    else misses++;
    return value;
  };
  return {
    get: async (key) => counted(await link.attempt(() => client.getBuffer(key), null)),
    async getMany(keys) {
      const none = keys.map((): Buffer | null => null);
      return (await link.attempt(() => Promise.all(keys.map((key) => client.getBuffer(key))), none)).map(counted);
    },
    async set(key, value, ttlMs) {
      await link.attempt<unknown>(() => client.set(key, value, 'PX', ttlMs), null);
    },
    increment: (key, ttlMs) =>
      link.attempt(
        async () => {
          const count = await client.incr(key);
          if (count === 1) await client.pexpire(key, ttlMs);
          return count;
        },
        null as number | null,
      ),
    push: (key, values, most, ttlMs) =>
      link.attempt(async () => {
        if (values.length === 0) return true;
        const transaction = client
          .multi()
          .lpush(key, ...values)
          .ltrim(key, 0, most - 1)
          .pexpire(key, ttlMs);
        // A command that fails inside a transaction is an answer like any other: it has to be looked for.
        for (const [error] of (await transaction.exec()) ?? []) if (error) throw error;
        return true;
      }, false),
    list: async (key) => link.attempt<readonly Buffer[] | null>(() => client.lrangeBuffer(key, 0, -1), null),
    async forget(key) {
      return (await link.attempt<number | null>(() => client.unlink(key), null, CONNECT_MS)) !== null;
    },
    state: () => ({
      kind: link.isCluster ? 'redis-cluster' : 'redis',
      available: link.reason === null,
      reason: link.reason,
      hits,
      misses,
      failures: link.failures,
    }),
    async close() {
      link.close();
    },
  };
}
