import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openDatabase } from '../../src/catalog/database.ts';
import type { EventType } from '../../src/catalog/pins/records.ts';
import type { LogDatabase } from '../../src/catalog/log/log-database.ts';
import { openLog } from '../../src/catalog/log/log-database.ts';
import type { Experiment } from '../../src/experiments/experiment-store.ts';
import { ExperimentStore } from '../../src/experiments/experiment-store.ts';
import { readDefinition } from '../../src/experiments/experiment.ts';
import { DAY_MS } from '../../src/experiments/counting/exposed-list.ts';
import { ExposureLog, recountCells } from '../../src/experiments/counting/exposure-log.ts';
import { ExposureStore } from '../../src/experiments/counting/exposure-store.ts';
import { METRICS } from '../../src/experiments/metric.ts';
import type { Cells } from '../../src/experiments/counting/unit-contribution.ts';
import { cellKey } from '../../src/experiments/counting/unit-contribution.ts';
import { engagement, servedList } from './served-lists.ts';

const START = 20_000 * DAY_MS;
const CATEGORIES = ['art', 'quotes'];

interface Bench {
  readonly log: LogDatabase;
  readonly store: ExposureStore;
  readonly exposures: ExposureLog;
  readonly experiment: Experiment;
}

function bench(more: Record<string, unknown> = {}): Bench {
  const database = openDatabase(':memory:');
  const experiments = new ExperimentStore(database);
  const author = { by: 'test', at: START };
  const arms = [
    { key: 'control', weight: 0.5 },
    { key: 'b', weight: 0.5 },
  ];
  experiments.define(readDefinition({ key: 'e', arms, ...more }), author);
  const experiment = experiments.start('e', author);
  const log = openLog(':memory:');
  const store = new ExposureStore(database);
  const describe = (list: { queryPinIndex: number }) => ({
    category: CATEGORIES[list.queryPinIndex % 2],
    hasDominantObject: list.queryPinIndex % 3 === 0,
  });
  return { log, store, experiment, exposures: new ExposureLog(store, log, describe) };
}

function cells({ store, experiment }: Bench): Cells {
  return store.readCells(store.progressOf(experiment.key).number);
}

/** Rows in a fixed order, all-zero cells left out: what two counts are compared by. */
function flat(all: Cells): [string, number[]][] {
  return [...all]
    .filter(([, cell]) => cell.some((value) => value !== 0))
    .map(([key, cell]): [string, number[]] => [key, [...cell].map((value) => value + 0)])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function statistic(all: Cells, key: string, metric: string): number[] {
  const index = METRICS.findIndex((each) => each.name === metric);
  return [...all.get(key)!.slice(index * 10, index * 10 + 6)];
}

async function write({ log }: Bench, work: Promise<unknown>[]): Promise<void> {
  log.commit.flush();
  await Promise.all(work);
}

test('each kind of action has its own window: a save of the fourth day counts where saves have a week', async () => {
  const world = bench({ attributionHours: 24, attribution: { save: 7 * 24 } });
  await write(world, [
    world.log.lists.append(servedList('r', 'ann', START + 1000, 'e/b', [10, 11, 12])),
    world.log.events.append([
      engagement('click', 'click', 'r', 10, START + 4 * DAY_MS),
      engagement('save', 'save', 'r', 11, START + 4 * DAY_MS),
      engagement('late', 'save', 'r', 12, START + 8 * DAY_MS),
    ]),
  ]);
  world.exposures.sync(world.experiment);
  const numerator = (metric: string): number => statistic(cells(world), cellKey(1, 'all', ''), metric)[1];
  expect([numerator('click-rate'), numerator('save-rate'), numerator('engagement-rate')]).toEqual([0, 1, 1]);
  expect(() => bench({ attribution: { glance: 3 } })).toThrow('attribution');
});

test('hidden items count once, those taken back do not, and counts of before hides were known are added up again', async () => {
  const world = bench({ guardrails: ['hide-rate'] });
  await write(world, [
    world.log.lists.append(servedList('r', 'ann', START + 1000, 'e/b', [10, 11, 12])),
    world.log.events.append([
      engagement('1', 'hide', 'r', 10, START + 2000),
      engagement('2', 'hide', 'r', 10, START + 3000),
      engagement('3', 'hide', 'r', 11, START + 2000),
      engagement('4', 'unhide', 'r', 11, START + 4000),
    ]),
  ]);
  world.exposures.sync(world.experiment);
  const counted = flat(cells(world));
  expect(statistic(cells(world), cellKey(1, 'all', ''), 'hide-rate')).toEqual([1, 1, 3, 1, 9, 3]);
  const { number } = world.store.progressOf('e');
  world.store.writeCells(number, new Map([...cells(world)].map(([key, cell]) => [key, new Float64Array(cell.length)])));
  world.store.saveProgress({ ...world.store.progressOf('e'), addedUp: 0 });
  world.exposures.sync(world.experiment);
  expect(flat(cells(world))).toEqual(counted);
});

test('items shown to get to know them are counted apart, and what was done with them', async () => {
  const world = bench();
  const plain = servedList('r', 'ann', START + 1000, 'e/b', [10, 11, 12]);
  const sourceScores = Float32Array.of(0.5, Number.NaN, 0.5, 0.1, Number.NaN, Number.NaN);
  const items = { ...plain.items, sourceNames: ['boards', 'exploration'], sourceScores };
  await write(world, [
    world.log.lists.append({ ...plain, items }),
    world.log.events.append([engagement('1', 'click', 'r', 10, START + 2000)]),
  ]);
  world.exposures.sync(world.experiment);
  expect(statistic(cells(world), cellKey(1, 'all', ''), 'exploration-share')).toEqual([1, 1, 3, 1, 9, 3]);
  expect(statistic(cells(world), cellKey(1, 'all', ''), 'exploration-engagement')).toEqual([1, 0, 1, 0, 1, 0]);
  await write(world, [world.log.events.append([engagement('2', 'save', 'r', 11, START + 3000)])]);
  world.exposures.sync(world.experiment);
  expect(statistic(cells(world), cellKey(1, 'all', ''), 'exploration-engagement')).toEqual([1, 1, 1, 1, 1, 1]);
});

test('two people by hand', async () => {
  const world = bench();
  const { log, exposures, experiment } = world;
  await write(world, [
    log.lists.append(servedList('r1', 'ann', START + 1000, 'e/control')),
    log.lists.append(servedList('r2', 'ann', START + DAY_MS, 'e/control', [4, 5])),
    log.lists.append(servedList('r3', 'bob', START + 5000, 'other/x;e/b')),
    log.lists.append(servedList('r4', 'eve', START, 'other/x')),
    log.lists.append(servedList('r5', 'zoe', START, 'e/b', [1], { forced: true })),
  ]);
  await write(world, [
    log.events.append([
      engagement('1', 'save', 'r1', 2, START + 61_000),
      engagement('2', 'click', 'r1', 2, START + 50_000),
      engagement('3', 'click', 'r2', 5, START + 2 * DAY_MS + 1),
      engagement('4', 'impression', 'r3', 1, START + 6000),
    ]),
  ]);
  expect(exposures.sync(experiment)).toMatchObject({ lists: 5, events: 4 });
  const all = cells(world);
  // Ann: 1 engaged item of 5 seen (the click a day late does not count); Bob: 0 of 3.
  expect(statistic(all, cellKey(0, 'all', ''), 'engagement-rate')).toEqual([1, 1, 5, 1, 25, 5]);
  expect(statistic(all, cellKey(1, 'all', ''), 'engagement-rate')).toEqual([1, 0, 3, 0, 9, 0]);
  expect(statistic(all, cellKey(0, 'all', ''), 'seconds-to-first-save')).toEqual([1, 60, 1, 3600, 1, 60]);
  expect(statistic(all, cellKey(0, 'day', 20_001), 'impressions-per-user')).toEqual([1, 2, 1, 4, 1, 2]);
  expect(statistic(all, cellKey(0, 'age', 1), 'engagement-rate')).toEqual([1, 0, 2, 0, 4, 0]);
  // Through day one, then what the second day added.
  expect(statistic(all, cellKey(0, 'through', 20_000), 'engagement-rate')).toEqual([1, 1, 3, 1, 9, 3]);
  expect(statistic(all, cellKey(0, 'through', 20_001), 'engagement-rate')).toEqual([0, 0, 2, 0, 16, 2]);
});

test('a unit met in two arms stays in its first, and is counted as crossed', async () => {
  const world = bench();
  await write(world, [
    world.log.lists.append(servedList('r1', 'ann', START + 10, 'e/b')),
    world.log.lists.append(servedList('r2', 'ann', START + 20, 'e/control')),
  ]);
  world.exposures.sync(world.experiment);
  expect(world.store.progressOf('e').crossed).toBe(1);
  expect(statistic(cells(world), cellKey(1, 'all', ''), 'latency-ms')[2]).toBe(1);
  // An earlier list arrives late: the first arm is another one now.
  await write(world, [world.log.lists.append(servedList('r0', 'ann', START + 5, 'e/control'))]);
  world.exposures.sync(world.experiment);
  expect(cells(world).has(cellKey(1, 'all', ''))).toBe(false);
  expect(statistic(cells(world), cellKey(0, 'all', ''), 'latency-ms')[2]).toBe(2);
});

test('the pre-period only adjusts', async () => {
  const world = bench({ prePeriodDays: 7 });
  await write(world, [
    world.log.lists.append(servedList('p1', 'ann', START - DAY_MS, null)),
    world.log.lists.append(servedList('p0', 'ann', START - 8 * DAY_MS, null)),
    world.log.lists.append(servedList('r1', 'ann', START + 10, 'e/b')),
    world.log.lists.append(servedList('p2', 'eve', START - DAY_MS, null)),
  ]);
  await write(world, [
    world.log.events.append([engagement('1', 'save', 'p1', 1, START - DAY_MS), engagement('2', 'save', 'p0', 1, START - 8 * DAY_MS)]),
  ]);
  world.exposures.sync(world.experiment);
  const cell = cells(world).get(cellKey(1, 'all', ''))!;
  // n, then the covariate's sum: one engaged item in the week before.
  expect([cell[0], cell[1], cell[6]]).toEqual([1, 0, 1]);
  expect(cells(world).has(cellKey(0, 'all', ''))).toBe(false);
});

test('counterfactual marks and missing models are kept with the list', async () => {
  const world = bench();
  world.store.noteCounterfactual('r1', 'e', true);
  world.store.noteCounterfactual('r2', 'e', false);
  await write(world, [
    world.log.lists.append(servedList('r1', 'ann', START, 'e/b')),
    world.log.lists.append(servedList('r2', 'ann', START, 'e/b', [1], { degraded: ['RANKER_MODEL_UNKNOWN'] })),
  ]);
  world.exposures.sync(world.experiment);
  expect(statistic(cells(world), cellKey(1, 'same', ''), 'impressions-per-user')[1]).toBe(3);
  expect(statistic(cells(world), cellKey(1, 'differs', ''), 'impressions-per-user')[1]).toBe(1);
  expect(world.store.progressOf('e').modelMissing).toBe(1);
});

test('what the log no longer holds is not counted again', async () => {
  const world = bench();
  await write(world, [
    world.log.lists.append(servedList('r1', 'ann', START, 'e/b')),
    world.log.lists.append(servedList('r2', 'ann', START, 'e/b')),
  ]);
  world.exposures.sync(world.experiment);
  const counted = flat(cells(world));
  world.log.database.prepare("DELETE FROM served_list WHERE recommendation_id = 'r1'").run();
  expect(() => world.exposures.rebuild(world.experiment)).toThrow(/deleted from the log/);
  expect(flat(cells(world))).toEqual(counted);
});

interface Happening {
  readonly kind: 'list' | 'event' | 'mark' | 'sync';
  readonly n: number;
  readonly user: number;
  readonly type: EventType;
}

const happening = fc.record<Happening>({
  kind: fc.constantFrom('list', 'list', 'event', 'event', 'event', 'mark', 'sync'),
  n: fc.integer({ min: 0, max: 14 }),
  user: fc.integer({ min: 0, max: 4 }),
  type: fc.constantFrom<EventType>('impression', 'closeup', 'click', 'longClick', 'save', 'hide', 'unhide'),
});

/** List n is always the same list and event (n, type) always the same event, however often and whenever they come. */
async function happen(world: Bench, { kind, n, user, type }: Happening): Promise<void> {
  const { log, exposures, experiment } = world;
  const at = START + ((n * 977) % 5000) * 60_000 - DAY_MS;
  const person = `u${n % 5}`;
  if (kind === 'sync') exposures.sync(experiment);
  else if (kind === 'mark') world.store.noteCounterfactual(`r${n}`, 'e', n % 3 === 0);
  else if (kind === 'list') {
    if (log.lists.find(`r${n}`)) return;
    const arm = at < START ? null : n % 7 === 0 ? 'e/b' : `e/${n % 2 === 0 ? 'control' : 'b'}`;
    await write(world, [log.lists.append(servedList(`r${n}`, person, at, arm, [1, 2, 3], { queryPinIndex: n }))]);
  } else await write(world, [log.events.append([engagement(`${n}/${user}/${type}`, type, `r${n}`, 1 + (user % 3), at + user * 1000)])]);
}

test('late, repeated and out-of-order lists and events end in the same cells: incremental, recounted, rebuilt, reordered', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { minLength: 5, maxLength: 60 }), fc.integer(), async (story, seed) => {
      const first = bench({ prePeriodDays: 3, caps: { 'saves-per-user': 2 } });
      for (const each of story) await happen(first, each);
      first.exposures.sync(first.experiment);
      const counted = flat(cells(first));
      expect(flat(recountCells(first.store, first.experiment))).toEqual(counted);
      const crossed = first.store.progressOf('e').crossed;
      first.exposures.rebuild(first.experiment);
      expect(flat(cells(first))).toEqual(counted);
      expect(first.store.progressOf('e').crossed).toBe(crossed);

      const second = bench({ prePeriodDays: 3, caps: { 'saves-per-user': 2 } });
      const shuffled = [...story, ...story]
        .map((each, i) => ({ each, place: Math.imul(i + 1, seed | 1) >>> 0 }))
        .sort((a, b) => a.place - b.place);
      for (const { each } of shuffled) await happen(second, each);
      second.exposures.sync(second.experiment);
      expect(flat(cells(second))).toEqual(counted);
    }),
    { seed: 6, numRuns: 60 },
  );
});
