import { expect, test } from 'vitest';
import type { Engagement } from '../../src/catalog/log/engagement-log.ts';
import type { Database } from '../../src/catalog/database.ts';
import { openLog } from '../../src/catalog/log/log-database.ts';
import { servedList } from './served-list-case.ts';

const event = (eventId: string, more: Partial<Engagement> = {}): Engagement => ({
  eventId,
  type: 'click',
  recommendationId: 'r1',
  pinIndex: 10,
  position: 1,
  userId: 'ann',
  at: 2000,
  ...more,
});

/** How SQLite finds the rows of a statement of the log. */
function planOf({ source, database }: { readonly source: string; readonly database: Database }, ...bound: readonly unknown[]): string {
  return JSON.stringify(database.prepare(`EXPLAIN QUERY PLAN ${source}`).all(...bound));
}

test('an event takes the waiting list it refers to along', async () => {
  const log = openLog(':memory:', { groupCommitMs: 50 });
  const list = log.lists.append(servedList());
  expect(await log.events.append([event('e1')])).toEqual({ written: 1, unchanged: 0, keptApart: 0 });
  await list;
  log.close();
});

test('repeating an event id changes nothing, within a batch and across', async () => {
  const log = openLog(':memory:');
  await log.lists.append(servedList());
  expect(await log.events.append([event('e1'), event('e1')])).toEqual({ written: 1, unchanged: 1, keptApart: 0 });
  expect(await log.events.append([event('e1', { type: 'save' })])).toEqual({ written: 0, unchanged: 1, keptApart: 0 });
  expect(log.events.eventsOf(1).map(({ type }) => type)).toEqual(['click']);
  log.close();
});

test('events of an unknown list are kept apart, and join when it arrives', async () => {
  const log = openLog(':memory:');
  expect(await log.events.append([event('e1'), event('e1')])).toEqual({ written: 0, unchanged: 1, keptApart: 1 });
  expect([log.events.countStrays(), log.events.count()]).toEqual([1, 0]);
  await log.lists.append(servedList({ userId: 'bob' }));
  expect([log.events.countStrays(), log.events.count()]).toEqual([0, 1]);
  expect(await log.events.append([event('e1')])).toEqual({ written: 0, unchanged: 1, keptApart: 0 });
  log.close();
});

test('what was hidden in a list that is unknown so far is hidden at once, and once only when the list arrives', async () => {
  const log = openLog(':memory:');
  await log.events.append([event('h', { type: 'hide', userId: 'bob', at: 5, reason: 'dull' })]);
  const hidden = [{ pinIndex: event('h').pinIndex, type: 'hide', at: 5, reason: 'dull' }];
  expect([log.events.countStrays(), log.events.hidesOf('bob', 5)]).toEqual([1, hidden]);
  expect([log.events.hidesOf('bob', 4), log.events.hidesOf('ann', 5)]).toEqual([[], []]);
  await log.lists.append(servedList({ userId: 'bob' }));
  expect([log.events.countStrays(), log.events.hidesOf('bob', 5)]).toEqual([0, hidden]);
  log.close();
});

test('a judged list has the best grade of each item within the window', async () => {
  const log = openLog(':memory:');
  await log.lists.append(servedList({ pins: [10, 11, 12, 13] }));
  await log.lists.append(servedList({ recommendationId: 'forced', forced: true, at: 1001 }));
  await log.lists.append(servedList({ recommendationId: 'untouched', at: 1002 }));
  await log.events.append([
    event('a', { type: 'save', pinIndex: 11 }),
    event('b', { type: 'click', pinIndex: 11 }),
    event('c', { type: 'impression', pinIndex: 12 }),
    event('d', { type: 'longClick', pinIndex: 13, at: 5e9 }),
    event('e', { type: 'closeup', pinIndex: 10 }),
    event('f', { type: 'closeup', pinIndex: 99 }),
    event('g', { recommendationId: 'forced' }),
  ]);
  const judged = [...log.judged()];
  expect(judged.map((list) => [list.recommendationId, [...list.grades]])).toEqual([['r1', [1, 4, 0, 0]]]);
  expect([...log.judged({ withForced: true, withUntouched: true })]).toHaveLength(3);
  log.close();
});

test('a hidden item stands below what was left alone, whatever was done before; taken back it is judged as before', async () => {
  const log = openLog(':memory:');
  await log.lists.append(servedList({ pins: [10, 11, 12, 13], rows: [[1], [2], [3], [4]] }));
  await log.events.append([
    event('h1', { type: 'click' }),
    event('h2', { type: 'hide', reason: 'not for me' }),
    event('h3', { type: 'hide', pinIndex: 12, at: 2100 }),
    event('h4', { type: 'unhide', pinIndex: 12, at: 2200 }),
    event('h5', { type: 'closeup', pinIndex: 13 }),
    event('h6', { type: 'hide', pinIndex: 13, at: 5000 }),
  ]);
  const grades = (attributionMs: number): number[] => [...[...log.judged({ attributionMs })][0].grades];
  expect(grades(2000)).toEqual([-1, 0, 0, 1]);
  expect(grades(9000)).toEqual([-1, 0, 0, -1]);
  expect(log.events.hidesOf('ann', 2150)).toEqual([
    { type: 'hide', pinIndex: 10, at: 2000, reason: 'not for me' },
    { type: 'hide', pinIndex: 12, at: 2100, reason: null },
  ]);
  expect(log.events.hidesOf('bob', 9999)).toEqual([]);
  for (const plan of [planOf(log.events['hasHidden'], { person: 1 }), planOf(log.events['hides'], 1, 9, 1, 9)])
    expect(plan, 'what was only seen is not walked through').toContain('USING INDEX event_hidden');
  log.close();
});

test('hiding is no click: neither pairs nor crops count it as one', async () => {
  const log = openLog(':memory:');
  await log.lists.append(servedList({ queryPinIndex: 7 }));
  await log.events.append([event('h1', { type: 'hide' })]);
  log.pairs.catchUp();
  const ratio = new Float32Array(1);
  log.pairs.clicksOverExpected(7, Int32Array.of(10), 1, ratio);
  expect(ratio[0]).toBeLessThan(1);
  expect(log.crops.engagedPeople([1]).size).toBe(0);
  expect(log.retention.totals()[0]).toMatchObject({ engaged: 0, saves: 0, hides: 1 });
  await log.events.append([event('h2', { type: 'click' })]);
  expect(log.crops.engagedPeople([1]).get(10)).toBe(1);
  log.close();
});

test('the history of a person is newest first, without impressions; a list lends its person', async () => {
  const log = openLog(':memory:');
  await log.lists.append(servedList({ userId: 'ann' }));
  await log.events.append([
    event('a', { userId: null, at: 1, pinIndex: 5 }),
    event('b', { at: 3, pinIndex: 6, type: 'save' }),
    event('c', { at: 2, type: 'impression' }),
  ]);
  expect(log.events.actionsOf('ann', 10)).toEqual([
    { pinIndex: 6, type: 'save', at: 3 },
    { pinIndex: 5, type: 'click', at: 1 },
  ]);
  expect(log.events.actionsOf('ann', 10, { withImpressions: true })).toHaveLength(3);
  expect(log.events.actionsOf('nobody', 10)).toEqual([]);
  log.close();
});

test('what a person did is found past impressions, newest first; of the same moment what came later first', async () => {
  const log = openLog(':memory:');
  await log.lists.append(servedList({ pins: [10, 11, 12] }));
  const shown = Array.from({ length: 20 }, (_, i) => event(`i${i}`, { type: 'impression', at: 3000 + i }));
  const acted = [event('a', { pinIndex: 11, at: 2500 }), event('b', { type: 'save', pinIndex: 12, at: 2500 }), event('c', { at: 2400 })];
  await log.events.append([...acted, ...shown]);
  const all = [
    { pinIndex: 12, type: 'save', at: 2500 },
    { pinIndex: 11, type: 'click', at: 2500 },
    { pinIndex: 10, type: 'click', at: 2400 },
  ];
  expect(log.events.actionsOf('ann', 300)).toEqual(all);
  expect(log.events.actionsOf('ann', 1)).toEqual(all.slice(0, 1));
  expect(log.events.actionsOf('ann', 300, { before: 2500 })).toEqual(all.slice(2));
  expect(log.events.actionsOf('ann', 4, { withImpressions: true }).map(({ type }) => type)).toEqual(Array(4).fill('impression'));
  expect(log.events.actionsOf('ann', 300, { withImpressions: true }).slice(20)).toEqual(all);
  const bound = [1, 9, 300] as const;
  expect(planOf(log.events['actions'], ...bound)).toContain('COVERING INDEX event_acted');
  expect(planOf(log.events['actionsAndImpressions'], ...bound)).toContain('COVERING INDEX event_by_person');
  log.close();
});
