/**
 * A stream of what became durable, shared by many processes: each entry is handed to one consumer of a group, and again to
 * another one when the first died before it acknowledged. Nothing depends on it: an entry that is lost with Redis is in the
 * log of the process that published it.
 */
import { hostname } from 'node:os';
import { CACHE_KEYS, type RedisLink } from './cache.ts';

export interface StreamEntry {
  readonly id: string;
  readonly value: Buffer;
}

export interface EventStream {
  /** Appends; false when the server was away. */
  publish(values: readonly Buffer[]): Promise<boolean>;
  /** Entries for this consumer, at most `count`: those of consumers that died first, then new ones; waits a moment for them. */
  take(count: number): Promise<readonly StreamEntry[]>;
  acknowledge(ids: readonly string[]): Promise<void>;
  /** Entries that nobody has acknowledged; null when the server can't say. */
  lag(): Promise<number | null>;
  /** Takes out every entry that `isGone` picks; how many, null when the server was away. */
  remove(isGone: (value: Buffer) => boolean): Promise<number | null>;
  /** Why entries cannot be taken; null when they can. */
  problem(): string | null;
  close(): void;
}

/** Entries kept, about: a consumer that was away longer finds them in no stream. */
export const KEPT = 100_000;
const GROUP = 'related-pins';
/** An entry that was handed out and not acknowledged by then goes to another consumer. */
const ABANDONED_MS = 10_000;
const WAIT_MS = 500;
const PATIENCE_MS = 2000;
/** Entries read together. */
const PAGE = 1000;
/** Unread entries are counted so far where the server does not count them: twice what raises the alarm. */
const COUNTED_MAX = 20_000;

type Raw = Buffer | string;
type RawEntry = readonly [id: Raw, fields: readonly Raw[]];
type PendingEntry = readonly [id: string, consumer: string, idleMs: number, deliveries: number];

const bytesOf = (raw: Raw): Buffer => (Buffer.isBuffer(raw) ? raw : Buffer.from(raw));

/** The stream on Redis. `link` is for publishing; `reading` is a connection of its own, because reading waits on it. */
export function redisStream(link: RedisLink, reading: RedisLink, consumer = `${hostname()}-${process.pid}`): EventStream {
  const key = CACHE_KEYS.events;
  const reader = new GroupReader(reading, key, consumer);
  return {
    publish: (values) =>
      link.attempt(
        async () => {
          await Promise.all(values.map((value) => link.client.xadd(key, 'MAXLEN', '~', KEPT, '*', 'event', value)));
          return true;
        },
        false,
        PATIENCE_MS,
      ),
    take: (count) => reading.attempt(() => reader.take(count), [], PATIENCE_MS + WAIT_MS),
    async acknowledge(ids) {
      if (ids.length > 0) await link.attempt<unknown>(() => link.client.xack(key, GROUP, ...ids), null, PATIENCE_MS);
    },
    lag: () => link.attempt(() => lagOf(link, key), null, PATIENCE_MS),
    remove: (isGone) => link.attempt(() => removeFrom(link, key, isGone), null, 10 * PATIENCE_MS),
    problem: () => reading.reason,
    close() {
      reading.close();
    },
  };
}

const entriesOf = (raw: readonly RawEntry[] | null | undefined): StreamEntry[] =>
  (raw ?? []).filter((entry) => entry?.[1]).map(([id, fields]) => ({ id: id.toString(), value: bytesOf(fields[1]) }));

/** Takes entries for one consumer of the group. */
class GroupReader {
  private grouped = false;
  private readonly link: RedisLink;
  private readonly key: string;
  private readonly consumer: string;

  constructor(link: RedisLink, key: string, consumer: string) {
    this.link = link;
    this.key = key;
    this.consumer = consumer;
  }

  async take(count: number): Promise<readonly StreamEntry[]> {
    try {
      await this.ensureGroup();
      const old = await this.abandoned(count);
      return old.length > 0 ? old : await this.fresh(count);
    } catch (error) {
      // The stream and its group went with whatever emptied the server.
      this.grouped = false;
      throw error;
    }
  }

  private async ensureGroup(): Promise<void> {
    if (this.grouped) return;
    await this.link.client.xgroup('CREATE', this.key, GROUP, '0', 'MKSTREAM').catch((error: Error) => {
      if (!/BUSYGROUP/.test(error.message)) throw error;
    });
    this.grouped = true;
  }

  /** Not by XAUTOCLAIM, which servers before 6.2 do not have. */
  private async abandoned(count: number): Promise<StreamEntry[]> {
    const { link, key, consumer } = this;
    const pending = (await link.client.xpending(key, GROUP, '-', '+', count)) as unknown as PendingEntry[];
    const ids = pending.filter(([, , idleMs]) => idleMs >= ABANDONED_MS).map(([id]) => id);
    if (ids.length === 0) return [];
    // By its name: servers and clusters do not share one type of it.
    const entries = entriesOf((await link.client.call('XCLAIM', key, GROUP, consumer, ABANDONED_MS, ...ids)) as RawEntry[]);
    if (entries.length < ids.length) await this.dropTrimmed(ids, entries);
    return entries;
  }

  /** Entries that were handed out and then trimmed or erased can be claimed for ever before Redis 7: they count as done. */
  private async dropTrimmed(ids: readonly string[], entries: readonly StreamEntry[]): Promise<void> {
    const { link, key } = this;
    const there = new Set(entries.map(({ id }) => id));
    const missing = ids.filter((id) => !there.has(id));
    const found = await Promise.all(missing.map((id) => link.client.xrangeBuffer(key, id, id)));
    const gone = missing.filter((_, i) => found[i].length === 0);
    if (gone.length > 0) await link.client.xack(key, GROUP, ...gone);
  }

  private async fresh(count: number): Promise<StreamEntry[]> {
    const asked = ['GROUP', GROUP, this.consumer, 'COUNT', count, 'BLOCK', WAIT_MS, 'STREAMS', this.key, '>'] as const;
    const found = (await this.link.client.xreadgroupBuffer(...asked)) as unknown as [Raw, RawEntry[]][] | null;
    return entriesOf(found?.[0]?.[1]);
  }
}

/** Entries after the last one handed out, and those handed out and not acknowledged. */
async function lagOf(link: RedisLink, key: string): Promise<number | null> {
  const groups = (await link.client.xinfo('GROUPS', key)) as unknown as (string | number | null)[][];
  for (const group of groups) {
    const field = (name: string): unknown => group[group.indexOf(name) + 1];
    if (field('name') !== GROUP) continue;
    // Servers before 7 do not count what was not handed out, later ones not beside entries that were taken out.
    const counted = group.includes('lag') ? field('lag') : null;
    const unread = counted === null ? await unreadAfter(link, key, String(field('last-delivered-id'))) : Number(counted);
    return unread + Number(field('pending'));
  }
  return null;
}

/** Entries behind an id, counted up to a bound. */
async function unreadAfter({ client }: RedisLink, key: string, id: string): Promise<number> {
  let count = 0;
  for (let from = following(id); count < COUNTED_MAX;) {
    const page = await client.xrangeBuffer(key, from, '+', 'COUNT', PAGE);
    count += page.length;
    if (page.length < PAGE) return count;
    from = following(page[page.length - 1][0].toString());
  }
  return count;
}

async function removeFrom({ client }: RedisLink, key: string, isGone: (value: Buffer) => boolean): Promise<number> {
  let removed = 0;
  for (let from = '-'; ;) {
    const page = (await client.xrangeBuffer(key, from, '+', 'COUNT', PAGE)) as unknown as RawEntry[];
    const gone = page.filter(([, fields]) => isGone(bytesOf(fields[1]))).map(([id]) => id.toString());
    if (gone.length > 0) removed += await client.xdel(key, ...gone);
    if (page.length < PAGE) return removed;
    from = following(page[page.length - 1][0].toString());
  }
}

/** The next id there can be: "7-3" is followed by "7-4". Servers before 6.2 know no range that leaves its beginning out. */
function following(id: string): string {
  const [ms, sequence = '0'] = id.split('-');
  return `${ms}-${BigInt(sequence) + 1n}`;
}
