import { describe, expect, it } from 'vitest';
import type { EventType } from '../../src/catalog/pins/records.ts';
import { type LogDatabase, openLog } from '../../src/catalog/log/log-database.ts';
import { erasePerson } from '../../src/catalog/log/erasure-log.ts';
import { seededRandom } from '../../src/math/random.ts';
import { servedList } from './served-list-case.ts';

const DAY = 24 * 3600 * 1000;
const START = Date.UTC(2026, 0, 1);
const TYPES: readonly EventType[] = ['impression', 'closeup', 'click', 'longClick', 'save', 'hide'];

/** Ten days, four lists a day, a few events on most of them. */
async function tenDays(): Promise<LogDatabase> {
  const log = openLog(':memory:');
  const random = seededRandom(4);
  for (let n = 0; n < 40; n++) {
    const at = START + (n / 4) * DAY + n;
    const arm = n % 3 === 0 ? 'test/a' : null;
    await log.lists.append(
      servedList({
        recommendationId: `r${n}`,
        at,
        arm,
        userId: `u${n % 5}`,
        modelVersion: `model-${n % 2}`,
        degraded: n % 7 === 0 ? ['REDIS_UNAVAILABLE'] : [],
        forced: n % 11 === 0,
        queryPinIndex: 0,
        pins: [1, 2, 3],
        rows: [
          [1, 0, 0],
          [0, 1, 0],
          [0, 0, 1],
        ],
      }),
    );
    const events = Array.from({ length: random.integer(6) }, (_, e) => ({
      eventId: `e${n}-${e}`,
      type: random.pick(TYPES),
      recommendationId: `r${n}`,
      pinIndex: 1 + random.integer(3),
      position: 1,
      userId: `u${n % 5}`,
      at: at + 1000,
    }));
    await log.events.append(events);
  }
  log.pairs.catchUp();
  return log;
}

describe('pruning by age', () => {
  it('leaves the totals of every day as they were, however often it runs', async () => {
    const log = await tenDays();
    const before = log.retention.totals();
    expect(before.reduce((sum, row) => sum + row.lists, 0)).toBe(36);
    for (const days of [3, 6, 6]) {
      while (log.retention.prune(START + days * DAY, 5).lists > 0);
      expect(log.retention.totals()).toEqual(before);
    }
    expect([log.lists.count(), [...log.lists.lists()][0].recommendationId]).toEqual([16, 'r24']);
    expect(log.retention.prunedBefore).toBe(START + (23 / 4) * DAY + 23 + 1);
    expect(
      log.retention
        .totals('2026-01-09')
        .map(({ day }) => day)
        .sort()[0],
    ).toBe('2026-01-09');
  });

  it('waits for events that are not rolled up yet, and keeps the newest list', async () => {
    const log = await tenDays();
    await log.events.append([
      { eventId: 'late', type: 'click', recommendationId: 'r0', pinIndex: 1, position: 1, userId: null, at: START },
    ]);
    while (log.retention.prune(START + 100 * DAY, 100).lists > 0);
    expect([...log.lists.lists()].map(({ recommendationId }) => recommendationId)).toEqual(['r0', 'r39']);
    log.pairs.catchUp();
    expect(log.retention.prune(START + 100 * DAY, 100).lists).toBe(1);
  });

  it('keeps what pairs did', async () => {
    const log = await tenDays();
    const read = (): Float32Array => {
      const out = new Float32Array(3);
      log.pairs.clicksOverExpected(0, Int32Array.of(1, 2, 3), 3, out);
      return out;
    };
    const before = read();
    while (log.retention.prune(START + 9 * DAY, 100).lists > 0);
    expect(read()).toEqual(before);
  });

  it('can drop the feature rows alone: reports see the lists, training does not', async () => {
    const log = await tenDays();
    const judged = (): string[] =>
      [...log.judged({ withUntouched: true, withForced: true })].map(({ recommendationId }) => recommendationId);
    expect(judged()).toHaveLength(40);
    const totals = log.retention.totals();
    let dropped = 0;
    for (let some = -1; some !== 0; dropped += some) some = log.retention.dropRows(START + 5 * DAY, 7);
    expect([dropped, judged().length, judged()[0]]).toEqual([20, 20, 'r20']);
    expect([...log.judged({ withUntouched: true, withForced: true, withRows: false })]).toHaveLength(40);
    expect(log.retention.totals()).toEqual(totals);
  });
});

// An erased person whose event was the last one gave its row number to the next event, which every cursor then stepped over.
it('the row number of an erased event is never given out again', async () => {
  const log = openLog(':memory:');
  await log.lists.append(servedList({ recommendationId: 'r', userId: 'ann' }));
  const event = { type: 'click', recommendationId: 'r', pinIndex: 10, position: 1, at: 2000 } as const;
  await log.events.append([{ ...event, eventId: 'a', userId: 'ann' }]);
  log.pairs.catchUp();
  erasePerson(log.database, 'ann');
  await log.events.append([{ ...event, eventId: 'b', userId: 'bob' }]);
  expect(log.pairs.catchUp()).toBe(1);
});
