import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { openLog } from '../../src/catalog/log/log-database.ts';
import type { Experiments } from '../../src/experiments/experiments.ts';
import { openExperiments } from '../../src/experiments/experiments.ts';
import { NOTHING_KNOWN } from '../../src/experiments/experiment.ts';
import { seededRandom } from '../../src/math/random.ts';

const CHILD = fileURLToPath(new URL('./killed-while-counting.mjs', import.meta.url));
const START = Date.UTC(2026, 0, 5);
const folder = mkdtempSync(join(tmpdir(), 'killed-experiment-'));

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open() {
  const log = openLog(folder);
  const describe = () => ({ category: 'art', hasDominantObject: false });
  return { log, experiments: openExperiments(folder, { log, describe, holdout: 0 }) };
}

/** Runs until it has said `lines` lines and a moment more, then kills it outright. Returns what was acknowledged. */
function runAndKill(round: number, lines: number, moreMs: number): Promise<string[]> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [CHILD, folder, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    let dying = false;
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (dying || text.split('\n').length < lines) return;
      dying = true;
      setTimeout(() => child.kill('SIGKILL'), moreMs);
    });
    child.on('error', failed);
    child.on('exit', () => done(text.split('\n').slice(0, -1)));
  });
}

function counts(experiments: Experiments): { lists: number; saves: number } {
  const { number } = experiments.exposures.progressOf('e');
  let lists = 0;
  let saves = 0;
  for (const unit of experiments.exposures.units(number))
    for (const list of unit) {
      lists++;
      saves += list.saves;
    }
  return { lists, saves };
}

test('killed at random: nothing acknowledged is lost, nothing is counted twice', async () => {
  const first = open();
  const arms = [
    { key: 'control', weight: 0.5 },
    { key: 'b', weight: 0.5 },
  ];
  first.experiments.define({ key: 'e', arms }, NOTHING_KNOWN, { by: 'test', at: START });
  first.experiments.store.start('e', { by: 'test', at: START });
  first.experiments.close();
  first.log.close();
  const random = seededRandom(9);
  const said: string[] = [];
  for (let round = 0; round < 5; round++) said.push(...(await runAndKill(round, 15 + random.integer(60), random.integer(40))));

  const { log, experiments } = open();
  const lists = said.filter((line) => line.startsWith('list '));
  const events = said.filter((line) => line.startsWith('event '));
  expect(lists.length).toBeGreaterThan(20);
  for (const line of lists) expect(log.lists.find(line.slice(5)), line).not.toBeNull();
  const counted = experiments.report('e');
  expect(counts(experiments)).toEqual({ lists: log.lists.count(), saves: log.events.count() });
  expect(log.events.count()).toBeGreaterThanOrEqual(events.length);
  expect(counted.arms.reduce((sum, arm) => sum + arm.lists, 0)).toBe(log.lists.count());
  expect(experiments.report('e', 'always-valid', true)).toEqual(counted);
  experiments.close();
  log.close();
}, 60_000);
