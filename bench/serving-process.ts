/** A contender of the serving benches, in a process of its own: the service over a data folder, or the floor. */
import { createHash } from 'node:crypto';
import { Session } from 'node:inspector/promises';
import Fastify from 'fastify';
import { readConfig } from '../src/config.ts';
import { startServer } from '../src/server.ts';
import { costParts, type CostParts, type CpuProfile } from './cost-parts.ts';

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
  { readonly port: number } | { readonly cpuMicros: number; readonly mainMicros: number; readonly rssBytes: number } | CostParts;

/** Asks for the processor time, begins a profile, or ends it and sums it up over so many requests. */
type ContenderQuestion = 'usage' | 'profile' | { readonly requests: number };

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

/** Between two samples of a profile. */
const SAMPLE_MICROS = 200;
const session = new Session();
let profiledFrom = process.threadCpuUsage();

async function startProfile(): Promise<Record<string, never>> {
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_MICROS });
  await session.post('Profiler.start');
  profiledFrom = process.threadCpuUsage();
  return {};
}

async function endProfile(requests: number): Promise<CostParts> {
  const { user, system } = process.threadCpuUsage(profiledFrom);
  const { profile } = (await session.post('Profiler.stop')) as { profile: CpuProfile };
  session.disconnect();
  return costParts(profile, requests, user + system);
}

function answer(message: ContenderOrder | ContenderQuestion): Promise<object> | object {
  if (message === 'profile') return startProfile();
  if (message === 'usage') {
    const { user, system } = process.cpuUsage();
    const main = process.threadCpuUsage();
    return { cpuMicros: user + system, mainMicros: main.user + main.system, rssBytes: process.memoryUsage.rss() };
  }
  if ('requests' in message) return endProfile(message.requests);
  return start(message).then((port) => ({ port }));
}

if (process.send) {
  process.on('disconnect', () => process.exit());
  process.on('message', (message: ContenderOrder | ContenderQuestion) => {
    Promise.resolve(answer(message)).then(
      (word) => process.send?.(word),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}
