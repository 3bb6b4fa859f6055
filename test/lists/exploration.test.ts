import { describe, expect, test } from 'vitest';
import { exploredPins } from '../../src/catalog/log/served-list.ts';
import { openLog } from '../../src/catalog/log/log-database.ts';
import { logList, plainOptions } from '../../src/lists/serve-list.ts';
import { drawPlaces, explore } from '../../src/lists/exploration.ts';
import { mixedSeed, seededRandom, SERVING_STREAMS } from '../../src/math/random.ts';
import { relatedPins } from '../../src/related-pins.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { DEFAULT_TREATMENT } from '../../src/treatment.ts';
import { servedList } from '../catalog/served-list-case.ts';
import { testConfig, worldFolder } from '../world.ts';

const ORDER = Int32Array.from([0, 1, 2, 3, 4, 5]);
const POOL = [10, 11, 12, 13, 14, 15];

function drawn(seed: number, share: number, pool = POOL) {
  const random = seededRandom(mixedSeed(1, `page ${seed}`));
  return explore(ORDER, pool, drawPlaces(ORDER.length, pool.length, share, random), random);
}

describe('a page with new pins', () => {
  test('by hand: one place of two, one new pin', () => {
    const { page, propensities, explored } = explore(Int32Array.of(7, 8), [9], { taken: 1, chances: [[1, 1]] }, seededRandom(2));
    expect(explored.size).toBe(1);
    // The new pin stands at either place half of the time; the first of the others at the second place in the other half.
    expect([...propensities]).toEqual([0.5, 0.5]);
    expect(page.includes(9)).toBe(true);
  });

  test.each([0.1, 0.25, 0.4])('logs how often each item stands where it stands, share %d', (share) => {
    const runs = 40_000;
    const counts = new Map<string, number>();
    const told = new Map<string, number>();
    for (let seed = 1; seed <= runs; seed++) {
      const { page, propensities } = drawn(seed, share);
      page.forEach((row, place) => {
        const key = `${row} at ${place}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
        told.set(key, propensities[place]);
      });
    }
    for (const [key, count] of counts) {
      const p = told.get(key) ?? 0;
      // Four and a half deviations: with some fifty cells a right formula fails once in a thousand seeds.
      expect(Math.abs(count / runs - p), key).toBeLessThan(4.5 * Math.sqrt((p * (1 - p)) / runs) + 1e-9);
    }
    const shown = [...counts].filter(([key]) => Number(key.split(' ')[0]) >= 10).reduce((sum, [, count]) => sum + count, 0);
    expect(shown / runs / ORDER.length).toBeCloseTo(share, 2);
  });

  test('replay by these propensities gets back what the order without new pins would have earned', () => {
    // The reward depends on item and place, as replay assumes.
    const reward = (row: number, place: number): number => (row === 3 ? 0.6 : 0.1 * (row % 3)) / (1 + place);
    const truth = ORDER.reduce((sum, row, place) => sum + reward(row, place), 0);
    const runs = 40_000;
    let [earned, squares] = [0, 0];
    for (let seed = 1; seed <= runs; seed++) {
      const { page, propensities } = drawn(seed, 0.3);
      let list = 0;
      page.forEach((row, place) => (list += ORDER[place] === row ? reward(row, place) / propensities[place] : 0));
      earned += list / runs;
      squares += list ** 2 / runs;
    }
    expect(Math.abs(earned - truth)).toBeLessThan(4 * Math.sqrt((squares - earned ** 2) / runs));
  });

  test('no more places than there are new pins; without any the page stays', () => {
    for (let seed = 1; seed < 40; seed++) expect(drawn(seed, 0.5, [10]).explored.size).toBeLessThanOrEqual(1);
    const { page, propensities } = drawn(1, 0.5, []);
    expect([...page]).toEqual([...ORDER]);
    expect([...propensities]).toEqual(Array(6).fill(1));
  });
});

test('a pin counts as shown once a list with it was looked at, on every surface', async () => {
  const log = openLog(':memory:');
  await log.lists.append(servedList({ pins: [10, 11], rows: [[1], [2]] }));
  await log.lists.append(servedList({ recommendationId: 'r2', surface: 'home-feed', queryPinIndex: -1, pins: [11, 12], rows: [[1], [2]] }));
  await log.lists.append(servedList({ recommendationId: 'r3', pins: [10], rows: [[1]] }));
  const event = { type: 'impression', pinIndex: 11, position: 1, userId: null, at: 2000 } as const;
  await log.events.append([
    { ...event, eventId: '1', recommendationId: 'r1' },
    { ...event, eventId: '2', recommendationId: 'r1' },
    { ...event, eventId: '3', recommendationId: 'r2' },
  ]);
  log.pairs.catchUp();
  await log.events.append([{ ...event, eventId: '4', recommendationId: 'r1' }]);
  log.pairs.catchUp();
  expect([...log.pairs.impressionsOf(Int32Array.of(10, 11, 12, 13))]).toEqual([1, 2, 1, 0]);
  log.close();
});

describe('served lists', () => {
  const exploring = { ...DEFAULT_TREATMENT, exploration: { share: 0.5, fewerThan: 3 } };
  /** An id under which one of two places is drawn for a new pin. */
  const drawing = (at: number): string => {
    for (let n = 0; ; n++) {
      const random = seededRandom(mixedSeed(SERVING_STREAMS.exploration, `r${at}-${n}`));
      if (drawPlaces(2, 5, 0.5, random).taken === 1) return `r${at}-${n}`;
    }
  };
  const listFor = (context: Context, id: string, more = {}) =>
    relatedPins(context.parts, 0, plainOptions({ recommendationId: id, now: Date.now(), limit: 2, treatment: exploring, ...more }));

  test('new pins get places, named by their source and chance in the log; a pin that was seen often does not', async () => {
    const folder = await worldFolder();
    const context = await openContext(testConfig(folder, { shuffledShare: 1 }), folder, { lock: true });
    try {
      const list = await listFor(context, drawing(1));
      const plain = await listFor(context, 'r0', {
        treatment: { ...DEFAULT_TREATMENT, composition: { method: 'none', weight: 0, window: 2, limits: {} } },
      });
      await logList(context.log, list);
      const logged = context.log.lists.find(list.options.recommendationId)!;
      const explored = exploredPins(logged.items);
      const usual = Array.from(plain.page, (row) => plain.candidates.pinIndexes[row]);
      expect(explored.size).toBe(1);
      expect(usual.some((pin) => explored.has(pin))).toBe(false);
      const others = Array.from(list.page, (row) => list.candidates.pinIndexes[row]).filter((pin) => !explored.has(pin));
      expect(others).toEqual(usual.slice(0, 1));
      expect(logged).toMatchObject({ shuffled: false });
      expect([...logged.items.propensities.subarray(0, 2)].every((chance) => chance > 0 && chance < 1)).toBe(true);
      const pins = Array.from(list.candidates.pinIndexes);
      for (let n = 0; n < 3; n++) {
        await context.log.lists.append(servedList({ recommendationId: `seen${n}`, pins, rows: pins.map(() => [0]) }));
        await context.log.events.append([
          { eventId: `s${n}`, type: 'impression', recommendationId: `seen${n}`, pinIndex: pins[0], position: 1, userId: null, at: 2000 },
        ]);
      }
      context.log.pairs.catchUp();
      expect((await listFor(context, drawing(3))).candidates.sourceNames).not.toContain('exploration');
    } finally {
      await context.close();
    }
  });

  test('a composed page keeps its order around them, and the next page goes on without repeating', async () => {
    const folder = await worldFolder();
    const context = await openContext(testConfig(folder), folder, { lock: true });
    try {
      const composition = { method: 'ssd', weight: 3, window: 4, limits: {} } as const;
      const treatment = { ...exploring, composition };
      const whole = await listFor(context, 'w', { treatment: { ...DEFAULT_TREATMENT, composition }, limit: 50 });
      const wanted = Array.from(whole.page, (row) => whole.candidates.pinIndexes[row]);
      const first = await listFor(context, drawing(2), { treatment, explain: true });
      const pins = Array.from(first.page, (row) => first.candidates.pinIndexes[row]);
      const at = first.candidates.sourceNames.indexOf('exploration');
      const isNew = (row: number): boolean => !Number.isNaN(first.candidates.sourceScores[row * first.candidates.sourceNames.length + at]);
      expect(pins.filter((_, place) => !isNew(first.page[place]))).toEqual(wanted.slice(0, 1));
      first.placings?.forEach((placing) => {
        if (placing?.like) expect(pins[placing.like.position - 1]).toBe(placing.like.pinIndex);
      });
      const second = await listFor(context, 'r2', { treatment, cursor: first.nextCursor, limit: 50 });
      const rest = Array.from(second.page, (row) => second.candidates.pinIndexes[row]);
      expect(rest.some((pin) => pins.includes(pin))).toBe(false);
      expect([...pins, ...rest].sort((a, b) => a - b)).toEqual([...wanted].sort((a, b) => a - b));
    } finally {
      await context.close();
    }
  });
});
