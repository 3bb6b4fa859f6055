/**
 * Mixed load for as long as asked, while models are promoted and rolled back, catalogues imported and lists counted anew:
 * memory and descriptors stay flat, p99 of the last sixth is within 20 % of the first. A round is one such interruption.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reasonOf } from '../src/errors.ts';
import { deriveSeed, seededRandom } from '../src/math/random.ts';
import { EventLedger, reportUntilKilled } from './event-intake.ts';
import { openLoop, quantile } from './open-loop.ts';
import type { Scenario } from './scenario.ts';
import { runJob, type ServiceProcess, startService } from './service-process.ts';
import { writeSmallCatalog } from './small-catalog.ts';

const PINS = 3000;
const READS_PER_SECOND = 40;
const STEP_SECONDS = 10;
/** The first part warms up caches and the compiler. */
const WARM_STEPS = 2;
const DRIFT_MAX = 1.2;
/** Shorter runs than this say nothing about drift; the bounds are then reported, not judged. */
const JUDGED_STEPS = 12;
const GROWTH_MAX_BYTES = 256 * 2 ** 20;
const DESCRIPTORS_MAX = 20;

interface Step {
  readonly p99Ms: number;
  readonly residentBytes: number;
  readonly descriptors: number;
}

export const soak: Scenario = async ({ minutes, seed, rounds = Number.POSITIVE_INFINITY, say }) => {
  const folder = mkdtempSync(join(tmpdir(), 'related-pins-soak-'));
  const failures: string[] = [];
  const ledger = new EventLedger();
  const steps: Step[] = [];
  const deadline = Date.now() + minutes * 60_000;
  const random = seededRandom(deriveSeed(seed, 'soak'));
  let service: ServiceProcess | null = null;
  let round = 0;
  try {
    const data = join(folder, 'data');
    const catalog = writeSmallCatalog(join(folder, 'files'), PINS, 300, 30, seed);
    await runJob(['import-catalog', '--data', data, ...catalog.flags]);
    await runJob(['build-candidates', '--data', data, '--only', 'cooccurrence']);
    service = await startService(data);
    const { url, pid } = service;
    let over = false;
    const client = reportUntilKilled(url, PINS, ledger, seededRandom(random.integer(2 ** 31)), () => over);
    const paths = [() => `/v1/pins/p${random.integer(PINS)}/related?limit=25&userId=u${random.integer(53)}`, () => `/v1/users/u${random.integer(53)}/home-feed`, () => `/v1/pins?limit=20&q=design`];
    while (Date.now() < deadline && round < rounds && failures.length < 20) {
      const [load, said] = await Promise.all([
        openLoop({ url, perSecond: READS_PER_SECOND, seconds: STEP_SECONDS, connections: 16, path: (n) => paths[n % paths.length]() }),
        interrupt(round, data, folder, seed).catch((error: unknown) => reasonOf(error)),
      ]);
      if (said !== null) failures.push(said);
      const refused = load.offered - (load.statuses[200] ?? 0);
      if (refused > 0) failures.push(`step ${round}: ${JSON.stringify(load.statuses)} of ${load.offered} ${load.errors.join('; ')}`);
      steps.push({ p99Ms: quantile(load.acceptedMs, 0.99), residentBytes: await residentBytes(url), descriptors: readdirSync(`/proc/${pid}/fd`).length });
      say(`step ${round}: p99 ${Math.round(steps[round].p99Ms)} ms, ${Math.round(steps[round].residentBytes / 2 ** 20)} MiB, ${steps[round].descriptors} descriptors`);
      round++;
    }
    over = true;
    await client;
    const status = await service.stop();
    if (status !== 0) failures.push(`it stopped with ${status}: ${service.said().slice(-500)}`);
  } finally {
    await service?.kill();
    rmSync(folder, { recursive: true, force: true });
  }
  const summary = summarize(steps);
  if (steps.length >= JUDGED_STEPS) {
    if (summary.drift > DRIFT_MAX) failures.push(`p99 went from ${summary.firstP99Ms} to ${summary.lastP99Ms} ms`);
    if (summary.grownBytes > GROWTH_MAX_BYTES) failures.push(`memory grew by ${summary.grownBytes} bytes`);
    if (summary.moreDescriptors > DESCRIPTORS_MAX) failures.push(`${summary.moreDescriptors} more descriptors are open`);
  }
  failures.push(...ledger.problems);
  return { rounds: round, lost: 0, doubled: ledger.doubled, failed: failures.length, failures, acknowledged: ledger.acknowledged.size, ...summary, judged: steps.length >= JUDGED_STEPS };
};

/** What operators do while people look at pins; null, or what went wrong. */
async function interrupt(round: number, data: string, folder: string, seed: number): Promise<string | null> {
  const act = ['import', 'build', 'train', 'roll back'][round % 4];
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

async function residentBytes(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^process_resident_memory_bytes (\S+)/m.exec(text)?.[1] ?? Number.NaN);
}

/** First and last sixth of what follows the warm-up; the median of each, because one step may hold a collection. */
function summarize(all: readonly Step[]) {
  const steps = all.length > WARM_STEPS + 1 ? all.slice(WARM_STEPS) : all;
  const part = Math.max(1, Math.floor(steps.length / 6));
  const median = (some: readonly Step[], of: (step: Step) => number): number => some.map(of).sort((a, b) => a - b)[Math.floor(some.length / 2)] ?? Number.NaN;
  const [first, last] = [steps.slice(0, part), steps.slice(-part)];
  const [firstP99Ms, lastP99Ms] = [first, last].map((some) => Math.round(median(some, (step) => step.p99Ms) * 10) / 10);
  return {
    firstP99Ms,
    lastP99Ms,
    drift: Math.round((lastP99Ms / firstP99Ms) * 100) / 100,
    grownBytes: median(last, (step) => step.residentBytes) - median(first, (step) => step.residentBytes),
    moreDescriptors: median(last, (step) => step.descriptors) - median(first, (step) => step.descriptors),
  };
}
