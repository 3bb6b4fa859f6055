/**
 * A fixed mixed load, well under capacity and sent whether replies come or not, for as long as asked, while models are
 * promoted and rolled back, catalogues imported and lists counted anew: memory and descriptors stay flat, p99 of the last
 * third is within 20 % of the first (of runs over half an hour: of the last and first ten minutes). A round is one such
 * interruption, ten seconds. Each step prints its p99, memory (resident, and the heap of JavaScript), descriptors and the
 * longest time that taking up changes kept requests waiting.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reasonOf } from '../src/errors.ts';
import { mixedSeed, seededRandom } from '../src/math/random.ts';
import { EventLedger, reportUntilKilled } from './event-intake.ts';
import { openLoop, quantile } from './open-loop.ts';
import type { Scenario } from './scenario.ts';
import { runJob, type ServiceProcess, startService } from './service-process.ts';
import { writeSmallCatalog } from './small-catalog.ts';
import { countLost } from './stored-events.ts';

/** What operators do, in turns. */
const ACTS = ['import', 'build', 'train', 'roll back'] as const;
const PINS = 3000;
const READS_PER_SECOND = 40;
/** Between two lists of the client that reports what people did. */
const REPORT_PAUSE_MS = 200;
const STEP_SECONDS = 10;
/** The first part warms up caches and the compiler. */
const WARM_STEPS = 2;
const TEN_MINUTES = 60;
const DRIFT_MAX = 1.2;
/** Shorter runs than this say nothing about drift; the bounds are then reported, not judged. */
const JUDGED_STEPS = 12;
const GROWTH_MAX_BYTES = 256 * 2 ** 20;
const DESCRIPTORS_MAX = 20;

interface Step {
  /** What operators did during it. */
  readonly act: string;
  readonly acceptedMs: Float64Array;
  readonly residentBytes: number;
  readonly heapBytes: number;
  readonly descriptors: number;
  /** Longest time that taking up changes kept requests waiting, in milliseconds. */
  readonly takeUpMs: number;
}

export const soak: Scenario = async ({ minutes, seed, rounds = Number.POSITIVE_INFINITY, say }) => {
  const folder = mkdtempSync(join(tmpdir(), 'related-pins-soak-'));
  const failures: string[] = [];
  const ledger = new EventLedger();
  const steps: Step[] = [];
  const deadline = Date.now() + minutes * 60_000;
  const random = seededRandom(mixedSeed(seed, 'soak'));
  let service: ServiceProcess | null = null;
  let round = 0;
  let lost = 0;
  try {
    const data = join(folder, 'data');
    const catalog = writeSmallCatalog(join(folder, 'files'), PINS, 300, 30, seed);
    await runJob(['import-catalog', '--data', data, ...catalog.flags]);
    await runJob(['build-candidates', '--data', data, '--only', 'cooccurrence']);
    service = await startService(data);
    const { url, pid } = service;
    let over = false;
    const client = reportUntilKilled(url, PINS, ledger, seededRandom(random.integer(2 ** 31)), () => over, REPORT_PAUSE_MS);
    const paths = [
      () => `/v1/pins/p${random.integer(PINS)}/related?limit=25&userId=u${random.integer(53)}`,
      () => `/v1/users/u${random.integer(53)}/home-feed`,
      () => `/v1/pins?limit=20&q=design`,
    ];
    while (Date.now() < deadline && round < rounds && failures.length < 20) {
      const [load, said] = await Promise.all([
        openLoop({ url, perSecond: READS_PER_SECOND, seconds: STEP_SECONDS, connections: 16, path: (n) => paths[n % paths.length]() }),
        interrupt(round, data, folder, seed).catch((error: unknown) => reasonOf(error)),
      ]);
      if (said !== null) failures.push(said);
      const refused = load.offered - (load.statuses[200] ?? 0);
      if (refused > 0) failures.push(`step ${round}: ${JSON.stringify(load.statuses)} of ${load.offered} ${load.errors.join('; ')}`);
      steps.push({
        act: ACTS[round % ACTS.length],
        acceptedMs: load.acceptedMs,
        ...(await stateOf(url)),
        descriptors: readdirSync(`/proc/${pid}/fd`).length,
      });
      say(lineOf(round, steps[round]));
      round++;
    }
    over = true;
    await client;
    const status = await service.stop();
    if (status !== 0) failures.push(`it stopped with ${status}: ${service.said().slice(-500)}`);
    lost = countLost(data, ledger);
  } finally {
    await service?.kill();
    rmSync(folder, { recursive: true, force: true });
  }
  const summary = summarize(steps);
  const overTime = steps.map(curveOf);
  if (steps.length >= JUDGED_STEPS) {
    if (!Object.values(summary).every(Number.isFinite)) failures.push(`a figure is missing: ${JSON.stringify(summary)}`);
    if (summary.drift > DRIFT_MAX) failures.push(`p99 went from ${summary.firstP99Ms} to ${summary.lastP99Ms} ms`);
    if (summary.grownBytes > GROWTH_MAX_BYTES) failures.push(`memory grew by ${summary.grownBytes} bytes`);
    if (summary.moreDescriptors > DESCRIPTORS_MAX) failures.push(`${summary.moreDescriptors} more descriptors are open`);
  }
  failures.push(...ledger.problems);
  return {
    rounds: round,
    lost,
    doubled: ledger.doubled,
    failed: failures.length,
    failures,
    acknowledged: ledger.acknowledged.size,
    offeredPerSecond: READS_PER_SECOND,
    ...summary,
    p99MsByAct: byAct(steps),
    overTime,
    judged: steps.length >= JUDGED_STEPS,
  };
};

/** What operators do while people look at pins; null, or what went wrong. */
async function interrupt(round: number, data: string, folder: string, seed: number): Promise<string | null> {
  const act = ACTS[round % ACTS.length];
  if (act === 'import') {
    const more = writeSmallCatalog(join(folder, `files-${round}`), PINS, 300, 30 + (round % 5), seed + round);
    return problemOf(await runJob(['import-catalog', '--data', data, ...more.flags]));
  }
  if (act === 'build') return problemOf(await runJob(['build-candidates', '--data', data, '--only', 'cooccurrence', '--threads', '1']));
  if (act === 'train') {
    const name = `soak-${round}`;
    const trained = await runJob(['train-ranker', '--data', data, '--name', name, '--c', '0.01', '--workers', '1']);
    if (/RANKER_NO_PAIRS/.test(trained.said)) return null;
    return problemOf(trained) ?? problemOf(await runJob(['promote-model', name, '--data', data, '--force', '--why', 'soak']));
  }
  const back = await runJob(['roll-back-model', '--data', data]);
  return /NOTHING_TO_DO/.test(back.said) ? null : problemOf(back);
}

function problemOf({ status, said }: { readonly status: number | null; readonly said: string }): string | null {
  return status === 0 ? null : said.slice(-400);
}

async function stateOf(url: string): Promise<Pick<Step, 'residentBytes' | 'heapBytes' | 'takeUpMs'>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const metric = (name: string): number => Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1] ?? Number.NaN);
  return {
    residentBytes: metric('process_resident_memory_bytes'),
    heapBytes: metric('nodejs_heap_size_used_bytes'),
    takeUpMs: metric('related_pins_take_up_seconds') * 1000,
  };
}

function lineOf(round: number, step: Step): string {
  const { act, p50Ms, p99Ms, residentMiB, heapMiB, descriptors, takeUpMs } = curveOf(step);
  return `step ${round} (${act}): p50 ${p50Ms} ms, p99 ${p99Ms} ms, resident ${residentMiB} MiB, heap ${heapMiB} MiB, ${descriptors} descriptors, take-up ${takeUpMs} ms`;
}

function curveOf({ act, acceptedMs, residentBytes, heapBytes, descriptors, takeUpMs }: Step) {
  return {
    act,
    p50Ms: tenths(quantile(acceptedMs, 0.5)),
    p99Ms: tenths(quantile(acceptedMs, 0.99)),
    residentMiB: Math.round(residentBytes / 2 ** 20),
    heapMiB: Math.round(heapBytes / 2 ** 20),
    descriptors,
    takeUpMs: tenths(takeUpMs),
  };
}

/** p99 of all replies of some steps together. */
function p99Of(steps: readonly Step[]): number {
  const all = Float64Array.from(steps.flatMap(({ acceptedMs }) => [...acceptedMs])).sort();
  return tenths(quantile(all, 0.99));
}

/** What each kind of interruption costs those who ask meanwhile. */
function byAct(steps: readonly Step[]): Record<string, number> {
  return Object.fromEntries(ACTS.map((act) => [act, p99Of(steps.filter((step) => step.act === act))]));
}

/** First and last third (ten minutes at most) of what follows the warm-up, the same acts in both. */
function summarize(all: readonly Step[]) {
  const steps = all.length > WARM_STEPS + 1 ? all.slice(WARM_STEPS) : all;
  const third = Math.min(TEN_MINUTES, Math.floor(steps.length / 3));
  const part = Math.max(1, third - (third % ACTS.length));
  const median = (some: readonly Step[], of: (step: Step) => number): number =>
    some.map(of).sort((a, b) => a - b)[Math.floor(some.length / 2)] ?? Number.NaN;
  const [first, last] = [steps.slice(0, part), steps.slice(-part)];
  const [firstP99Ms, lastP99Ms] = [p99Of(first), p99Of(last)];
  return {
    comparedMinutes: tenths((part * STEP_SECONDS) / 60),
    firstP99Ms,
    lastP99Ms,
    drift: Math.round((lastP99Ms / firstP99Ms) * 100) / 100,
    grownBytes: median(last, (step) => step.residentBytes) - median(first, (step) => step.residentBytes),
    heapGrownBytes: median(last, (step) => step.heapBytes) - median(first, (step) => step.heapBytes),
    moreDescriptors: median(last, (step) => step.descriptors) - median(first, (step) => step.descriptors),
  };
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}
