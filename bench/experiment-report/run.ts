/** How long does a report over many exposures take, and how much memory? See README.md. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../../src/catalog/database.ts';
import { readDefinition } from '../../src/experiments/experiment.ts';
import type { Experiment } from '../../src/experiments/experiment-store.ts';
import { ExperimentStore } from '../../src/experiments/experiment-store.ts';
import type { ExposedList } from '../../src/experiments/counting/exposed-list.ts';
import { DAY_MS, HAS_DOMINANT } from '../../src/experiments/counting/exposed-list.ts';
import { recountCells } from '../../src/experiments/counting/exposure-log.ts';
import { ExposureStore } from '../../src/experiments/counting/exposure-store.ts';
import { reportOf } from '../../src/experiments/report/report.ts';
import { seededRandom } from '../../src/math/random.ts';
import { flagsOf } from '../flags.ts';

const START = 20_700 * DAY_MS;
const DAYS = 14;
const CATEGORIES = ['art', 'tattoos', 'illustrations', 'design', 'quotes', 'fitness planning', 'home decor', 'travel'];
const SURFACES = ['closeup', 'home-feed'];
const BATCH = 100_000;
const REPORTS = 5;

export async function run({ argv }: { argv: readonly string[]; json: boolean }): Promise<Record<string, unknown>> {
  const { exposures } = flagsOf(argv, { exposures: 10_000_000 });
  const folder = mkdtempSync(join(tmpdir(), 'experiment-report-'));
  try {
    return measure(join(folder, 'experiments.sqlite'), exposures);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function measure(path: string, exposures: number): Record<string, unknown> {
  const database = openDatabase(path);
  const experiment = startedExperiment(new ExperimentStore(database));
  const store = new ExposureStore(database);
  const { number } = store.progressOf(experiment.key);
  const memory = new PeakMemory();
  const written = timed(() => writeExposures(store, number, exposures, memory));
  database.pragma('wal_checkpoint(TRUNCATE)');
  const beforeBytes = memory.now();
  const recounted = timed(() => recountCells(store, experiment, () => memory.look()));
  store.transaction(() => store.writeCells(number, recounted.value));
  const reports = Array.from({ length: REPORTS }, () =>
    timed(() => reportOf(experiment, store.readCells(number), { ...store.progressOf(experiment.key), eventsKeptApart: 0 })),
  );
  const report = reports[0].value;
  const users = report.arms.reduce((sum, arm) => sum + arm.users, 0);
  if (users !== exposures) throw new RangeError(`users: expected ${exposures}, got ${users}`);
  database.close();
  return {
    exposures,
    lists: written.value,
    reportSeconds: median(reports.map((each) => each.seconds)),
    reportSecondsRaw: reports.map((each) => each.seconds),
    recountSeconds: recounted.seconds,
    writeSeconds: written.seconds,
    fileBytes: statSync(path).size,
    rssBeforeReportBytes: beforeBytes,
    peakRssBytes: memory.peak,
    cells: recounted.value.size,
    rows: report.rows.length,
    verdict: report.verdict,
  };
}

function startedExperiment(experiments: ExperimentStore): Experiment {
  const author = { by: 'bench', at: START };
  const arms = [
    { key: 'control', weight: 0.5 },
    { key: 'treatment', weight: 0.5 },
  ];
  const metrics = ['engagement-rate', 'save-propensity', 'click-rate', 'latency-ms'];
  experiments.define(readDefinition({ key: 'bench', arms, metrics, expectedUnits: 1e7 }), author);
  return experiments.start('bench', author);
}

/** One unit after the other; every tenth comes back a day later. Returns the number of lists. */
function writeExposures(store: ExposureStore, number: number, exposures: number, memory: PeakMemory): number {
  const random = seededRandom(1);
  let listIndex = 0;
  for (let from = 0; from < exposures; from += BATCH) {
    store.transaction(() => {
      for (let unit = from; unit < Math.min(exposures, from + BATCH); unit++) {
        const arm = random.next() < 0.5 ? 0 : 1;
        const at = START + random.integer(DAYS * DAY_MS);
        const visits = random.next() < 0.1 ? 2 : 1;
        for (let visit = 0; visit < visits; visit++)
          store.put(number, exposedList(`u${String(unit).padStart(9, '0')}`, at + visit * DAY_MS, ++listIndex, arm, random.next()));
      }
    });
    memory.look();
  }
  return listIndex;
}

function exposedList(unit: string, at: number, listIndex: number, arm: number, luck: number): ExposedList {
  const saves = luck < 0.03 + 0.001 * arm ? 1 : 0;
  const clicks = luck > 0.93 ? 1 : 0;
  return {
    unit,
    at,
    listIndex,
    arm,
    surface: SURFACES[listIndex % 2],
    category: CATEGORIES[listIndex % CATEGORIES.length],
    flags: listIndex % 3 === 0 ? HAS_DOMINANT : 0,
    shown: 25,
    impressions: 25,
    closeups: 0,
    clicks,
    longClicks: 0,
    saves,
    engaged: saves + clicks,
    hides: 0,
    explored: 0,
    exploredEngaged: 0,
    firstSaveSeconds: saves > 0 ? Math.floor(luck * 1000) : -1,
    latencyMs: 5 + Math.floor(luck * 20),
    labels: '',
    values: '',
  };
}

class PeakMemory {
  peak = 0;
  now(): number {
    return process.memoryUsage().rss;
  }
  look(): void {
    this.peak = Math.max(this.peak, this.now());
  }
}

function timed<T>(work: () => T): { value: T; seconds: number } {
  const startedAt = performance.now();
  const value = work();
  return { value, seconds: (performance.now() - startedAt) / 1000 };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
