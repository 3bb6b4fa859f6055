/**
 * What is past capacity is answered at once with 503 and Retry-After instead of making everybody wait. Three bounds:
 *
 *   wait       requests that arrive together are handled one after the other; one whose turn comes later than the lane's
 *              budget is refused (a refusal costs a fraction of an answer, so the queue empties)
 *   in flight  requests of a lane that are being answered (waiting for a commit, an image, a thread)
 *   bodies     bytes of bodies on their way in: slow senders hold no slot, and together no more than this
 *
 * Writes, reads and expensive work have lanes of their own, so that none starves the others; health and metrics have none.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config.ts';
import { ServiceError } from '../errors.ts';
import type { App } from './routes.ts';

export type Lane = 'read' | 'write' | 'heavy';

export interface LaneLimits {
  /** Longest time a request waits for its turn, in milliseconds. */
  readonly waitMs: number;
  readonly inFlight: number;
}

export type Limits = Readonly<Record<Lane, LaneLimits>> & {
  /** Bytes of bodies being received. */
  readonly bodies: number;
};

const RETRY_AFTER_SECONDS = 1;
/** Writes wait this many times longer than reads before they are refused: a lost reading is asked for again, a lost event is lost. */
const WRITE_PATIENCE = 5;
/** So few together are no queue: then it is the machine that is slow, and refusing would not help. */
const TURN_MIN = 32;
/** Bodies in reception, in largest bodies. */
const BODIES_MAX = 32;

export function limitsOf({ maxInFlight, queueWaitMs, bodyLimitBytes, heavyInFlight }: Config): Limits {
  return {
    read: { waitMs: queueWaitMs, inFlight: maxInFlight },
    write: { waitMs: queueWaitMs * WRITE_PATIENCE, inFlight: maxInFlight },
    heavy: { waitMs: queueWaitMs, inFlight: heavyInFlight },
    bodies: BODIES_MAX * bodyLimitBytes,
  };
}

export class Admission {
  readonly inFlight: Record<Lane, number> = { read: 0, write: 0, heavy: 0 };
  readonly refused: Record<Lane, number> = { read: 0, write: 0, heavy: 0 };
  bodyBytes = 0;
  private readonly limits: Limits;
  private turnStartedAt = -1;
  private turn = 0;

  constructor(limits: Limits) {
    this.limits = limits;
  }

  /** @throws SERVER_OVERLOADED when this request should not be taken. */
  check(lane: Lane, bodyBytes: number): void {
    const { waitMs, inFlight } = this.limits[lane];
    const free = this.inFlight[lane] < inFlight && this.bodyBytes + bodyBytes <= this.limits.bodies;
    if (free && (this.waited() <= waitMs || this.turn <= TURN_MIN)) return;
    this.refused[lane]++;
    throw new ServiceError('SERVER_OVERLOADED', { retryAfterSeconds: RETRY_AFTER_SECONDS });
  }

  /** Milliseconds since the first request of those that arrived together was taken up. */
  private waited(): number {
    const now = performance.now();
    this.turn++;
    if (this.turnStartedAt < 0) {
      this.turnStartedAt = now;
      this.turn = 1;
      setImmediate(() => {
        this.turnStartedAt = -1;
      });
    }
    return now - this.turnStartedAt;
  }
}

/** The hooks: refuse before the body is read, count the body while it comes, count the request until its reply is gone. */
export function admit(app: App, admission: Admission, bodyLimitBytes: number): void {
  app.addHook('onRequest', async (request, reply) => {
    const lane = laneOf(request);
    if (lane === null) return;
    const bytes = bodyBytesOf(request, bodyLimitBytes);
    admission.check(lane, bytes);
    if (bytes > 0) countBody(admission, request, bytes);
    else countRequest(admission, lane, reply);
  });
  app.addHook('preValidation', async (request, reply) => {
    const lane = laneOf(request);
    if (lane !== null && bodyBytesOf(request, bodyLimitBytes) > 0) countRequest(admission, lane, reply);
  });
}

function laneOf({ routeOptions }: FastifyRequest): Lane | null {
  const { scope, lane, quiet } = routeOptions.config;
  if (lane) return lane;
  if (scope === 'events' || scope === 'catalogue') return 'write';
  return scope === undefined || scope === 'admin' || quiet ? null : 'read';
}

/** What a body may come to: its length where it says so, else the largest one. */
function bodyBytesOf({ headers }: FastifyRequest, limit: number): number {
  if (headers['content-length'] !== undefined) return Math.min(limit, Number(headers['content-length']) || 0);
  return headers['transfer-encoding'] === undefined ? 0 : limit;
}

function countBody(admission: Admission, { raw }: FastifyRequest, bytes: number): void {
  admission.bodyBytes += bytes;
  raw.once('close', () => {
    admission.bodyBytes -= bytes;
  });
}

function countRequest(admission: Admission, lane: Lane, { raw }: FastifyReply): void {
  admission.inFlight[lane]++;
  raw.once('close', () => {
    admission.inFlight[lane]--;
  });
}
