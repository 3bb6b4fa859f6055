/** Starts contenders and load generators of the serving benches in processes of their own, and measures what they use. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LARGE_PAGES } from '../src/api/shell/large-pages.ts';
import type { LoadOrder, LoadResult } from './load-process.ts';
import type { ContenderOrder, ContenderWord } from './serving-process.ts';

export interface Contender {
  readonly origin: string;
  usage(): Promise<{ readonly cpuMicros: number; readonly rssBytes: number }>;
  stop(): Promise<void>;
}

export async function startContender(order: ContenderOrder): Promise<Contender> {
  const child = forkBeside('./serving-process.js');
  const folder = order.folder === undefined ? undefined : ownFolder(order.folder);
  const { port } = (await ask(child, { ...order, folder })) as Extract<ContenderWord, { port: number }>;
  return {
    origin: `http://127.0.0.1:${port}`,
    usage: () => ask(child, 'usage') as Promise<Extract<ContenderWord, { cpuMicros: number }>>,
    async stop() {
      await stop(child);
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What a server writes or locks: each contender begins without. */
const OWN = /^(log|experiments|dark-reads|jobs)\.sqlite|lock/;

/** A data folder that shares catalogue, artifacts and models with another one and has a lock and a log of its own. */
function ownFolder(shared: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'bench-service-'));
  for (const name of readdirSync(shared)) {
    if (!OWN.test(name) && !/-(wal|shm)$/.test(name)) symlinkSync(join(shared, name), join(folder, name));
  }
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

/** Load before anything is measured: so long the engine needs until it has compiled what a request runs through. */
export const WARM_SECONDS = 6;

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
  return fork(new URL(file, import.meta.url), { env: { ...process.env, ...LARGE_PAGES }, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
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
