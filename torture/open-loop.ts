/** Load that does not wait: requests leave when they are due, whether earlier ones were answered or not. */
import { Agent, FormData, request } from 'undici';

export interface LoadResult {
  readonly offered: number;
  /** Replies by status; `error` where none came. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Milliseconds from when a request was due until its reply was read; of those answered with 200. */
  readonly acceptedMs: Float64Array;
  /** 503 without Retry-After. */
  readonly withoutRetryAfter: number;
  readonly errors: readonly string[];
}

export interface Load {
  readonly url: string;
  readonly perSecond: number;
  readonly seconds: number;
  readonly connections: number;
  /** Path of the n-th request. */
  path(n: number): string;
  /** Body of the n-th request, a form or JSON; undefined or absent: GET. */
  body?(n: number): unknown;
  /** Called with the status of the n-th reply. */
  answered?(n: number, status: number): void;
}

const TICK_MS = 10;
const REPLY_MS = 30_000;
/** More than this many open requests are not sent at all: the client's own memory. */
const OPEN_MAX = 5000;

export async function openLoop(load: Load): Promise<LoadResult> {
  const dispatcher = new Agent({ connections: load.connections, pipelining: 1, headersTimeout: REPLY_MS, bodyTimeout: REPLY_MS });
  const statuses: Record<string, number> = {};
  const accepted: number[] = [];
  const errors: string[] = [];
  const open = new Set<Promise<void>>();
  let withoutRetryAfter = 0;
  let offered = 0;
  const send = async (n: number): Promise<void> => {
    const dueAt = performance.now();
    try {
      const body: unknown = await load.body?.(n);
      const reply = await request(`${load.url}${load.path(n)}`, { dispatcher, ...posted(body) });
      await reply.body.dump();
      load.answered?.(n, reply.statusCode);
      statuses[reply.statusCode] = (statuses[reply.statusCode] ?? 0) + 1;
      if (reply.statusCode === 200) accepted.push(performance.now() - dueAt);
      if (reply.statusCode === 503 && reply.headers['retry-after'] === undefined) withoutRetryAfter++;
    } catch (error) {
      statuses.error = (statuses.error ?? 0) + 1;
      if (errors.length < 5) errors.push(error instanceof Error ? `${error.message} ${String(error.cause ?? '')}`.trim() : String(error));
    }
  };
  const startedAt = performance.now();
  while (performance.now() - startedAt < load.seconds * 1000) {
    const due = Math.floor(((performance.now() - startedAt) / 1000) * load.perSecond);
    for (; offered < due && open.size < OPEN_MAX; offered++) {
      const sent: Promise<void> = send(offered).finally(() => open.delete(sent));
      open.add(sent);
    }
    await new Promise((later) => setTimeout(later, TICK_MS));
  }
  await Promise.all(open);
  await dispatcher.close();
  return { offered, statuses, acceptedMs: Float64Array.from(accepted).sort(), withoutRetryAfter, errors };
}

function posted(body: unknown): object {
  if (body === undefined) return {};
  if (body instanceof FormData) return { method: 'POST', body };
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

/** The value below which a share of sorted values lies; NaN without values. */
export function quantile(sorted: Float64Array, share: number): number {
  return sorted.length === 0 ? Number.NaN : sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

/** How many requests per second a few clients that wait for their replies get answered. */
export async function closedLoop(url: string, clients: number, seconds: number, path: (n: number) => string): Promise<number> {
  const dispatcher = new Agent({ connections: clients, pipelining: 1 });
  let answered = 0;
  let n = 0;
  const until = performance.now() + seconds * 1000;
  const client = async (): Promise<void> => {
    while (performance.now() < until) {
      const reply = await request(`${url}${path(n++)}`, { dispatcher });
      await reply.body.dump();
      if (reply.statusCode === 200) answered++;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  await dispatcher.close();
  return answered / seconds;
}
