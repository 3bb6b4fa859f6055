/**
 * What is past capacity is answered at once with 503 and Retry-After instead of making everybody wait.
 *
 * Requests are let in a few per turn of the event loop, in the order in which they came: as many as begin within a
 * millisecond, sixteen at most. After that the loop takes up new connections and reads what has arrived, so that the queue
 * stands here, where its length and waits are known, and not in the kernel. Bounds of a lane: how long one waits for its
 * turn, how many are being answered, and the bytes of bodies that are on their way in or being answered (slow senders hold
 * no place). Writes, reads and image work have lanes of their own, so that none starves the others; health and metrics have
 * none. When a lane is full, those go first who keep it full by being slow: bodies that will not be there in time, replies
 * that nobody reads.
 *
 * Why new connections come first: libuv (1.46) accepts one connection per turn of the loop; with a request answered in
 * each, a storm of new connections would wait in the kernel for seconds, unseen.
 */
import type { Server } from 'node:http';
import type { Config } from '../../config.ts';
import { ServiceError } from '../../errors.ts';

export type Lane = 'read' | 'write' | 'heavy';
const LANES: readonly Lane[] = ['write', 'read', 'heavy'];
/** Bodies of administration are `other`. */
type BodyLane = Lane | 'other';
const BODY_LANES: readonly BodyLane[] = [...LANES, 'other'];

interface LaneLimits {
  /** Longest time a request waits for its turn, in milliseconds. */
  readonly waitMs: number;
  readonly inFlight: number;
}

type Limits = Readonly<Record<Lane, LaneLimits>> & {
  /** Bytes of bodies that may be on their way or being answered. */
  readonly bodies: Readonly<Record<BodyLane, number>>;
  /** A body must have come by then, in milliseconds. */
  readonly bodyMs: number;
};

/** A reply: it closes once. */
interface Closing {
  readonly closed?: boolean;
  /** All of it has been handed to the kernel or waits for the caller to read. */
  readonly writableEnded?: boolean;
  /** The connection it goes to. A reply that waited behind another one when that was closed closes never. */
  readonly req?: { readonly socket: { readonly destroyed: boolean } };
  once(event: 'close', listener: () => void): unknown;
  destroy?(error: Error): unknown;
}

/** A request whose body is on its way. */
interface Sender {
  readonly complete: boolean;
  readonly socket: { readonly bytesRead: number };
  destroy(): unknown;
}

interface Body {
  readonly bytes: number;
  readonly sender: Sender;
  readonly reply: Closing;
  readonly since: number;
  /** Bytes that the connection had read before. */
  readonly from: number;
}

type Done = (refusal?: ServiceError) => void;

interface Entry {
  readonly lane: Lane;
  readonly since: number;
  readonly reply: Closing;
  readonly done: Done;
  state: 'waiting' | 'admitted' | 'gone';
  /** When its reply was first seen ended and not yet taken by the kernel; 0: not yet. */
  unreadSince: number;
}

const RETRY_AFTER_SECONDS = 1;
/** Writes and image work wait this many times longer than reads: a lost list is asked for again, a lost event is lost. */
const PATIENCE = 5;
/** Bodies of each lane, in largest bodies (image work: in largest uploads); they bound the memory that callers can take by sending. */
const BODIES_MAX: Readonly<Record<BodyLane, number>> = { write: 32, read: 8, heavy: 8, other: 2 };
/** A body is not called slow before. */
const BODY_GRACE_MS = 1000;
/** How long a reply may wait for its reader when others wait for its place: a few round trips around the world. */
const UNREAD_MS = 1000;
/** So few are no queue: when they wait, the machine is slow, and refusing would not help. */
const QUEUE_MIN = 32;
/** Longer queues are cut at once, whatever they wait. */
const QUEUE_MAX = 4096;
/** So many requests of a lane share a turn, and so long: a turn for each would cost a short one as much as its answer. */
const TURN_MAX = 16;
const TURN_MS = 1;
/** Turns given to new connections before the next request has its own. */
const ACCEPTING_TURNS_MAX = 64;
/** How often a lane that is full looks for those who have waited too long. */
const EXPIRY_MS = 25;

export function limitsOf(config: Config): Limits {
  const { maxInFlight, queueWaitMs, bodyLimitBytes, uploadLimitBytes, heavyInFlight, requestTimeoutMs } = config;
  return {
    read: { waitMs: queueWaitMs, inFlight: maxInFlight },
    write: { waitMs: queueWaitMs * PATIENCE, inFlight: maxInFlight },
    heavy: { waitMs: queueWaitMs * PATIENCE, inFlight: heavyInFlight },
    bodies: {
      write: BODIES_MAX.write * bodyLimitBytes,
      read: BODIES_MAX.read * bodyLimitBytes,
      heavy: BODIES_MAX.heavy * Math.max(bodyLimitBytes, uploadLimitBytes),
      other: BODIES_MAX.other * bodyLimitBytes,
    },
    bodyMs: requestTimeoutMs,
  };
}

function isOrphan({ req }: Closing): boolean {
  return req?.socket.destroyed === true;
}

export class Admission {
  readonly inFlight: Record<Lane, number> = { read: 0, write: 0, heavy: 0 };
  readonly refused: Record<Lane, number> = { read: 0, write: 0, heavy: 0 };
  /** Slow senders and replies that nobody read, cut off for the sake of others. */
  cut = 0;
  private readonly bodies: Record<BodyLane, Set<Body>> = { read: new Set(), write: new Set(), heavy: new Set(), other: new Set() };
  private readonly bytes: Record<BodyLane, number> = { read: 0, write: 0, heavy: 0, other: 0 };
  private readonly admitted: Record<Lane, Set<Entry>> = { read: new Set(), write: new Set(), heavy: new Set() };
  private readonly limits: Limits;
  private readonly queues: Record<Lane, Entry[]> = { read: [], write: [], heavy: [] };
  /** A turn is coming: a request that enters now waits for it. */
  private turning = false;
  private accepted = false;
  private acceptingTurns = 0;

  constructor(limits: Limits) {
    this.limits = limits;
  }

  /** Lets new connections of this server go before waiting requests. */
  watch(server: Server): void {
    server.on('connection', () => {
      this.accepted = true;
    });
  }

  waiting(lane: Lane): number {
    return this.queues[lane].length;
  }

  /** Bytes of bodies on their way or being answered, by what they declare. */
  get bodyBytes(): number {
    return Object.values(this.bytes).reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Whether a body of so many bytes may come; counted until `reply` is closed. @throws SERVER_OVERLOADED */
  takeBody(lane: BodyLane, bytes: number, sender: Sender, reply: Closing): void {
    while (this.bytes[lane] + bytes > this.limits.bodies[lane] && this.cutSlowest(lane));
    if (this.bytes[lane] + bytes > this.limits.bodies[lane]) throw this.refusal(lane === 'other' ? 'write' : lane);
    const body: Body = { bytes, sender, reply, since: performance.now(), from: sender.socket.bytesRead };
    this.bodies[lane].add(body);
    this.bytes[lane] += bytes;
    reply.once('close', () => this.release(lane, body));
  }

  private release(lane: BodyLane, body: Body): void {
    if (this.bodies[lane].delete(body)) this.bytes[lane] -= body.bytes;
  }

  /** Ends the body that lags most behind the pace at which it would be there in time; false: none lags. */
  private cutSlowest(lane: BodyLane): boolean {
    const now = performance.now();
    let slowest: Body | null = null;
    let leastPace = 1;
    for (const body of this.bodies[lane]) {
      const elapsed = now - body.since;
      if (body.sender.complete || elapsed < BODY_GRACE_MS) continue;
      const pace = (body.sender.socket.bytesRead - body.from) / body.bytes / (elapsed / this.limits.bodyMs);
      if (pace < leastPace) [slowest, leastPace] = [body, pace];
    }
    if (slowest === null) return false;
    this.release(lane, slowest);
    this.cut++;
    slowest.sender.destroy();
    return true;
  }

  /**
   * Ends replies that are whole and that nobody has read for so long, in milliseconds; of one lane or of all. Gives back what
   * was taken for requests that stood behind others on a connection that is gone.
   */
  cutUnread(longestMs: number, lanes: readonly Lane[] = LANES): void {
    const now = performance.now();
    for (const lane of BODY_LANES) for (const body of this.bodies[lane]) if (isOrphan(body.reply)) this.release(lane, body);
    for (const lane of lanes) {
      for (const entry of this.admitted[lane]) {
        if (!entry.reply.writableEnded) continue;
        entry.unreadSince ||= now;
        const isUnread = now - entry.unreadSince >= longestMs;
        if (isUnread) {
          this.cut++;
          entry.reply.destroy?.(new Error('nobody read the reply'));
        }
        if (isUnread || isOrphan(entry.reply)) this.leave(entry);
      }
    }
  }

  /** Calls `done` when it is this request's turn, or at once or later with a refusal; not at all once its reply is closed. */
  enter(lane: Lane, reply: Closing, done: Done): void {
    if (reply.closed) return;
    const queue = this.queues[lane];
    const entry: Entry = { lane, since: performance.now(), reply, done, state: 'waiting', unreadSince: 0 };
    if (!this.turning && queue.length === 0 && this.hasRoom(lane)) {
      reply.once('close', () => this.leave(entry));
      this.nextTurn();
      this.admit(entry);
      return;
    }
    if (queue.length >= QUEUE_MAX) return done(this.refusal(lane));
    reply.once('close', () => this.leave(entry));
    queue.push(entry);
    this.nextTurn();
  }

  private hasRoom(lane: Lane): boolean {
    return this.inFlight[lane] < this.limits[lane].inFlight;
  }

  private admit(entry: Entry): void {
    entry.state = 'admitted';
    this.admitted[entry.lane].add(entry);
    this.inFlight[entry.lane]++;
    entry.done();
  }

  /** A caller who hangs up while waiting is let in no more; nobody would give the place back. */
  private leave(entry: Entry): void {
    if (this.admitted[entry.lane].delete(entry)) this.inFlight[entry.lane]--;
    entry.state = 'gone';
  }

  private nextTurn(): void {
    if (this.turning) return;
    this.turning = true;
    setImmediate(() => this.turn());
  }

  /** A few requests of each lane. Ends when nobody waits; a lane that is full is looked at again a little later. */
  private turn(): void {
    if (this.accepted && this.acceptingTurns++ < ACCEPTING_TURNS_MAX) {
      this.accepted = false;
      setImmediate(() => this.turn());
      return;
    }
    this.accepted = false;
    this.acceptingTurns = 0;
    const until = performance.now() + TURN_MS;
    const longest = Math.max(...LANES.map((lane) => this.queues[lane].length));
    // An immediate for each: what a request does behind its first wait counts against the time as well.
    for (let more = Math.min(TURN_MAX, longest) - 1; more > 0; more--) {
      setImmediate(() => {
        if (performance.now() < until) this.letIn();
      });
    }
    this.letIn();
    setImmediate(() => this.endTurn());
  }

  private endTurn(): void {
    this.turning = false;
    const waiting = LANES.filter((lane) => this.queues[lane].length > 0);
    if (waiting.length === 0) return;
    if (waiting.some((lane) => this.hasRoom(lane))) return this.nextTurn();
    this.turning = true;
    this.cutUnread(UNREAD_MS, waiting);
    setTimeout(() => this.turn(), EXPIRY_MS);
  }

  /** The next request of each lane. */
  private letIn(): void {
    for (const lane of LANES) {
      const queue = this.queues[lane];
      if (queue.length === 0) continue;
      this.expire(lane);
      while (queue[0]?.state === 'gone') queue.shift();
      const next = this.hasRoom(lane) ? queue.shift() : undefined;
      if (next) this.admit(next);
    }
  }

  /** Refuses those at the head of a queue who have waited too long. */
  private expire(lane: Lane): void {
    const queue = this.queues[lane];
    const oldest = performance.now() - this.limits[lane].waitMs;
    const full = !this.hasRoom(lane);
    let late = 0;
    while (late < queue.length && queue[late].since < oldest && (full || queue.length - late > QUEUE_MIN)) late++;
    for (const { done, state } of queue.splice(0, late)) if (state === 'waiting') done(this.refusal(lane));
  }

  private refusal(lane: Lane): ServiceError {
    this.refused[lane]++;
    return new ServiceError('SERVER_OVERLOADED', { retryAfterSeconds: RETRY_AFTER_SECONDS });
  }
}
