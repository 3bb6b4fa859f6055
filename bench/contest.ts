/** Starts contenders and load generators of the serving benches in processes of their own, and measures what they use. */
import { type ChildProcess, fork } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SERVING_MEMORY, YOUNG_GENERATION } from '../src/api/shell/serving-memory.ts';
import { bootstrapMean } from '../src/math/bootstrap.ts';
import type { CostParts } from './cost-parts.ts';
import type { LoadOrder, LoadRequest, LoadResult } from './load-process.ts';
import type { ContenderOrder, ContenderWord } from './serving-process.ts';

export interface Contender {
  readonly origin: string;
  /** Processor time of the whole process, of its main thread within that, and its memory. */
  usage(): Promise<{ readonly cpuMicros: number; readonly mainMicros: number; readonly rssBytes: number }>;
  stop(): Promise<void>;
}

/** One of ours, whose processor time can be taken apart. */
interface Profiled extends Contender {
  /** Takes a profile while `load` runs, which says how many requests were answered. */
  parts(load: () => Promise<number>): Promise<CostParts>;
}

/** `log`: a folder whose log.sqlite the service begins with; absent: an empty log. */
export async function startContender(order: ContenderOrder, log?: string): Promise<Profiled> {
  const child = forkBeside('./serving-process.js');
  const folder = order.folder === undefined ? undefined : ownFolder(order.folder, log);
  const { port } = (await ask(child, { ...order, folder })) as Extract<ContenderWord, { port: number }>;
  return {
    origin: `http://127.0.0.1:${port}`,
    usage: () => ask(child, 'usage') as Promise<Extract<ContenderWord, { cpuMicros: number }>>,
    async parts(load) {
      await ask(child, 'profile');
      return (await ask(child, { requests: await load() })) as CostParts;
    },
    async stop() {
      await stop(child);
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What a server writes or locks: each contender begins without. */
const OWN = /^(log|experiments|dark-reads|jobs)\.sqlite|lock|^bench-log/;

/** A data folder that shares catalogue, artifacts and models with another one and has a lock and a log of its own. */
function ownFolder(shared: string, log?: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'bench-service-'));
  for (const name of readdirSync(shared)) {
    if (!OWN.test(name) && !/-(wal|shm)$/.test(name)) symlinkSync(join(shared, name), join(folder, name));
  }
  if (log !== undefined) cpSync(join(log, 'log.sqlite'), join(folder, 'log.sqlite'));
  return folder;
}

/** A load from a process of its own, and the processor time the contender spent on it. */
export interface Measured extends LoadResult {
  /** Requests answered per second of wall clock. */
  readonly perSecond: number;
  /** Requests answered per second of processor time: what one core does when it is not shared. */
  readonly perCoreSecond: number;
  readonly cpuMicrosEach: number;
}

export async function measure(contender: Contender, order: Omit<LoadOrder, 'origin'>): Promise<Measured> {
  const child = forkBeside('./load-process.js');
  const before = await contender.usage();
  const result = (await ask(child, { ...order, origin: contender.origin })) as LoadResult;
  const after = await contender.usage();
  await stop(child);
  const answered = result.done - result.failed;
  const cpuMicrosEach = (after.cpuMicros - before.cpuMicros) / Math.max(1, answered);
  return { ...result, perSecond: answered / result.seconds, perCoreSecond: 1e6 / cpuMicrosEach, cpuMicrosEach };
}

/** Asks each request once, phase after phase; `again` counts those that were asked a second time because there were too few. */
export class Asking {
  private readonly contender: Contender;
  private readonly requests: readonly LoadRequest[];
  private from = 0;

  constructor(contender: Contender, requests: readonly LoadRequest[]) {
    this.contender = contender;
    this.requests = requests;
  }

  async measure(order: Omit<LoadOrder, 'origin' | 'requests' | 'from'>): Promise<Measured> {
    const measured = await measure(this.contender, { ...order, requests: this.requests, from: this.from });
    this.from += measured.done;
    return measured;
  }

  get again(): number {
    return Math.max(0, this.from - this.requests.length);
  }

  /** Load, then capacity by closed loop, then latency by the clock at half of it. */
  async contest(seconds: number) {
    await this.measure({ seconds: WARM_SECONDS, clients: 16 });
    const capacity = await this.measure({ seconds, clients: 16 });
    const rate = Math.max(10, Math.round(capacity.perSecond / 2));
    const half = await this.measure({ seconds, clients: 64, rate });
    return { capacity: figures(capacity), half: { rate, ...figures(half) }, askedAgain: this.again };
  }
}

/** What a request of these costs, part by part, beside what it costs while nobody looks. */
export async function costByPart(order: ContenderOrder, log: string | undefined, requests: readonly LoadRequest[], seconds: number) {
  const service = await startContender(order, log);
  const asking = new Asking(service, requests);
  await asking.measure({ seconds: WARM_SECONDS, clients: 16 });
  const unwatched = await asking.measure({ seconds, clients: 16 });
  const parts = await service.parts(async () => {
    const { done, failed } = await asking.measure({ seconds, clients: 16 });
    return done - failed;
  });
  await service.stop();
  return { cpuMicrosEach: round(unwatched.cpuMicrosEach), perCoreSecond: round(unwatched.perCoreSecond), ...parts };
}

/** The ratios of pairs that were measured together, with the interval of their mean (bootstrap of the pairs, 95 %). */
export function pairedRatio(ours: readonly number[], peer: readonly number[]) {
  const ratios = ours.map((value, i) => value / peer[i]);
  const { mean, low, high } = bootstrapMean(ratios, 3);
  const interval = ratios.length < 3 ? null : [round(low), round(high)];
  return { ratio: round(mean), pairs: ratios.length, interval, ratios: ratios.map(round) };
}

/** What a ratio says of a bound it should reach: nothing where the interval holds the bound, or there is none. */
export function reaches({ interval }: ReturnType<typeof pairedRatio>, bound: number): 'yes' | 'no' | 'not resolved' {
  if (interval === null || (interval[0] <= bound && bound <= interval[1])) return 'not resolved';
  return interval[0] > bound ? 'yes' : 'no';
}

/**
 * Load before anything is measured: so long the engine needs until it has compiled what a request runs through, and most people of
 * the generated log have come once by then, as they have in a service that runs for a while.
 */
export const WARM_SECONDS = 10;

export const round = (value: number): number => Math.round(value * 1000) / 1000;

/** Of values in any order. */
export function percentiles(values: readonly number[]): { readonly p50: number; readonly p99: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  return { p50: at(0.5), p99: at(0.99) };
}

/** The figures of a measurement that are worth keeping. */
export function figures({ perSecond, perCoreSecond, cpuMicrosEach, p50, p95, p99, done, failed }: Measured) {
  return {
    perSecond: round(perSecond),
    perCoreSecond: round(perCoreSecond),
    cpuMicrosEach: round(cpuMicrosEach),
    p50: round(p50),
    p95: round(p95),
    p99: round(p99),
    done,
    failed,
  };
}

function forkBeside(file: string): ChildProcess {
  return fork(new URL(file, import.meta.url), {
    // As `serve` starts itself.
    env: { ...process.env, ...SERVING_MEMORY },
    execArgv: [...process.execArgv, YOUNG_GENERATION],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

function ask(child: ChildProcess, message: object | string): Promise<unknown> {
  return new Promise((answered, failed) => {
    const exited = (code: number | null): void => failed(new Error(`a bench process ended with ${code}`));
    child.once('exit', exited);
    child.once('message', (answer) => {
      child.off('exit', exited);
      answered(answer);
    });
    child.send(message);
  });
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((ended) => {
    child.once('exit', () => ended());
    child.kill('SIGKILL');
  });
}
