/**
 * What users do, shared by the processes that serve them. Whatever was acknowledged goes to the event stream behind its
 * receipt; a consumer of the group, in any process, lays it into the list of its user; a request of that user, in any
 * process, sees it. Without Redis there is nothing to share: a process knows its own log.
 */
import { LRUCache } from 'lru-cache';
import { type Cache, CACHE_KEYS } from '../cache.ts';
import type { Engagement } from '../catalog/log/engagement-log.ts';
import type { PinColumns } from '../catalog/pins/pin-columns.ts';
import { EVENT_TYPES, type EventType } from '../catalog/pins/records.ts';
import type { NameUser } from '../catalog/pins/user-pseudonym.ts';
import type { EventStream, StreamEntry } from '../event-stream.ts';
import type { PastAction } from './user-past.ts';

/** As it travels: pins by id, because each process numbers its own. */
interface SharedAction {
  readonly userId: string;
  readonly pinId: string;
  readonly type: EventType;
  readonly at: number;
}

const KEPT_PER_USER = 300;
const BATCH = 500;
const REST_MS = 250;
/** Events that wait for Redis at most; with more, the newest are not shared. */
export const WAITING_MAX = 10_000;
/** Users whose actions are remembered here, and how long before they are asked for again. */
const USERS_KEPT = 10_000;
const FRESH_MS = 2000;

export class SharedActions {
  /** Events that there was no room for while Redis was away: they are known to this process alone. */
  unpublished = 0;
  /** Events laid into the lists of their users by this process. */
  consumed = 0;
  private readonly cache: Cache;
  private readonly stream: EventStream;
  private readonly pins: PinColumns;
  private readonly nameUser: NameUser;
  private readonly known = new LRUCache<string, readonly PastAction[]>({ max: USERS_KEPT, ttl: FRESH_MS, noDeleteOnStaleGet: true });
  /** What Redis does not have yet, oldest first. */
  private readonly waiting: Buffer[] = [];
  private sending = false;
  private closed = false;
  private following: Promise<void> = Promise.resolve();

  /** `nameUser`: users are shared under the names they are stored by. */
  constructor(cache: Cache, stream: EventStream, pins: PinColumns, nameUser: NameUser) {
    this.nameUser = nameUser;
    this.cache = cache;
    this.stream = stream;
    this.pins = pins;
  }

  /**
   * Publishes to other processes after the receipt. What Redis does not take waits and is tried again; it may come twice then, which
   * changes nothing, since the strongest action with a pin counts.
   */
  publish(events: readonly Engagement[]): void {
    const told = events.flatMap(({ userId, pinIndex, type, at }): Buffer[] => {
      if (userId === null || type === 'impression') return [];
      const action: SharedAction = { userId: this.nameUser(userId), pinId: this.pins.idOf(pinIndex), type, at };
      return [Buffer.from(JSON.stringify(action))];
    });
    const taken = told.slice(0, WAITING_MAX - this.waiting.length);
    this.unpublished += told.length - taken.length;
    this.waiting.push(...taken);
    void this.send();
  }

  private async send(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    while (this.waiting.length > 0 && !this.closed) {
      const batch = this.waiting.slice(0, BATCH);
      if (await this.stream.publish(batch)) this.waiting.splice(0, batch.length);
      else await new Promise((again) => setTimeout(again, REST_MS));
    }
    this.sending = false;
  }

  /** Has the actions of a user at hand for `of`; as long as Redis may take, at most. While it is away, what was known of them stays. */
  async bring(userId: string): Promise<void> {
    if (this.known.has(userId)) return;
    const values = await this.cache.list(CACHE_KEYS.actions.key(this.nameUser(userId)));
    this.known.set(userId, values?.flatMap((value) => this.actionOf(value)) ?? this.of(userId));
  }

  /** What was brought of a user, newest first. */
  of(userId: string): readonly PastAction[] {
    return this.known.get(userId, { allowStale: true }) ?? [];
  }

  private actionOf(value: Buffer): PastAction[] {
    const action = readAction(value);
    const pinIndex = action === null ? -1 : this.pins.indexOf(action.pinId);
    return action === null || pinIndex < 0 ? [] : [{ pinIndex, type: action.type, at: action.at }];
  }

  /** Takes part in the consumer group until closed. */
  follow(): void {
    const work = async (): Promise<void> => {
      while (!this.closed) if ((await this.consume()) === 0) await new Promise((again) => setTimeout(again, REST_MS));
    };
    this.following = work();
  }

  /**
   * Lays one batch into the lists of its users; how many entries it was done with. Those that the cache did not take (a
   * full Redis) stay unacknowledged, and are taken again.
   */
  async consume(): Promise<number> {
    const entries = await this.stream.take(BATCH);
    const byUser = new Map<string, StreamEntry[]>();
    const done: string[] = [];
    for (const entry of entries) {
      const action = readAction(entry.value);
      const others = action === null ? undefined : byUser.get(action.userId);
      if (action === null) done.push(entry.id);
      else if (others) others.push(entry);
      else byUser.set(action.userId, [entry]);
    }
    const lay = async ([userId, ofUser]: readonly [string, readonly StreamEntry[]]): Promise<void> => {
      const { key: keyOf, ttlMs } = CACHE_KEYS.actions;
      const values = ofUser.map(({ value }) => value);
      if (await this.cache.push(keyOf(userId), values, KEPT_PER_USER, ttlMs)) done.push(...ofUser.map(({ id }) => id));
    };
    await Promise.all([...byUser].map(lay));
    await this.stream.acknowledge(done);
    this.consumed += done.length;
    return done.length;
  }

  lag(): Promise<number | null> {
    return this.stream.lag();
  }

  /** Why nothing can be taken from the stream; null when all is well. */
  problem(): string | null {
    return this.stream.problem();
  }

  async close(): Promise<void> {
    this.closed = true;
    this.stream.close();
    await this.following;
  }
}

/** Null for what is not one of ours. */
function readAction(value: Buffer): SharedAction | null {
  try {
    const { userId, pinId, type, at } = JSON.parse(value.toString()) as SharedAction;
    return typeof userId === 'string' && typeof pinId === 'string' && EVENT_TYPES.includes(type) && Number.isFinite(at)
      ? { userId, pinId, type, at }
      : null;
  } catch {
    return null;
  }
}

/** Takes one user, by stored name, out of the shared state: their list, and what is still in the stream. Null when Redis was away. */
export async function eraseShared(cache: Cache, stream: EventStream, userId: string): Promise<number | null> {
  const inStream = await stream.remove((value) => readAction(value)?.userId === userId);
  const forgotten = await cache.forget(CACHE_KEYS.actions.key(userId));
  return inStream === null || !forgotten ? null : inStream;
}
