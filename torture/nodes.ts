/**
 * Two nodes, a writer and Redis under load, each of them killed and started again, over and over, while new versions are
 * published. Clients do what a balancer does: a node that does not answer is passed over. Every list comes from one of the nodes, whole and
 * of one version; events that were told to wait are sent again, and every acknowledged one is in the writer's log once, with
 * its list. The store goes away and comes back: a folder, or with `--store s3` a bucket of a real S3 server, which is also killed
 * while a version goes up. What the writer takes back is gone from both nodes soon, and the report says how soon (withdrawals.ts). A round is one thing done to one of them. Redis is a cluster of three masters where there are
 * redis-server and redis-cli, else one server, else none (`redis` says which).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../src/catalog/database.ts';
import { reasonOf } from '../src/errors.ts';
import { mixedSeed, type Random, seededRandom } from '../src/math/random.ts';
import { EventLedger, type SentEvent } from './event-intake.ts';
import { bucketPlace, folderPlace, type PublicationPlace } from './publication-place.ts';
import { freePort, HAS_REDIS, HAS_REDIS_CLUSTER, startRedis, startRedisCluster, type TestRedis } from './redis-server.ts';
import { HAS_S3 } from './s3-server.ts';
import type { Scenario } from './scenario.ts';
import { type Environment, runJob, type ServiceProcess, startService } from './service-process.ts';
import { writeSmallCatalog } from './small-catalog.ts';
import { countLost } from './stored-events.ts';
import { delayFigures, type Delays, noDelays, prepare, takeBack, type Withdrawn } from './withdrawals.ts';

const PINS = 1000;
const NODES = 2;
/** Who only read, and who tell what they did as well: those wait while the writer is away. */
const READERS = 2;
const TELLERS = 2;
/** Between two lists of a client. */
const PAUSE_MS = 40;
/** How long something is away. */
const AWAY_MS = 1500;
/** Within this, one of two nodes answers, and a writer that is back takes everything. */
const PATIENCE_MS = 60_000;
/** Of each kind in one act, and people who may be erased in all. */
const TAKEN_BACK = 5;
const LEAVERS = 200;
/** What people did needs one once there are keys. */
const KEY = 'the-key-of-the-torture-of-nodes';
/** A list that everybody gets alike under one version. */
const PROBE = '/v1/pins/p1/related?limit=50';
const METHODS = ['rp3beta', 'cosine', 'jaccard'];

interface List {
  readonly recommendationId: string;
  readonly items: { pinId: string; position: number }[];
}

interface Site {
  readonly folder: string;
  readonly place: PublicationPlace;
  readonly environment: Environment;
  readonly ports: readonly number[];
  readonly writerPort: number;
  readonly random: Random;
  readonly ledger: EventLedger;
  readonly failures: string[];
  readonly redis: TestRedis[];
  /** What the probe's list looks like under each version that was published. */
  readonly orders: Set<string>;
  /** And as clients saw it. */
  readonly seen: Set<string>;
  /** Ids of all lists that clients got. */
  readonly served: string[];
  nodes: (ServiceProcess | null)[];
  writer: ServiceProcess | null;
  /** Counts of what clients met. */
  readonly met: { lists: number; passedOver: number; toldToWait: number };
  published: number;
  /** How long nodes served what was taken back. */
  readonly delays: Delays;
  readonly leavers: string[];
  /** What leavers have hidden. */
  hidden: string;
}

/** For a bucket alone: a folder that goes away while a job writes to it is a refusal of the job. */
const LOSE_UPLOAD = 'take the store away while publishing';
/** A counting and a publication of this catalogue take about so long. */
const UPLOAD_MS = 5000;

type Act = (site: Site) => Promise<void>;

const ACTS: Readonly<Record<string, Act>> = {
  'kill a node': async (site) => {
    const at = site.random.integer(NODES);
    await site.nodes[at]?.kill();
    await pause(AWAY_MS);
    await startNode(site, at);
  },
  'kill the writer': async (site) => {
    await site.writer?.kill();
    await pause(AWAY_MS);
    await startWriter(site);
  },
  'publish a new version': (site) => publishAnother(site),
  'take the store away': async ({ place }) => {
    await place.takeAway();
    await pause(AWAY_MS);
    await place.bringBack();
  },
  [LOSE_UPLOAD]: async (site) => {
    const { place, random } = site;
    const loses = async (): Promise<void> => {
      // Some of these come before the upload, some in it, some after it.
      await pause(random.integer(UPLOAD_MS));
      await place.takeAway();
      await pause(AWAY_MS);
      await place.bringBack();
    };
    await Promise.all([publishAnother(site), loses()]);
  },
  'kill Redis': async (site) => {
    await site.redis[0].stop();
    await pause(AWAY_MS);
    if (site.redis.length === 1) site.redis[0] = await startRedis(site.redis[0].port);
  },
  'take back pins, keys and people': async (site) => {
    for (let i = 0; i < TAKEN_BACK; i++) await takeBack(withdrawnOf(site), site.delays, site.failures);
  },
  'stop a node': async (site) => {
    const at = site.random.integer(NODES);
    const status = await site.nodes[at]?.stop();
    if (status !== 0) site.failures.push(`a node that was asked to stop ended with ${status}`);
    await startNode(site, at);
  },
};

/** What can be done here, in turn. A master of a cluster is killed once: its replica has no further one. */
function actOf(round: number, store: string, only: readonly string[]): string {
  const all = Object.keys(ACTS)
    .filter((name) => name !== LOSE_UPLOAD || store === 's3')
    .filter((name) => only.some((begin) => name.startsWith(begin)));
  const names = all.filter((name) => name !== 'kill Redis' || (HAS_REDIS && !(HAS_REDIS_CLUSTER && round >= all.length)));
  if (names.length === 0) throw new Error(`nothing to do begins with ${only.join(' or ')}; there are: ${Object.keys(ACTS).join(', ')}`);
  return names[round % names.length];
}

export const nodes: Scenario = async ({ minutes, seed, rounds = Number.POSITIVE_INFINITY, store = 'folder', only = [''], say }) => {
  if (store === 's3' && !HAS_S3) throw new Error('there is no s3rver here: npm install --global s3rver');
  const folder = mkdtempSync(join(tmpdir(), 'related-pins-nodes-'));
  const failures: string[] = [];
  const figures: unknown[] = [];
  let site: Site | null = null;
  let round = 0;
  let lost = 0;
  try {
    site = await open({ folder, seed, store, failures });
    const deadline = Date.now() + minutes * 60_000;
    while (round < rounds && Date.now() < deadline && failures.length < 20) {
      const name = actOf(round, store, only);
      const figure = { act: name, ...(await underLoad(site, ACTS[name])) };
      figures.push(figure);
      say(JSON.stringify(figure));
      round++;
    }
    const settled = await settle(site);
    lost = settled.lost;
    figures.push(settled.figures);
    failures.push(...site.ledger.problems);
  } catch (error) {
    failures.push(reasonOf(error));
  } finally {
    for (const process of [...(site?.nodes ?? []), site?.writer]) await process?.kill();
    await Promise.all((site?.redis ?? []).map((server) => server.stop()));
    await site?.place.remove();
    rmSync(folder, { recursive: true, force: true });
  }
  return {
    rounds: round,
    lost,
    doubled: site?.ledger.doubled ?? 0,
    failed: failures.length,
    failures,
    acknowledged: site?.ledger.acknowledged.size ?? 0,
    lists: site?.met.lists ?? 0,
    passedOver: site?.met.passedOver ?? 0,
    eventsToldToWait: site?.met.toldToWait ?? 0,
    versionsPublished: site?.published ?? 0,
    ordersSeen: site?.seen.size ?? 0,
    takenBack: delayFigures(site?.delays ?? noDelays()),
    store: store === 's3' ? 'a bucket of s3rver' : 'a folder',
    redis: HAS_REDIS_CLUSTER
      ? 'a cluster of three masters with a replica each'
      : HAS_REDIS
        ? 'one server'
        : 'none: there is no redis-server here',
    figures,
  };
};

interface Start {
  readonly folder: string;
  readonly seed: number;
  readonly store: string;
  readonly failures: string[];
}

async function open({ folder, seed, store, failures }: Start): Promise<Site> {
  const catalog = writeSmallCatalog(join(folder, 'files'), PINS, 100, 30, seed);
  const data = join(folder, 'writer');
  for (const job of [
    ['import-catalog', ...catalog.flags],
    ['build-candidates', '--only', 'cooccurrence'],
  ])
    await done(runJob([...job, '--data', data]));
  const servers = HAS_REDIS_CLUSTER ? await startRedisCluster(1) : HAS_REDIS ? await startRedis() : null;
  const site: Site = {
    folder,
    place: store === 's3' ? await bucketPlace() : folderPlace(join(folder, 'published')),
    environment: { RELATED_PINS_SHUFFLED_SHARE: '0', RELATED_PINS_KEYS: KEY, ...(servers ? { RELATED_PINS_REDIS_URL: servers.url } : {}) },
    ports: await Promise.all(Array.from({ length: NODES }, () => freePort())),
    writerPort: await freePort(),
    random: seededRandom(mixedSeed(seed, 'nodes')),
    ledger: new EventLedger(),
    failures,
    redis: servers === null ? [] : 'nodes' in servers ? [...servers.nodes] : [servers],
    orders: new Set(),
    seen: new Set(),
    served: [],
    nodes: [],
    writer: null,
    met: { lists: 0, passedOver: 0, toldToWait: 0 },
    published: 0,
    delays: noDelays(),
    leavers: [],
    hidden: '',
  };
  await startWriter(site);
  const withdrawn = withdrawnOf(site);
  await prepare(withdrawn, LEAVERS);
  site.hidden = withdrawn.hidden;
  await publishAnother(site);
  for (let at = 0; at < NODES; at++) await startNode(site, at);
  return site;
}

function withdrawnOf({ folder, ports, writerPort, environment, ledger, leavers, hidden }: Site): Withdrawn {
  const at = (port: number): string => `http://127.0.0.1:${port}`;
  return { data: join(folder, 'writer'), writer: at(writerPort), nodes: ports.map(at), key: KEY, environment, ledger, leavers, hidden };
}

async function done(job: ReturnType<typeof runJob>): Promise<void> {
  const { status, said } = await job;
  if (status !== 0) throw new Error(said.slice(-500));
}

async function startWriter(site: Site): Promise<void> {
  const { environment, writerPort: port } = site;
  site.writer = await startService(join(site.folder, 'writer'), { ...environment, RELATED_PINS_PORT: String(port) });
}

function nodeEnvironment({ environment, place, writerPort }: Site): Environment {
  const writer = `http://127.0.0.1:${writerPort}`;
  return {
    ...environment,
    ...place.environment,
    RELATED_PINS_FOLLOW: place.url,
    RELATED_PINS_WRITER: writer,
    RELATED_PINS_WRITER_KEY: KEY,
  };
}

async function startNode(site: Site, at: number): Promise<void> {
  site.nodes[at] = await startService(join(site.folder, `node-${at}`), {
    ...nodeEnvironment(site),
    RELATED_PINS_PORT: String(site.ports[at]),
  });
}

/** As an operator does: a job that says that the store is away is run again. */
async function publishTo(place: PublicationPlace, data: string): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const { status, said } = await runJob(['publish-artifacts', '--data', data, '--to', place.url], { more: place.environment });
    if (status === 0) return;
    if (!said.includes('STORE_UNAVAILABLE') || performance.now() > until) throw new Error(said.slice(-500));
  }
}

/** Lists counted in another way, and what the probe's list looks like then, asked of a node that nobody else asks. */
async function publishAnother(site: Site): Promise<void> {
  const { folder, place } = site;
  const method = METHODS[site.published % METHODS.length];
  const neighbors = String(40 + site.published++);
  const data = join(folder, 'writer');
  await done(runJob(['build-candidates', '--data', data, '--only', 'cooccurrence', '--method', method, '--neighbors', neighbors]));
  await publishTo(place, data);
  const probe = await startService(join(folder, 'probe'), { ...nodeEnvironment(site), RELATED_PINS_SERVE_LOG: 'false' });
  try {
    const { items } = (await (await fetch(`${probe.url}${PROBE}`)).json()) as List;
    site.orders.add(orderOf(items));
  } finally {
    await probe.kill();
  }
}

const orderOf = (items: List['items']): string => items.map(({ pinId }) => pinId).join(' ');

/** One act in the middle of the load of some clients. */
async function underLoad(site: Site, act: Act): Promise<Record<string, unknown>> {
  const { met, random } = site;
  const before = { ...met };
  let over = false;
  const clients = Array.from({ length: READERS + TELLERS }, (_, i) =>
    client(site, i >= READERS, seededRandom(random.integer(2 ** 31)), () => over),
  );
  await pause(500);
  const startedAt = performance.now();
  await act(site).catch((error: unknown) => site.failures.push(reasonOf(error)));
  const actMs = Math.round(performance.now() - startedAt);
  await pause(500);
  over = true;
  await Promise.all(clients);
  return {
    actMs,
    lists: met.lists - before.lists,
    passedOver: met.passedOver - before.passedOver,
    toldToWait: met.toldToWait - before.toldToWait,
  };
}

async function client(site: Site, tells: boolean, random: Random, over: () => boolean): Promise<void> {
  for (; !over(); await pause(PAUSE_MS)) {
    const userId = `u${random.integer(53)}`;
    const isProbe = random.integer(4) === 0;
    const path = isProbe ? PROBE : `/v1/pins/p${random.integer(PINS)}/related?limit=20&userId=${userId}`;
    const list = await listOf(site, path, random);
    if (list === null) continue;
    site.served.push(list.recommendationId);
    if (isProbe) site.seen.add(orderOf(list.items));
    if (tells && list.items.length > 0) await tell(site, site.ledger.eventsOf(list, 1 + random.integer(20), userId, random), random);
  }
}

/** What a balancer gets: the answer of the first node that has one. */
async function listOf(site: Site, path: string, random: Random): Promise<List | null> {
  const first = random.integer(NODES);
  for (let turn = 0; turn < NODES; turn++) {
    try {
      const reply = await fetch(`http://127.0.0.1:${site.ports[(first + turn) % NODES]}${path}`);
      const text = await reply.text();
      if (reply.status === 200) {
        site.met.lists++;
        return JSON.parse(text) as List;
      }
      site.failures.push(`${path}: ${reply.status} ${text.slice(0, 200)}`);
      return null;
    } catch {
      // It is gone, or went in the middle of its answer.
      site.met.passedOver++;
    }
  }
  site.failures.push(`${path}: no node answered`);
  return null;
}

/** Sends events until they are acknowledged: whoever is told to wait waits. */
async function tell(site: Site, batch: readonly SentEvent[], random: Random): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  for (let turn = random.integer(NODES); performance.now() < until; turn++) {
    try {
      const reply = await fetch(`http://127.0.0.1:${site.ports[turn % NODES]}/v1/events`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}` },
        body: JSON.stringify({ events: batch }),
      });
      const text = await reply.text();
      if (reply.status === 200) return site.ledger.acknowledge(batch, JSON.parse(text) as Parameters<EventLedger['acknowledge']>[1]);
      if (reply.status !== 503 || reply.headers.get('retry-after') === null)
        return void site.failures.push(`events: ${reply.status} ${text.slice(0, 200)}`);
      site.met.toldToWait++;
      await pause(200);
    } catch {
      site.met.passedOver++;
    }
  }
  site.failures.push('events were told to wait for a minute');
}

/** Waits until the writer has every list, ends everything, and holds the log against what clients were told. */
async function settle(site: Site): Promise<{ readonly lost: number; readonly figures: Record<string, number> }> {
  const { folder, ledger, failures, seen, orders, served } = site;
  for (const node of site.nodes) {
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      const { listsWaiting } = (await (await fetch(`${node?.url}/health/ready`)).json()) as { listsWaiting: number };
      if (listsWaiting === 0) break;
      if (performance.now() > until) throw new Error(`${listsWaiting} lists wait although the writer is there`);
      await pause(100);
    }
    await node?.stop();
  }
  await site.writer?.stop();
  const mixed = [...seen].filter((order) => !orders.has(order));
  if (mixed.length > 0) failures.push(`${mixed.length} lists are of no version: ${mixed[0]}`);
  const lost = countLost(join(folder, 'writer'), ledger);
  const database = openDatabase(join(folder, 'writer', 'log.sqlite'), { readonly: true });
  try {
    const logged = new Set(database.prepare('SELECT recommendation_id FROM served_list').pluck().all());
    const strays = database.prepare('SELECT count(*) FROM stray_event').pluck().get() as number;
    return { lost, figures: { listsNotLogged: served.filter((id) => !logged.has(id)).length, eventsKeptApart: strays } };
  } finally {
    database.close();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((over) => setTimeout(over, ms));
}
