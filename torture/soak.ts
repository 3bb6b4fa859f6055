/**
 * A fixed mixed load, well under capacity and sent whether replies come or not, for as long as asked, while models are
 * promoted and rolled back, catalogues with new pictures imported and lists counted anew. Lists are read, and beside them pictures
 * are: thumbnails, crops of pins, uploads, Lens. Memory grows by a tenth at most and descriptors stay flat, p99 of the last
 * third is within 20 % of the first (of runs over half an hour: of the last and first ten minutes). A round is one
 * interruption, ten seconds. Each step prints its p99, memory (resident, and the heap of JavaScript), descriptors and the
 * longest time that taking up changes kept requests waiting.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reasonOf } from '../src/errors.ts';
import { mixedSeed, seededRandom } from '../src/math/random.ts';
import { EventLedger, reportUntilKilled } from './event-intake.ts';
import { type LoadResult, openLoop, quantile } from './open-loop.ts';
import type { Scenario } from './scenario.ts';
import { runJob, type ServiceProcess, startService } from './service-process.ts';
import { writeSmallCatalog } from './small-catalog.ts';
import { lookAtPictures, writePictures } from './picture-load.ts';
import { countLost } from './stored-events.ts';

/** What operators do, in turns. */
const ACTS = ['import', 'build', 'train', 'roll back'] as const;
const PINS = 3000;
const PICTURES = 120;
const READS_PER_SECOND = 40;
/** A thumbnail, a crop of a pin, an upload and Lens, in turns. */
const PICTURES_PER_SECOND = 4;
/** Between two lists of the client that reports what people did. */
const REPORT_PAUSE_MS = 200;
const STEP_SECONDS = 10;
/** The first part warms up caches and the compiler: a sixth, ten minutes at most. */
const WARM_STEPS = 2;
const WARM_SHARE = 1 / 6;
const TEN_MINUTES = 60;
const DRIFT_MAX = 1.2;
/** Shorter runs than this say nothing about drift; the bounds are then reported, not judged. */
const JUDGED_STEPS = 12;
/** Share of the memory after the warm-up. */
const GROWTH_MAX = 0.1;
const DESCRIPTORS_MAX = 20;

interface Step {
  /** What operators did during it. */
  readonly act: string;
  readonly acceptedMs: Float64Array;
  /** Of requests that look at pictures. */
  readonly picturesMs: Float64Array;
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
  let answered = 0;
  let toldToWait = 0;
  try {
    const data = join(folder, 'data');
    const prepared = [
      await importPictured(data, join(folder, 'files'), 30, seed),
      await runJob(['extract-features', '--data', data]),
      await runJob(['build-candidates', '--data', data]),
    ];
    failures.push(...prepared.flatMap((job) => problemOf(job) ?? []));
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
      const [load, looks, said] = await Promise.all([
        openLoop({ url, perSecond: READS_PER_SECOND, seconds: STEP_SECONDS, connections: 16, path: (n) => paths[n % paths.length]() }),
        lookAtPictures({ url, pins: PICTURES, perSecond: PICTURES_PER_SECOND, seconds: STEP_SECONDS }, random),
        interrupt(round, data, folder, seed).catch((error: unknown) => reasonOf(error)),
      ]);
      if (said !== null) failures.push(said);
      failures.push(...refusedOf(`step ${round}`, load), ...refusedOf(`step ${round}, pictures`, looks));
      answered += looks.statuses[200] ?? 0;
      toldToWait += waitsOf(load) + waitsOf(looks);
      steps.push({
        act: ACTS[round % ACTS.length],
        acceptedMs: load.acceptedMs,
        picturesMs: looks.acceptedMs,
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
    if (toldToWait > 0) failures.push(`${toldToWait} requests were told to wait: a load well under capacity is not refused`);
    if (!Object.values(summary).every(Number.isFinite)) failures.push(`a figure is missing: ${JSON.stringify(summary)}`);
    if (summary.drift > DRIFT_MAX) failures.push(`p99 went from ${summary.firstP99Ms} to ${summary.lastP99Ms} ms`);
    if (summary.grown > GROWTH_MAX) failures.push(`memory grew by ${(100 * summary.grown).toFixed(1)} %, ${summary.grownBytes} bytes`);
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
    toldToWait,
    pictures: { offeredPerSecond: PICTURES_PER_SECOND, answered, p99Ms: p99Of(steps, ({ picturesMs }) => picturesMs) },
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
    // The same pins with other pictures: those of before go, and a place is no older than two imports.
    return problemOf(await importPictured(data, join(folder, `files-${round % (2 * ACTS.length)}`), 30 + (round % 5), seed + round));
  }
  if (act === 'build') return problemOf(await runJob(['build-candidates', '--data', data, '--threads', '1']));
  if (act === 'train') {
    const name = `soak-${round}`;
    const trained = await runJob(['train-ranker', '--data', data, '--name', name, '--c', '0.01', '--workers', '1']);
    if (/RANKER_NO_PAIRS/.test(trained.said)) return null;
    return problemOf(trained) ?? problemOf(await runJob(['promote-model', name, '--data', data, '--force', '--why', 'soak']));
  }
  const back = await runJob(['roll-back-model', '--data', data]);
  return /NOTHING_TO_DO/.test(back.said) ? null : problemOf(back);
}

async function importPictured(data: string, folder: string, perBoard: number, seed: number): ReturnType<typeof runJob> {
  const pictures = await writePictures(folder, PICTURES, seededRandom(mixedSeed(seed, 'pictures')));
  const { flags } = writeSmallCatalog(folder, PINS, 300, perBoard, seed, pictures);
  return runJob(['import-catalog', '--data', data, ...flags, '--images', folder]);
}

/** Requests that were told when to come back: a machine that is busy with something else makes them. */
function waitsOf({ statuses, withoutRetryAfter }: LoadResult): number {
  return (statuses[503] ?? 0) - withoutRetryAfter;
}

function refusedOf(what: string, load: LoadResult): readonly string[] {
  const { offered, statuses, errors } = load;
  const wrong = offered - (statuses[200] ?? 0) - waitsOf(load);
  return wrong > 0 ? [`${what}: ${JSON.stringify(statuses)} of ${offered} ${errors.join('; ')}`] : [];
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
  const { act, p50Ms, p99Ms, picturesP99Ms, residentMiB, heapMiB, descriptors, takeUpMs } = curveOf(step);
  return `step ${round} (${act}): p50 ${p50Ms} ms, p99 ${p99Ms} ms, pictures ${picturesP99Ms} ms, resident ${residentMiB} MiB, heap ${heapMiB} MiB, ${descriptors} descriptors, take-up ${takeUpMs} ms`;
}

function curveOf({ act, acceptedMs, picturesMs, residentBytes, heapBytes, descriptors, takeUpMs }: Step) {
  return {
    act,
    p50Ms: tenths(quantile(acceptedMs, 0.5)),
    p99Ms: tenths(quantile(acceptedMs, 0.99)),
    picturesP99Ms: tenths(quantile(picturesMs, 0.99)),
    residentMiB: Math.round(residentBytes / 2 ** 20),
    heapMiB: Math.round(heapBytes / 2 ** 20),
    descriptors,
    takeUpMs: tenths(takeUpMs),
  };
}

/** p99 of all replies of some steps together. */
function p99Of(steps: readonly Step[], of: (step: Step) => Float64Array = ({ acceptedMs }) => acceptedMs): number {
  const all = Float64Array.from(steps.flatMap((step) => [...of(step)])).sort();
  return tenths(quantile(all, 0.99));
}

/** What each kind of interruption costs those who ask meanwhile. */
function byAct(steps: readonly Step[]): Record<string, number> {
  return Object.fromEntries(ACTS.map((act) => [act, p99Of(steps.filter((step) => step.act === act))]));
}

/** First and last third (ten minutes at most) of what follows the warm-up, the same acts in both. */
function summarize(all: readonly Step[]) {
  const warm = Math.min(TEN_MINUTES, Math.max(WARM_STEPS, Math.floor(all.length * WARM_SHARE)));
  const steps = all.length > warm + 1 ? all.slice(warm) : all;
  const third = Math.min(TEN_MINUTES, Math.floor(steps.length / 3));
  const part = Math.max(1, third - (third % ACTS.length));
  const median = (some: readonly Step[], of: (step: Step) => number): number =>
    some.map(of).sort((a, b) => a - b)[Math.floor(some.length / 2)] ?? Number.NaN;
  const [first, last] = [steps.slice(0, part), steps.slice(-part)];
  const [firstP99Ms, lastP99Ms] = [p99Of(first), p99Of(last)];
  const grownBytes = median(last, (step) => step.residentBytes) - median(first, (step) => step.residentBytes);
  return {
    comparedMinutes: tenths((part * STEP_SECONDS) / 60),
    firstP99Ms,
    lastP99Ms,
    drift: Math.round((lastP99Ms / firstP99Ms) * 100) / 100,
    grown: grownBytes / median(first, (step) => step.residentBytes),
    grownBytes,
    heapGrownBytes: median(last, (step) => step.heapBytes) - median(first, (step) => step.heapBytes),
    moreDescriptors: median(last, (step) => step.descriptors) - median(first, (step) => step.descriptors),
  };
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}
