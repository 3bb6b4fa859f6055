/** A contender of the serving benches, in a process of its own: the service over a data folder, or the floor. */
import { createHash } from 'node:crypto';
import Fastify from 'fastify';
import { readConfig } from '../src/config.ts';
import { startServer } from '../src/server.ts';

/** What the parent says when it forks: the contender and its settings. */
export interface ContenderOrder {
  readonly kind: 'service' | 'floor';
  readonly folder?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Bytes that the floor returns to everything. */
  readonly body?: string;
}

/** What a contender answers: where it listens, and on request how much processor time it has used. */
export type ContenderWord =
  { readonly port: number } | { readonly cpuMicros: number; readonly mainMicros: number; readonly rssBytes: number };

async function start(order: ContenderOrder): Promise<number> {
  if (order.kind === 'floor') return startFloor(order.body ?? '{}');
  const config = readConfig({}, { ...order.settings, port: 0, logLevel: 'info', data: order.folder ?? '' });
  const { address } = await startServer(config, order.folder ?? '');
  return Number(new URL(address).port);
}

/** Fastify returning the same bytes from memory: what no service on it can beat. */
async function startFloor(body: string): Promise<number> {
  const app = Fastify();
  const bytes = Buffer.from(body);
  const tag = createHash('sha1').update(bytes).digest('hex');
  app.all('/*', async (_, reply) => reply.type('application/json').header('x-tag', tag).send(bytes));
  return Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port);
}

if (process.send) {
  process.on('disconnect', () => process.exit());
  process.on('message', (message: ContenderOrder | 'usage') => {
    if (message === 'usage') {
      const { user, system } = process.cpuUsage();
      const main = process.threadCpuUsage();
      process.send?.({ cpuMicros: user + system, mainMicros: main.user + main.system, rssBytes: process.memoryUsage.rss() });
    } else {
      start(message).then(
        (port) => process.send?.({ port }),
        (error: unknown) => {
          console.error(error);
          process.exit(1);
        },
      );
    }
  });
}
