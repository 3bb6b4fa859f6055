/**
 * Damaged input for every parser: each case must be taken or refused with an error of ours, never crash, hang, grow without
 * bound or give back something else. A case is one damaged input: a row, a file, a request. `--rounds` bounds the cases
 * of each parser, the minutes all of them together; the parsers take turns. With `--only` a few have the minutes to
 * themselves: `--only csv,artifacts --rounds 1000000`, `--only onnx --minutes 10`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reasonOf } from '../src/errors.ts';
import { mixedSeed, type Random, seededRandom } from '../src/math/random.ts';
import { fileTargets } from './fuzz-files.ts';
import { httpTarget } from './fuzz-http.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { textTargets } from './fuzz-text.ts';
import type { Scenario } from './scenario.ts';

const TURN_MS = 100;
/** A turn may cost so much processor time, and so long by the clock of a machine that is busy with something else. */
const BUSY_MAX_MS = 5000;
const CLOCK_MAX_MS = 60_000;
const SAY_MS = 30_000;
const GROWTH_MAX_BYTES = 1.5 * 2 ** 30;

export const fuzz: Scenario = async ({ minutes, seed, rounds = Number.POSITIVE_INFINITY, only, say }) => {
  const folder = mkdtempSync(join(tmpdir(), 'related-pins-fuzz-'));
  const targets = await targetsIn(folder, only);
  if (targets.length === 0) throw new Error(`no parser's name begins with ${only?.join(' or ')}`);
  const deadline = Date.now() + minutes * 60_000;
  const cases: Record<string, number> = Object.fromEntries(targets.map(({ name }) => [name, 0]));
  const failures: string[] = [];
  const randoms = new Map(targets.map(({ name }) => [name, seededRandom(mixedSeed(seed, name))]));
  const rssBefore = process.memoryUsage.rss();
  let peakBytes = rssBefore;
  let saidAt = Date.now();
  try {
    while (Date.now() < deadline && failures.length < 20) {
      const open = targets.filter(({ name }) => cases[name] < rounds);
      if (open.length === 0) break;
      for (const target of open) {
        cases[target.name] += await oneBatch(target, randoms.get(target.name) as Random, failures);
        peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
      }
      if (Date.now() - saidAt < SAY_MS) continue;
      saidAt = Date.now();
      say(`${told(cases)}; ${Math.round(peakBytes / 2 ** 20)} MiB, ${failures.length} failed`);
    }
    if (peakBytes - rssBefore > GROWTH_MAX_BYTES) failures.push(`memory grew by ${peakBytes - rssBefore} bytes`);
  } finally {
    for (const target of targets) await target.close?.();
    rmSync(folder, { recursive: true, force: true });
  }
  say(told(cases));
  const total = Object.values(cases).reduce((sum, count) => sum + count, 0);
  return { rounds: total, failed: failures.length, failures, cases, peakMiB: Math.round(peakBytes / 2 ** 20) };
};

function told(cases: Readonly<Record<string, number>>): string {
  return Object.entries(cases)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

async function targetsIn(folder: string, only: readonly string[] = ['']): Promise<readonly FuzzTarget[]> {
  const asked = ({ name }: { readonly name: string }): boolean => only.some((start) => name.startsWith(start));
  const parsers = [...textTargets(folder), ...(await fileTargets(folder))].filter(asked);
  return asked({ name: 'http' }) ? [...parsers, await httpTarget(folder)] : parsers;
}

/** A turn of one parser: batches for a tenth of a second, so that slow parsers don't keep the fast ones waiting. */
async function oneBatch(target: FuzzTarget, random: Random, failures: string[]): Promise<number> {
  const startedAt = Date.now();
  const usedBefore = process.cpuUsage();
  let done = 0;
  try {
    do done += await target.batch(random);
    while (Date.now() - startedAt < TURN_MS);
  } catch (error) {
    failures.push(`${target.name}, case ${done}: ${reasonOf(error)}`);
    done += 1;
  }
  const { user, system } = process.cpuUsage(usedBefore);
  const [busyMs, clockMs] = [Math.round((user + system) / 1000), Date.now() - startedAt];
  if (busyMs > BUSY_MAX_MS || clockMs > CLOCK_MAX_MS)
    failures.push(`${target.name}: a turn took ${clockMs} ms, ${busyMs} ms of the processor`);
  return done;
}
