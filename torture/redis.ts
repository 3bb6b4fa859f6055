/**
 * Redis beside a service under load, a single server first and then a cluster with replicas: killed, started again,
 * emptied, blocked, frozen, failed over, over and over. Every reply stays 200, every event is acknowledged and there once,
 * replies say degraded while Redis is away, and soon after it is back what is done in one process is known in another.
 * A round is one thing done to Redis. Needs redis-server (and redis-cli for the cluster) on the path.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reasonOf } from '../src/errors.ts';
import { mixedSeed, type Random, seededRandom } from '../src/math/random.ts';
import { EventLedger, reportUntilKilled } from './event-intake.ts';
import { openLoop, quantile } from './open-loop.ts';
import { HAS_REDIS, HAS_REDIS_CLUSTER, redisCommand, startRedis, startRedisCluster, type TestRedis } from './redis-server.ts';
import type { Scenario } from './scenario.ts';
import { runJob, type ServiceProcess, startService } from './service-process.ts';
import { writeSmallCatalog } from './small-catalog.ts';
import { countLost } from './stored-events.ts';

const PINS = 1000;
const ROUND_SECONDS = 3;
const BLOCK_MS = 1500;
/** Losing Redis may cost its patience on a request, not more. */
const P99_MAX_MS = 2000;
/** A replica takes over within node timeout and election. */
const FAILOVER_MS = 15_000;
const SHARED_MS = 20_000;

interface Site {
  readonly here: ServiceProcess;
  /** A second process with a data folder of its own, on the same Redis. */
  readonly there: ServiceProcess;
  readonly nodes: TestRedis[];
  readonly random: Random;
  readonly ledger: EventLedger;
  readonly failures: string[];
  users: number;
}

type Act = (site: Site) => Promise<void>;

/** What is done to a single server; each leaves it running, but `kill`, which `start` mends. */
const SINGLE: Readonly<Record<string, Act>> = {
  kill: async ({ nodes }) => nodes[0].stop(),
  start: async ({ nodes }) => {
    nodes[0] = await startRedis(nodes[0].port);
  },
  flush: async ({ nodes }) => void (await redisCommand(nodes[0].port, 'FLUSHALL')),
  block: async ({ nodes }) => void (await redisCommand(nodes[0].port, `CLIENT PAUSE ${BLOCK_MS} ALL`)),
  freeze: async ({ nodes }) => {
    nodes[0].freeze();
    setTimeout(() => nodes[0].wake(), BLOCK_MS);
  },
};

/** What is done to a cluster: asked politely, flushed, and a master killed for good, at most one. */
const CLUSTER: Readonly<Record<string, Act>> = {
  'fail over': async ({ nodes }) => void (await redisCommand(nodes[3].port, 'CLUSTER FAILOVER')),
  'flush the cluster': async ({ nodes }) => void (await Promise.allSettled(nodes.map(({ port }) => redisCommand(port, 'FLUSHALL')))),
  'freeze a node': async ({ nodes }) => {
    nodes[1].freeze();
    setTimeout(() => nodes[1].wake(), BLOCK_MS / 3);
  },
  'kill a master': async ({ nodes }) => nodes[0].stop(),
};

export const redis: Scenario = async ({ minutes, seed, rounds = Number.POSITIVE_INFINITY, say }) => {
  if (!HAS_REDIS) {
    const skipped = 'there is no redis-server on this machine';
    say(`skipped: ${skipped}`);
    return { rounds: 0, failed: 0, failures: [], skipped };
  }
  const folder = mkdtempSync(join(tmpdir(), 'related-pins-redis-'));
  const total = { rounds: 0, lost: 0, doubled: 0, acknowledged: 0 };
  const failures: string[] = [];
  const figures: unknown[] = [];
  try {
    const made = join(folder, 'made');
    const catalog = writeSmallCatalog(join(folder, 'files'), PINS, 100, 30, seed);
    await runJob(['import-catalog', '--data', made, ...catalog.flags]);
    await runJob(['build-candidates', '--data', made, '--only', 'cooccurrence']);
    const share = HAS_REDIS_CLUSTER ? 0.5 : 1;
    const parts = [{ acts: SINGLE, cluster: false, minutes: minutes * share, rounds: rounds * share }];
    if (HAS_REDIS_CLUSTER) parts.push({ acts: CLUSTER, cluster: true, minutes: minutes * share, rounds: rounds * share });
    for (const part of parts) {
      const site = await open(folder, made, part.cluster, seed, failures);
      try {
        total.rounds += await torment(site, part, figures, say);
      } finally {
        total.lost += await close(site, join(folder, 'here'));
      }
      total.doubled += site.ledger.doubled;
      total.acknowledged += site.ledger.acknowledged.size;
      failures.push(...site.ledger.problems);
    }
  } catch (error) {
    failures.push(reasonOf(error));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { ...total, failed: failures.length, failures, figures, cluster: HAS_REDIS_CLUSTER };
};

async function open(folder: string, made: string, cluster: boolean, seed: number, failures: string[]): Promise<Site> {
  const servers = cluster ? await startRedisCluster(1) : await startRedis();
  const nodes = 'nodes' in servers ? [...servers.nodes] : [servers];
  const start = async (name: string): Promise<ServiceProcess> => {
    const data = join(folder, name);
    rmSync(data, { recursive: true, force: true });
    cpSync(made, data, { recursive: true });
    return startService(data, { RELATED_PINS_REDIS_URL: servers.url });
  };
  const random = seededRandom(mixedSeed(seed, cluster ? 'cluster' : 'redis'));
  return { here: await start('here'), there: await start('there'), nodes, random, ledger: new EventLedger(), failures, users: 0 };
}

/** Kills the service; how many acknowledged events its log does not hold. */
async function close({ here, there, nodes, ledger }: Site, data: string): Promise<number> {
  await Promise.all([here.kill(), there.kill()]);
  await Promise.all(nodes.map((node) => node.stop()));
  return countLost(data, ledger);
}

interface Part {
  readonly acts: Readonly<Record<string, Act>>;
  readonly cluster: boolean;
  readonly minutes: number;
  readonly rounds: number;
}

async function torment(
  site: Site,
  { acts, cluster, minutes, rounds }: Part,
  figures: unknown[],
  say: (line: string) => void,
): Promise<number> {
  const deadline = Date.now() + minutes * 60_000;
  let round = 0;
  while (round < rounds && Date.now() < deadline) {
    const names = Object.keys(acts).filter(
      (name) => name !== 'kill a master' || !figures.some((figure) => (figure as { act: string }).act === name),
    );
    const act = names[round % names.length];
    const figure = {
      act,
      ...(await underLoad(site, act, acts[act])),
      ...(act === 'kill' ? {} : { sharedMs: await isShared(site, act, cluster) }),
    };
    figures.push(figure);
    say(JSON.stringify(figure));
    round++;
  }
  return round;
}

/** One act in the middle of a load of reads and reports: all are answered, in time. */
async function underLoad(site: Site, name: string, act: Act): Promise<Record<string, unknown>> {
  const { here, random, ledger, failures } = site;
  let over = false;
  const client = reportUntilKilled(here.url, PINS, ledger, seededRandom(random.integer(2 ** 31)), () => over);
  const path = (): string => `/v1/pins/p${random.integer(PINS)}/related?userId=u${random.integer(53)}`;
  const load = openLoop({ url: here.url, perSecond: 30, seconds: ROUND_SECONDS, connections: 8, path });
  await new Promise((soon) => setTimeout(soon, 500));
  await act(site);
  const { statuses, offered, acceptedMs, errors } = await load;
  over = true;
  await client;
  const p99 = quantile(acceptedMs, 0.99);
  if (statuses[200] !== offered) failures.push(`${name}: ${JSON.stringify(statuses)} of ${offered} ${errors.join('; ')}`);
  if (p99 > P99_MAX_MS) failures.push(`${name}: p99 is ${Math.round(p99)} ms`);
  const degraded = await codesOf(here.url);
  if (name === 'kill' && !degraded.includes('REDIS_UNAVAILABLE')) failures.push('kill: the reply does not say that Redis is away');
  return { offered, p99Ms: Math.round(p99 * 10) / 10, degraded };
}

async function codesOf(url: string): Promise<readonly string[]> {
  const list = (await (await fetch(`${url}/v1/pins/p1/related`)).json()) as { degraded: readonly { code: string }[] };
  return list.degraded.map(({ code }) => code);
}

/** Milliseconds until what a user does here is part of what is known of them there. */
async function isShared(site: Site, act: string, cluster: boolean): Promise<number> {
  const { here, there, failures, ledger } = site;
  const startedAt = performance.now();
  const until = startedAt + SHARED_MS + (cluster ? FAILOVER_MS : 0);
  while (performance.now() < until) {
    // A user of its own for each try: what was published while Redis was away reached nobody else.
    const userId = `shared-${process.pid}-${++site.users}`;
    const list = (await (await fetch(`${here.url}/v1/pins/p1/related?userId=${userId}`)).json()) as {
      recommendationId: string;
      items: { pinId: string }[];
    };
    const { pinId } = list.items[0];
    await ledger.send(here.url, [
      { eventId: userId, type: 'save', recommendationId: list.recommendationId, pinId, position: 1, userId, at: Date.now() },
    ]);
    await new Promise((carried) => setTimeout(carried, 1000));
    const { history } = (await (await fetch(`${there.url}/v1/users/${userId}/history`)).json()) as { history: { pinId: string }[] };
    if (history.some((action) => action.pinId === pinId)) return Math.round(performance.now() - startedAt);
  }
  failures.push(`${act}: what a user did in one process was not known in the other afterwards`);
  return -1;
}
