import { expect, test } from 'vitest';
import { openLog } from '../../src/catalog/log/log-database.ts';
import { PairEngagementLog } from '../../src/catalog/log/pair-engagement-log.ts';
import { servedList } from './served-list-case.ts';

const ratios = (log: ReturnType<typeof openLog>, pins: readonly number[]): number[] => {
  const out = new Float32Array(pins.length);
  log.pairs.clicksOverExpected(7, Int32Array.from(pins), pins.length, out);
  return [...out];
};

test('clicks over expected clicks, shrunk: a list counts at its first event, an item once', async () => {
  const log = openLog(':memory:');
  await log.lists.append(servedList({ pins: [10, 11] }));
  await log.lists.append(servedList({ recommendationId: 'never looked at', pins: [10, 12] }));
  expect(ratios(log, [10, 11])).toEqual([0, 0]);
  const click = { type: 'click', recommendationId: 'r1', pinIndex: 10, position: 1, userId: null, at: 1001 } as const;
  await log.events.append([{ ...click, eventId: 'a', type: 'impression' }]);
  expect(log.pairs.catchUp()).toBe(1);
  await log.events.append([
    { ...click, eventId: 'b' },
    { ...click, eventId: 'c', type: 'save' },
    { ...click, eventId: 'd', pinIndex: 99 },
  ]);
  expect(log.pairs.catchUp()).toBe(3);
  // Expected 0.05 at a position never seen before: (1 + 1) / (0.05 + 1) and (0 + 1) / (0.05 + 1).
  const [clicked, seen, unseen] = ratios(log, [10, 11, 12]);
  expect(clicked).toBeCloseTo(2 / 1.05, 6);
  expect(seen).toBeCloseTo(1 / 1.05, 6);
  expect(unseen).toBe(0);
  expect(log.pairs.catchUp()).toBe(0);
  log.close();
});

test('beside requests few events are taken in at once, and the rest by the next calls', async () => {
  const log = openLog(':memory:');
  const ids = Array.from({ length: 10 }, (_, i) => `list ${i}`);
  for (const recommendationId of ids) await log.lists.append(servedList({ recommendationId, pins: [10, 11] }));
  await log.events.append(
    ids.map((recommendationId) => {
      return { eventId: recommendationId, type: 'click', recommendationId, pinIndex: 10, position: 1, userId: null, at: 1001 } as const;
    }),
  );
  const taken = [0, 1, 2].map(() => [log.pairs.catchUp(0), log.pairs.isBehind]);
  expect(taken).toEqual([
    [4, true],
    [4, true],
    [2, false],
  ]);
  expect([...log.pairs.impressionsOf(Int32Array.from([10, 11, 12]))]).toEqual([10, 10, 0]);
  log.close();
});

test('a query that nothing was known of is asked about again once something happened on a list of it', async () => {
  const log = openLog(':memory:');
  expect(log.pairs.winnersOf(7, 0).pinIndexes).toHaveLength(0);
  log.pairs.readAhead([7, 1_000_000]);
  await log.lists.append(servedList({ pins: [10, 11] }));
  const event = { eventId: 'a', type: 'impression', recommendationId: 'r1', pinIndex: 10, position: 1, userId: null, at: 1001 } as const;
  await log.events.append([event]);
  log.pairs.catchUp();
  expect([...log.pairs.winnersOf(7, 0).pinIndexes]).toEqual([10, 11]);
  expect(log.pairs.winnersOf(1_000_000, 0).pinIndexes).toHaveLength(0);
  log.close();
});

test('what is read ahead for many queries is what each says by itself, and later events are not missed', async () => {
  const log = openLog(':memory:');
  const click = { type: 'click', recommendationId: 'r1', pinIndex: 10, position: 1, userId: null, at: 1001 } as const;
  await log.lists.append(servedList({ pins: [10, 11] }));
  await log.events.append([{ ...click, eventId: 'a', type: 'impression' }]);
  log.pairs.catchUp();
  const alone = log.pairs.winnersOf(7, 0);
  expect([...alone.pinIndexes]).toEqual([10, 11]);
  const other = new PairEngagementLog(log.database, log.lists, log.events);
  other.readAhead([3, 7, 9, 7]);
  expect(other.winnersOf(7, 0)).toEqual(alone);
  expect(other.winnersOf(3, 0).pinIndexes).toHaveLength(0);
  await log.events.append([{ ...click, eventId: 'b' }]);
  log.pairs.catchUp();
  expect(other.winnersOf(7, 0)).toEqual(alone);
  other.forgetIfMoved();
  expect(other.winnersOf(7, 0)).toEqual(log.pairs.winnersOf(7, 0));
  expect(other.winnersOf(7, 0)).not.toEqual(alone);
  log.close();
});
