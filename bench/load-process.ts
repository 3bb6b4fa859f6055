/**
 * A load generator in a process of its own. Open loop: requests leave by the clock whether or not earlier ones came back,
 * and latency counts from the moment a request should have left, so a stalled server can't hide its queue. Closed loop:
 * so many clients, each sending the next request when its last one was answered. The open loop sleeps between requests, so they
 * leave up to a millisecond late, which counts: one that spun would take a core from the server's other threads. Latencies of the first half second are left
 * out: the generator makes its connections and compiles its own code then, and holds its requests up by 50 ms and more.
 */
import { Pool } from 'undici';

export interface LoadRequest {
  readonly path: string;
  readonly method?: 'GET' | 'POST';
  readonly body?: string;
}

export interface LoadOrder {
  readonly origin: string;
  /** `@@` in a body becomes a text that no other request has. */
  readonly requests: readonly LoadRequest[];
  /** The place of the first one that is sent; absent: 0. */
  readonly from?: number;
  readonly seconds: number;
  /** Requests per second by the clock; absent: closed loop. */
  readonly rate?: number;
  /** Clients of the closed loop, connections of the open one. */
  readonly clients: number;
}

export interface LoadResult {
  readonly done: number;
  readonly failed: number;
  readonly seconds: number;
  /** Milliseconds, of requests that were due when the generator had settled. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly bytes: number;
  /** Processor time of the load generator itself. */
  readonly cpuMicros: number;
}

const SETTLE_MS = 500;

async function run(order: LoadOrder): Promise<LoadResult> {
  const pool = new Pool(order.origin, { connections: order.clients, pipelining: 1 });
  const latencies: number[] = [];
  const counts = { done: 0, failed: 0, bytes: 0 };
  let sent = order.from ?? 0;
  let settledAt = 0;
  const one = async (dueAt: number): Promise<void> => {
    const { path, method = 'GET', body: template } = order.requests[sent++ % order.requests.length];
    const body = template?.replaceAll('@@', `${process.pid}-${sent}-`);
    try {
      const headers = body === undefined ? undefined : { 'content-type': 'application/json' };
      const reply = await pool.request({ path, method, body, headers });
      for await (const chunk of reply.body) counts.bytes += (chunk as Buffer).length;
      if (reply.statusCode !== 200) counts.failed++;
    } catch {
      counts.failed++;
    }
    counts.done++;
    if (dueAt >= settledAt) latencies.push(performance.now() - dueAt);
  };
  const before = process.cpuUsage();
  const startedAt = performance.now();
  settledAt = startedAt + Math.min(SETTLE_MS, order.seconds * 500);
  const until = startedAt + order.seconds * 1000;
  if (order.rate === undefined) await closedLoop(one, order.clients, until);
  else await openLoop(one, order.rate, startedAt, until);
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(before);
  await pool.close();
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))] ?? 0;
  return { ...counts, seconds, cpuMicros: user + system, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

async function closedLoop(one: (dueAt: number) => Promise<void>, clients: number, until: number): Promise<void> {
  const client = async (): Promise<void> => {
    while (performance.now() < until) await one(performance.now());
  };
  await Promise.all(Array.from({ length: clients }, client));
}

async function openLoop(one: (dueAt: number) => Promise<void>, rate: number, startedAt: number, until: number): Promise<void> {
  const flying: Promise<void>[] = [];
  for (let i = 0; ;) {
    const now = performance.now();
    for (; startedAt + (i * 1000) / rate <= now; i++) flying.push(one(startedAt + (i * 1000) / rate));
    if (now >= until) break;
    await new Promise((done) => setTimeout(done, 1));
  }
  await Promise.all(flying);
}

if (process.send) {
  process.on('disconnect', () => process.exit());
  process.on('message', (order: LoadOrder) => {
    run(order).then(
      (result) => process.send?.(result),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}
