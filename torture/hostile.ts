/**
 * Strangers against a running service, without a key and with one: names pointed at this machine, forms of other sites,
 * bodies that cost more than they hold, addresses whose servers drip, guessed keys, people asked for, pictures that claim
 * gigabytes. A round is every act once. All the while a thread of its own asks whether the services are alive.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { reasonOf } from '../src/errors.ts';
import { mixedSeed, seededRandom } from '../src/math/random.ts';
import { drawSvg } from '../src/vision/image-tensor.ts';
import { workerUrl } from '../src/worker-url.ts';
import * as acts from './hostile-acts.ts';
import type { Probe } from './live-prober.ts';
import type { Scenario } from './scenario.ts';
import { runJob, type ServiceProcess, startService } from './service-process.ts';
import { writeSmallCatalog } from './small-catalog.ts';

const PINS = 120;
const PICTURES = 24;
const KEY = 'the-operators-key-of-this-scenario';
/** The promise for `/health/live`; and what it takes on a machine that does nothing else. */
const LIVE_MS = 100;
const QUIET_LIVE_MS = 20;
/** Memory that both services may gain; a picture just below the bound takes 256 MiB while it is decoded. */
const MEMORY_MIB = 700;
const SLOW_CALLERS = 40;
const GUESSES = 200;
const QUIET_MS = 2000;

interface Waits {
  readonly answers: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Without the time for which the threads waited for a processor. */
  readonly ownP99: number;
}

export const hostile: Scenario = async ({ minutes, seed, rounds = Number.POSITIVE_INFINITY, say }) => {
  const folder = mkdtempSync(join(tmpdir(), 'related-pins-hostile-'));
  const failures: string[] = [];
  const waits = new Map<string, Probe[]>();
  const deadline = Date.now() + minutes * 60_000;
  const services: ServiceProcess[] = [];
  const probers: Worker[] = [];
  const memoryMib: number[] = [];
  /** After each round: does it grow? */
  const peaksMib: number[] = [];
  let round = 0;
  let limited = 0;
  const dripping = await acts.drippingServer();
  try {
    const [openFolder, keyedFolder] = await Promise.all(['open', 'keyed'].map((name) => makeFolder(join(folder, name), seed)));
    const open = await startService(openFolder, { RELATED_PINS_IMAGE_PRIVATE_URLS: 'true' });
    services.push(open);
    const keyed = await startService(keyedFolder, { RELATED_PINS_KEYS: KEY });
    services.push(keyed);
    for (const { url, pid } of services)
      probers.push(new Worker(workerUrl(import.meta.url, './live-prober.ts'), { workerData: { url, pid } }));
    const [routes, bodies, pictures] = [await acts.routesOf(open.url, 'p1'), acts.costlyBodies(), await acts.bombs()];
    const random = seededRandom(mixedSeed(seed, 'hostile'));
    const measured = async (name: string, act: () => Promise<readonly string[]>): Promise<void> => {
      await takenBy(probers);
      failures.push(...(await act()).map((text) => `${name}: ${text}`));
      waits.set(name, [...(waits.get(name) ?? []), ...(await takenBy(probers)).flat()]);
      memoryMib.push(services.reduce((sum, { pid }) => sum + peakMib(pid), 0));
    };
    const quiet = async (): Promise<readonly string[]> => {
      await new Promise((later) => setTimeout(later, QUIET_MS));
      return [];
    };
    // A first search loads the net; what that costs is nobody's attack.
    for (const { url } of services)
      await acts.ask(`${url}/v1/visual-search`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"pinId":"p1"}',
      });
    while (round < rounds && Date.now() < deadline) {
      await measured('nothing', quiet);
      await measured('rebinding', () => acts.rebinding(open.url, routes, random));
      await measured('forged forms', () => acts.forgedForms(open.url, routes, random));
      await measured('nested JSON', () => acts.nestedJson(random.pick([open, keyed]).url, bodies));
      await measured('slow addresses', () => acts.slowAddresses(open.url, dripping.url, SLOW_CALLERS, '/v1/pins/p1/image'));
      await measured('key guessing', async () => {
        const guessed = await acts.keyGuessing(keyed.url, KEY, GUESSES);
        limited += guessed.limited;
        return guessed.failures;
      });
      await measured('people', () => acts.people(keyed.url));
      for (const picture of pictures) await measured('bombs', () => acts.upload(keyed.url, picture));
      for (const { url } of services) {
        const { status } = await acts.ask(`${url}/v1/pins/p1/related`);
        if (status !== 200) failures.push(`a list after the round: ${status}`);
      }
      peaksMib.push((memoryMib.at(-1) ?? 0) - memoryMib[0]);
      say(`round ${++round}: ${failures.length} failures, ${peaksMib.at(-1)} MiB more at the peak`);
    }
    failures.push(...(await afterwards(open.url, keyedFolder, round)));
  } catch (error) {
    failures.push(reasonOf(error));
  } finally {
    for (const prober of probers) await prober.terminate();
    for (const service of services) await service.kill();
    dripping.close();
    rmSync(folder, { recursive: true, force: true });
  }
  const live = Object.fromEntries([...waits].map(([name, ms]) => [name, waitsOf(ms)]));
  const slow = tooLate(live);
  const gained = memoryMib.length === 0 ? 0 : Math.max(...memoryMib) - memoryMib[0];
  if (gained > MEMORY_MIB) failures.push(`the services took ${gained} MiB more than at first`);
  return {
    rounds: round,
    failed: failures.length + slow.length,
    failures,
    /** Answers of /health/live over the bound; apart, since a test must not judge by the clock. */
    slow,
    liveMs: live,
    guessesLimited: limited,
    memoryMib: gained,
    peaksMib,
  };
};

async function makeFolder(data: string, seed: number): Promise<string> {
  const catalog = writeSmallCatalog(`${data}-files`, PINS, 20, 10, seed);
  const images = join(data, 'images');
  mkdirSync(images, { recursive: true });
  const pinsFile = catalog.flags[1];
  const rows = readFileSync(pinsFile, 'utf8').trim().split('\n');
  for (let i = 0; i < PICTURES; i++) {
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="160" height="120"><rect width="160" height="120" fill="hsl(${i * 15},60%,70%)"/><circle cx="${20 + i * 5}" cy="60" r="${10 + i}" fill="#333"/></svg>`;
    writeFileSync(join(images, `p${i}.jpg`), await drawSvg(svg));
    rows[i] = JSON.stringify({ ...(JSON.parse(rows[i]) as object), image: `p${i}.jpg` });
  }
  writeFileSync(pinsFile, `${rows.join('\n')}\n`);
  await runJob(['import-catalog', '--data', data, '--images', images, ...catalog.flags]);
  await runJob(['extract-features', '--data', data]);
  await runJob(['build-candidates', '--data', data]);
  return data;
}

/** Nothing was started by a forged request, and the audit trail is small. */
async function afterwards(openUrl: string, keyedFolder: string, rounds: number): Promise<readonly string[]> {
  const failures: string[] = [];
  const { runs } = (await (await fetch(`${openUrl}/v1/jobs/runs`)).json()) as { runs: readonly { job: string }[] };
  if (runs.length > 0) failures.push(`forged requests ran ${runs.map(({ job }) => job).join(', ')}`);
  const audit = statSync(join(keyedFolder, 'audit.jsonl'), { throwIfNoEntry: false })?.size ?? 0;
  if (audit > 200_000 + rounds * 20_000) failures.push(`audit.jsonl has ${audit} bytes`);
  return failures;
}

/**
 * What the services themselves took to answer, and on a machine that has nothing else to do, what it took in all. Elsewhere
 * the others' share says nothing of an act.
 */
function tooLate(live: Readonly<Record<string, Waits>>): readonly string[] {
  const isQuiet = (live.nothing?.p99 ?? 0) < QUIET_LIVE_MS;
  return Object.entries(live)
    .filter(([name, { p99, ownP99 }]) => name !== 'nothing' && (ownP99 > LIVE_MS || (isQuiet && p99 > LIVE_MS)))
    .map(([name, waited]) => `${name}: /health/live took too long: ${JSON.stringify(waited)}`);
}

function waitsOf(probes: readonly Probe[]): Waits {
  const rounded = (ms: number | undefined): number => Math.round((ms ?? 0) * 10) / 10;
  const [all, own] = [probes.map(({ ms }) => ms), probes.map(({ ownMs }) => ownMs)].map((list) => list.sort((a, b) => a - b));
  const at = (list: readonly number[], share: number): number => rounded(list[Math.min(list.length - 1, Math.floor(share * list.length))]);
  return { answers: probes.length, p50: at(all, 0.5), p99: at(all, 0.99), max: at(all, 1), ownP99: at(own, 0.99) };
}

function takenBy(probers: readonly Worker[]): Promise<readonly Probe[][]> {
  return Promise.all(
    probers.map((prober) => {
      const taken = new Promise<Probe[]>((got) => prober.once('message', got));
      prober.postMessage('take');
      return taken;
    }),
  );
}

function peakMib(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
}
