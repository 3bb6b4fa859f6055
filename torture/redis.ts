/**
 * Redis beside a service under load: killed, started again, emptied, paused, over and over. Every reply stays 200, every
 * event is acknowledged and there once. A round is one thing done to Redis. Needs redis-server on the path.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../src/catalog/database.ts';
import { deriveSeed, seededRandom } from '../src/math/random.ts';
import { EventLedger, reportUntilKilled } from './event-intake.ts';
import { openLoop, quantile } from './open-loop.ts';
import type { Scenario } from './scenario.ts';
import { runJob, type ServiceProcess, startService } from './service-process.ts';
import { writeSmallCatalog } from './small-catalog.ts';

const PINS = 1000;
const ROUND_SECONDS = 3;
const PAUSE_MS = 1500;
/** Losing Redis may cost its patience on a request, not more. */
const P99_MAX_MS = 2000;

export const redis: Scenario = async ({ minutes, seed, rounds = Number.POSITIVE_INFINITY, say }) => {
  if (spawnSync('redis-server', ['--version']).status !== 0) {
    say('skipped: there is no redis-server on this machine');
    return { rounds: 0, lost: 0, doubled: 0, failed: 0, failures: [], skipped: 'there is no redis-server on this machine' };
  }
  const folder = mkdtempSync(join(tmpdir(), 'related-pins-redis-'));
  const failures: string[] = [];
  const ledger = new EventLedger();
  const figures: unknown[] = [];
  const deadline = Date.now() + minutes * 60_000;
  const port = await freePort();
  let server = await startRedis(port, folder);
  let service: ServiceProcess | null = null;
  let round = 0;
  let lost = 0;
  try {
    const data = join(folder, 'data');
    const catalog = writeSmallCatalog(join(folder, 'files'), PINS, 100, 30, seed);
    await runJob(['import-catalog', '--data', data, ...catalog.flags]);
    await runJob(['build-candidates', '--data', data, '--only', 'cooccurrence']);
    service = await startService(data, { RELATED_PINS_REDIS_URL: `redis://127.0.0.1:${port}` });
    const random = seededRandom(deriveSeed(seed, 'redis'));
    const { url } = service;
    while (round < rounds && Date.now() < deadline) {
      const act = (['kill', 'start', 'flush', 'pause'] as const)[round % 4];
      let over = false;
      const client = reportUntilKilled(url, PINS, ledger, seededRandom(random.integer(2 ** 31)), () => over);
      const load = openLoop({ url, perSecond: 30, seconds: ROUND_SECONDS, connections: 8, path: () => `/v1/pins/p${random.integer(PINS)}/related` });
      await new Promise((soon) => setTimeout(soon, 500));
      if (act === 'kill') await stopRedis(server);
      else if (act === 'start') server = await startRedis(port, folder);
      else await command(port, act === 'flush' ? 'FLUSHALL' : `CLIENT PAUSE ${PAUSE_MS} ALL`);
      const { statuses, offered, acceptedMs, errors } = await load;
      over = true;
      await client;
      const p99 = quantile(acceptedMs, 0.99);
      if (statuses[200] !== offered) failures.push(`${act}: ${JSON.stringify(statuses)} of ${offered} ${errors.join('; ')}`);
      if (p99 > P99_MAX_MS) failures.push(`${act}: p99 is ${Math.round(p99)} ms`);
      figures.push({ act, offered, p99Ms: Math.round(p99 * 10) / 10 });
      round++;
    }
    await service.kill();
    const database = openDatabase(join(data, 'log.sqlite'), { readonly: true });
    const there = new Set(database.prepare('SELECT event_id FROM event UNION ALL SELECT event_id FROM stray_event').pluck().all() as string[]);
    database.close();
    for (const eventId of ledger.acknowledged) if (!there.has(eventId)) lost++;
  } finally {
    await service?.kill();
    await stopRedis(server);
    rmSync(folder, { recursive: true, force: true });
  }
  failures.push(...ledger.problems);
  return { rounds: round, lost, doubled: ledger.doubled, failed: failures.length, failures, acknowledged: ledger.acknowledged.size, figures };
};

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

async function startRedis(port: number, folder: string): Promise<ChildProcess> {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
  const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  await new Promise<void>((ready, failed) => {
    server.stdout?.on('data', (chunk: Buffer) => chunk.toString().includes('Ready to accept') && ready());
    server.once('exit', () => failed(new Error('redis-server stopped before it was ready')));
  });
  return server;
}

async function stopRedis(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  server.kill('SIGKILL');
  await gone;
}

/** One inline command; settles with the first reply. */
function command(port: number, text: string): Promise<void> {
  return new Promise((done, failed) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${text}\r\n`));
    socket.once('data', () => {
      socket.destroy();
      done();
    });
    socket.once('error', failed);
  });
}
