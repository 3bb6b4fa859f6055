/**
 * Past capacity, and among rude clients: what is refused says 503 with Retry-After, what is accepted is answered in
 * bounded time, events still come in, memory stays bounded, and soon after all is as before. Slow, half-open, idle,
 * huge and endless senders and callers who hang up hurt nobody else. A round is one storm or one kind of rudeness.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mixedSeed, seededRandom } from '../src/math/random.ts';
import { EventLedger } from './event-intake.ts';
import { closedLoop, type Load, openLoop, quantile } from './open-loop.ts';
import { type Crowd, dripping, endlessBody, hangUps, idleConnections, neverReading } from './rude-clients.ts';
import type { Scenario } from './scenario.ts';
import { runJob, type ServiceProcess, startService } from './service-process.ts';
import { writeSmallCatalog } from './small-catalog.ts';
import { countLost } from './stored-events.ts';

const PINS = 2000;
/** How many times what the service can do is asked of it. */
const STORM_FACTOR = 3;
const STORM_CONNECTIONS = 700;
/** Bound on p99 of accepted requests; without refusals a storm of S seconds would bring 2 S seconds. */
const P99_MAX_MS = 2500;
const RECOVERY_MAX_MS = 5000;
const GROWTH_MAX_BYTES = 512 * 2 ** 20;
const IDLE_CONNECTIONS = 10_000;
const HANG_UPS = 400;
const BODY_LIMIT = 8 * 2 ** 20;
/** As many largest bodies as a lane takes. */
const SLOW_LARGE = 32;
/** More requests, one behind the other on each connection, than may be answered at the same time, and more than the kernel holds. */
const UNREAD_CALLERS = 8;
const UNREAD_TIMES = 60;

const largePost = (path: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${BODY_LIMIT}\r\n\r\n{"a": [`;

interface Site {
  readonly service: ServiceProcess;
  readonly port: number;
  readonly failures: string[];
  readonly ledger: EventLedger;
  readonly say: (line: string) => void;
  readonly path: (n: number) => string;
  readonly stormSeconds: number;
  readonly idleConnections: number;
}

export const overload: Scenario = async ({ minutes, seed, rounds = Number.POSITIVE_INFINITY, say }) => {
  const folder = mkdtempSync(join(tmpdir(), 'related-pins-overload-'));
  const failures: string[] = [];
  const figures: Record<string, unknown>[] = [];
  const ledger = new EventLedger();
  const deadline = Date.now() + minutes * 60_000;
  let service: ServiceProcess | null = null;
  let round = 0;
  let lost = 0;
  try {
    const data = join(folder, 'data');
    const catalog = writeSmallCatalog(join(folder, 'files'), PINS, 200, 40, seed);
    await runJob(['import-catalog', '--data', data, ...catalog.flags]);
    await runJob(['build-candidates', '--data', data, '--only', 'cooccurrence']);
    service = await startService(data);
    const random = seededRandom(mixedSeed(seed, 'overload'));
    const site: Site = {
      service,
      port: Number(new URL(service.url).port),
      failures,
      ledger,
      say,
      path: () => `/v1/pins/p${random.integer(PINS)}/related?limit=25`,
      stormSeconds: Math.max(3, Math.min(20, minutes * 10)),
      idleConnections: minutes < 1 ? 500 : IDLE_CONNECTIONS,
    };
    while (round < rounds && Date.now() < deadline) {
      const trial = TRIALS[round % TRIALS.length];
      figures.push({ trial: trial.name, ...(await trial(site)) });
      say(JSON.stringify(figures.at(-1)));
      round++;
    }
    await service.kill();
    lost = countLost(data, ledger);
  } finally {
    await service?.kill();
    rmSync(folder, { recursive: true, force: true });
  }
  failures.push(...ledger.problems);
  return {
    rounds: round,
    lost,
    doubled: ledger.doubled,
    failed: failures.length,
    failures,
    acknowledged: ledger.acknowledged.size,
    figures,
  };
};

const TRIALS: readonly ((site: Site) => Promise<Record<string, unknown>>)[] = [
  storm,
  idleCrowd,
  slowHeaders,
  slowBodies,
  slowLargeBodies,
  bodiesForNobody,
  unreadReplies,
  hugeBodies,
  callersHangUp,
];

/** Three times what the service can do, events beside it. */
async function storm(site: Site): Promise<Record<string, unknown>> {
  const { service, failures, path } = site;
  await closedLoop(service.url, 4, 0.5, path);
  const capacity = await closedLoop(service.url, 8, Math.min(3, site.stormSeconds), path);
  const bytesBefore = await residentBytes(service.url);
  const offered = Math.max(300, capacity * STORM_FACTOR);
  const [reads, writes, health] = await Promise.all([
    openLoop({ url: service.url, perSecond: offered, seconds: site.stormSeconds, connections: STORM_CONNECTIONS, path }),
    openLoop({ ...eventLoad(site), seconds: site.stormSeconds }),
    openLoop({ url: service.url, perSecond: 5, seconds: site.stormSeconds, connections: 2, path: () => '/health/live' }),
  ]);
  const recoveryMs = await timeToRecover(site);
  const bytesAfter = await residentBytes(service.url);
  const p99 = quantile(reads.acceptedMs, 0.99);
  const refused = reads.statuses[503] ?? 0;
  const expect = (kept: boolean, promise: string): void => void (kept || failures.push(`storm: ${promise}`));
  const others = Object.keys(reads.statuses).filter((status) => status !== '200' && status !== '503');
  expect(others.length === 0, `replies other than 200 and 503: ${JSON.stringify(reads.statuses)} ${reads.errors.join('; ')}`);
  expect(refused > 0, 'nothing was refused past capacity');
  expect(reads.withoutRetryAfter === 0, `${reads.withoutRetryAfter} refusals without Retry-After`);
  expect(p99 <= P99_MAX_MS, `p99 of accepted requests is ${Math.round(p99)} ms`);
  expect((writes.statuses[200] ?? 0) === writes.offered, `events: ${JSON.stringify(writes.statuses)} of ${writes.offered}`);
  expect((health.statuses[200] ?? 0) === health.offered, `health: ${JSON.stringify(health.statuses)} of ${health.offered}`);
  expect(recoveryMs <= RECOVERY_MAX_MS, `it took ${recoveryMs} ms to be as before`);
  expect(bytesAfter - bytesBefore <= GROWTH_MAX_BYTES, `memory grew by ${bytesAfter - bytesBefore} bytes`);
  return {
    capacityPerSecond: Math.round(capacity),
    offered: reads.offered,
    accepted: reads.statuses[200] ?? 0,
    refused,
    acceptedP50Ms: rounded(quantile(reads.acceptedMs, 0.5)),
    acceptedP99Ms: rounded(p99),
    eventsP99Ms: rounded(quantile(writes.acceptedMs, 0.99)),
    recoveryMs,
    grownMiB: rounded((bytesAfter - bytesBefore) / 2 ** 20),
  };
}

/** Single events of lists that nobody was served; what is acknowledged goes into the ledger. */
function eventLoad({ service, ledger }: Site): Omit<Load, 'seconds'> {
  const started = ledger.sent.size;
  const eventIdOf = (n: number): string => `storm-${started}-${n}`;
  return {
    url: service.url,
    perSecond: 20,
    connections: 4,
    path: () => '/v1/events',
    body(n) {
      const eventId = eventIdOf(n);
      const event = {
        eventId,
        type: 'click',
        recommendationId: 'unknown',
        pinId: `p${n % PINS}`,
        position: 1,
        userId: 'u1',
        at: Date.now(),
      };
      ledger.sent.set(event.eventId, event);
      return { events: [event] };
    },
    answered(n, status) {
      if (status === 200) ledger.acknowledged.add(eventIdOf(n));
    },
  };
}

/** Milliseconds until ten requests in a row are answered, each within a quarter of a second. */
async function timeToRecover({ service, path }: Site): Promise<number> {
  const startedAt = performance.now();
  for (let good = 0; good < 10 && performance.now() - startedAt < 4 * RECOVERY_MAX_MS;) {
    const sentAt = performance.now();
    const reply = await fetch(`${service.url}${path(0)}`);
    await reply.arrayBuffer();
    good = reply.status === 200 && performance.now() - sentAt < 250 ? good + 1 : 0;
  }
  return Math.round(performance.now() - startedAt);
}

function residentBytes(url: string): Promise<number> {
  return metricOf(url, 'process_resident_memory_bytes');
}

async function metricOf(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length) ?? Number.NaN,
  );
}

async function idleCrowd(site: Site): Promise<Record<string, unknown>> {
  const crowd = await idleConnections(site.port, site.idleConnections);
  const open = crowd.open;
  if (open < site.idleConnections) site.failures.push(`only ${open} of ${site.idleConnections} idle connections were taken`);
  return { idle: open, ...(await othersAreServed(site, 'idle connections', crowd)) };
}

async function slowHeaders(site: Site): Promise<Record<string, unknown>> {
  const crowd = await dripping(site.port, 200, 'GET /v1/pins/p1/related HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
  return { slow: crowd.open, ...(await othersAreServed(site, 'slow headers', crowd)) };
}

async function slowBodies(site: Site): Promise<Record<string, unknown>> {
  const head =
    'POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{"events": [';
  const crowd = await dripping(site.port, 200, head);
  return { slow: crowd.open, ...(await othersAreServed(site, 'slow bodies', crowd)) };
}

/** More declared bytes than all bodies of the read lane may have: events have room of their own, reads get it back. */
async function slowLargeBodies(site: Site): Promise<Record<string, unknown>> {
  const crowd = await dripping(site.port, 3 * SLOW_LARGE, largePost('/v1/rank'));
  await new Promise((graceOver) => setTimeout(graceOver, 1500));
  const body = JSON.stringify({ queryPinId: 'p1', pinIds: ['p2', 'p3'] });
  const rank = await fetch(`${site.service.url}/v1/rank`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  await rank.arrayBuffer();
  if (rank.status !== 200) site.failures.push(`slow large bodies: a small one beside them got ${rank.status}`);
  return { slow: crowd.open, ...(await othersAreServed(site, 'slow large bodies', crowd)) };
}

/** Bodies for addresses that do not exist are not taken in. */
async function bodiesForNobody(site: Site): Promise<Record<string, unknown>> {
  const before = await residentBytes(site.service.url);
  const answers = await Promise.all(Array.from({ length: 8 }, () => endlessBody(site.port, '/nothing/here', 20 * BODY_LIMIT)));
  for (const { answer, bytes } of answers) {
    if (answer !== '404' && answer !== 'connection closed') site.failures.push(`a body for nobody was answered with ${answer}`);
    if (bytes > BODY_LIMIT) site.failures.push(`${bytes} bytes for nobody were taken`);
  }
  const grown = (await residentBytes(site.service.url)) - before;
  return { answers: [...new Set(answers.map(({ answer }) => answer))], grownMiB: rounded(grown / 2 ** 20) };
}

/** Callers who never read what they asked for: their places go to others. */
async function unreadReplies(site: Site): Promise<Record<string, unknown>> {
  const head = 'GET /v1/pins/p1/related?limit=200&explain=true HTTP/1.1\r\nHost: localhost';
  const crowd = await neverReading(site.port, UNREAD_CALLERS, head, UNREAD_TIMES);
  await new Promise((answered) => setTimeout(answered, 2000));
  return { unread: crowd.open, ...(await othersAreServed(site, 'unread replies', crowd)) };
}

async function hugeBodies(site: Site): Promise<Record<string, unknown>> {
  const before = await residentBytes(site.service.url);
  const declared = await fetch(`${site.service.url}/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: Buffer.alloc(BODY_LIMIT + 1, 0x20),
  }).then(
    (reply) => String(reply.status),
    () => 'connection closed',
  );
  if (declared !== '413' && declared !== 'connection closed') site.failures.push(`a body over the limit was answered with ${declared}`);
  const endless = await Promise.all(Array.from({ length: 8 }, () => endlessBody(site.port, '/v1/events', 20 * BODY_LIMIT)));
  for (const { answer, bytes } of endless) {
    if (answer !== '413' && answer !== '503' && answer !== 'connection closed')
      site.failures.push(`an endless body was answered with ${answer}`);
    if (bytes > 4 * BODY_LIMIT) site.failures.push(`${bytes} bytes of an endless body were taken`);
  }
  const grown = (await residentBytes(site.service.url)) - before;
  if (grown > GROWTH_MAX_BYTES) site.failures.push(`memory grew by ${grown} bytes for bodies that were refused`);
  const answers = [...new Set(endless.map(({ answer }) => answer))];
  return {
    declared,
    endless: answers,
    endlessBytesMax: Math.max(...endless.map(({ bytes }) => bytes)),
    grownMiB: rounded(grown / 2 ** 20),
  };
}

/** More callers than may be answered at the same time, who all hang up: no place is lost to them. */
async function callersHangUp(site: Site): Promise<Record<string, unknown>> {
  const { service, port, failures, path } = site;
  const waves = 4;
  for (let wave = 0; wave < waves; wave++) await hangUps(port, HANG_UPS, `GET ${path(wave)} HTTP/1.1\r\nHost: localhost`, 200);
  const recoveryMs = await timeToRecover(site);
  const held = await untilIdle(service.url);
  if (recoveryMs > RECOVERY_MAX_MS) failures.push(`hang-ups: it took ${recoveryMs} ms to be as before`);
  if (held > 0) failures.push(`hang-ups: ${held} reads are still counted as being answered`);
  return { hungUp: waves * HANG_UPS, recoveryMs, held };
}

/** Reads still being answered after four seconds of quiet at most. */
async function untilIdle(url: string): Promise<number> {
  let held = Number.NaN;
  for (let look = 0; look < 40 && held !== 0; look++) {
    await new Promise((later) => setTimeout(later, 100));
    held = await metricOf(url, 'related_pins_in_flight{lane="read"}');
  }
  return held;
}

/** While a crowd holds its connections, everybody else is answered, reads and writes. */
async function othersAreServed(site: Site, name: string, crowd: Crowd): Promise<Record<string, unknown>> {
  const { service, failures, path } = site;
  const [reads, writes] = await Promise.all([
    openLoop({ url: service.url, perSecond: 20, seconds: 3, connections: 8, path }),
    openLoop({ ...eventLoad(site), seconds: 3 }),
  ]);
  const p99 = quantile(reads.acceptedMs, 0.99);
  if ((reads.statuses[200] ?? 0) < reads.offered)
    failures.push(`${name}: reads got ${JSON.stringify(reads.statuses)} of ${reads.offered} ${reads.errors.join('; ')}`);
  if ((writes.statuses[200] ?? 0) < writes.offered)
    failures.push(`${name}: events got ${JSON.stringify(writes.statuses)} of ${writes.offered}`);
  if (p99 > P99_MAX_MS) failures.push(`${name}: p99 of others is ${Math.round(p99)} ms`);
  crowd.close();
  return { othersP99Ms: rounded(p99), served: reads.statuses[200] ?? 0 };
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
