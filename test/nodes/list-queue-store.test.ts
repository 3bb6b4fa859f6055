import { expect, test } from 'vitest';
import { namesOf, receivedList, type SentList, sentList } from '../../src/catalog/log/sent-list.ts';
import type { ServedItems, ServedList } from '../../src/catalog/log/served-list.ts';
import { ListQueue } from '../../src/nodes/list-queue-store.ts';
import { temporaryFolder } from '../world.ts';

const COLUMNS = ['a', 'b', 'c'];
const PINS = ['p0', 'p1', 'p2', 'p3'];
const indexOf = (pinId: string): number => PINS.indexOf(pinId);

function served(recommendationId: string): ServedList {
  return {
    ...{ recommendationId, at: 1000, surface: 'closeup', queryPinIndex: 3, userId: 'ann', sessionId: 's', labels: { shop: 'x' } },
    ...{ arm: 'e/treatment', modelVersion: 'm', treatment: '{}', forced: false, shuffled: true, latencyMs: 1.5, degraded: ['X'] },
    items: {
      count: 2,
      // Longer than count, as they come from a request.
      pinIndexes: Int32Array.of(1, 2, 9),
      positions: Uint16Array.of(1, 0, 9),
      scores: Float64Array.of(0.1, -0, 9),
      propensities: Float32Array.of(1, 0, 9),
      retrievedRanks: Int32Array.of(5, 6, 9),
      sourceNames: ['s1', 's2'],
      sourceScores: Float32Array.of(1, Number.NaN, Number.NaN, 0.25, 9, 9),
      rows: { rows: 2, columns: 3, names: COLUMNS, data: Float32Array.of(0, -0, 1 / 3, 2, 0, 0) },
    },
  };
}

const sent = (recommendationId: string, items: Partial<ServedItems> = {}): SentList => {
  const before = served(recommendationId);
  const list = { ...before, items: { ...before.items, ...items } };
  return sentList(list, namesOf(list, { idOf: (pinIndex) => PINS[pinIndex] }), (userId) => `~${userId}`);
};

test('a list comes to the writer as it was served, people by their stored names, pins by the numbers of the writer', () => {
  const other = ['new', ...PINS];
  const got = receivedList(JSON.parse(JSON.stringify(sent('r'))) as SentList, COLUMNS, (pinId) => other.indexOf(pinId));
  const { items, ...head } = served('r');
  const { items: gotItems, ...gotHead } = got;
  expect(gotHead).toEqual({ ...head, queryPinIndex: 4, userId: '~ann', sessionId: '~s' });
  expect([...gotItems.pinIndexes]).toEqual([2, 3]);
  expect(new Uint8Array(gotItems.rows.data.buffer)).toEqual(new Uint8Array(items.rows.data.buffer));
  expect([...gotItems.scores]).toEqual([0.1, -0]);
  expect([...gotItems.sourceScores]).toEqual([1, Number.NaN, Number.NaN, 0.25]);
  expect([...gotItems.retrievedRanks, ...gotItems.positions]).toEqual([5, 6, 1, 0]);
});

test('what does not fit together is refused before anything of its size is made', () => {
  const huge = Buffer.alloc(8, 0xff).toString('base64');
  const wrong: readonly Partial<SentList>[] = [
    { pinIds: ['p1', 'nobody'] },
    { queryPinId: 'nobody' },
    { pinIds: ['p1'] },
    { items: huge },
    { rows: huge },
    { items: '' },
    { sources: ['s1'] },
    { surface: 'elsewhere' },
  ];
  for (const field of wrong)
    expect(() => receivedList({ ...sent('r'), ...field }, COLUMNS, indexOf), JSON.stringify(field)).toThrow(RangeError);
  expect(() => receivedList(sent('r'), ['a', 'b'], indexOf)).toThrow(RangeError);
});

test('chances and scores that no service gives are refused', () => {
  const { NaN: none, POSITIVE_INFINITY: endless } = Number;
  for (const propensities of [Float32Array.of(0, 0), Float32Array.of(1.5, 0), Float32Array.of(-1, 0), Float32Array.of(none, 0)])
    expect(() => receivedList(sent('r', { propensities }), COLUMNS, indexOf)).toThrow(/^item 0: a propensity/);
  for (const score of [none, endless])
    expect(() => receivedList(sent('r', { scores: Float64Array.of(1, score) }), COLUMNS, indexOf)).toThrow(/^item 1: the score/);
});

test('lists wait in order, outlive the process, and go when they are done', () => {
  const folder = temporaryFolder();
  const open = (): ListQueue => new ListQueue(folder, { bytesMax: 1 << 20, synchronous: 'NORMAL' });
  const ids = (body: string | undefined): string[] =>
    (JSON.parse(body ?? '{"lists":[]}') as { lists: SentList[] }).lists.map(({ recommendationId }) => recommendationId);
  const queue = open();
  expect(queue.put([sent('r1'), sent('r2')], COLUMNS)).toBe(0);
  expect(queue.put([sent('r3')], ['other'])).toBe(0);
  queue.close();
  const again = open();
  expect(again.count).toBe(3);
  const batch = again.next(10, 1 << 20);
  // Lists of other columns go by themselves: a body names its columns once.
  expect(ids(batch?.body)).toEqual(['r1', 'r2']);
  expect((JSON.parse(batch?.body ?? '') as { columns: string[] }).columns).toEqual(COLUMNS);
  expect(ids(again.next(1, 1 << 20)?.body)).toEqual(['r1']);
  expect(ids(again.next(10, 1)?.body)).toEqual(['r1']);
  if (batch) again.done(batch);
  expect(ids(again.next(10, 1 << 20)?.body)).toEqual(['r3']);
  const rest = again.next(10, 1 << 20);
  if (rest) again.done(rest);
  expect([again.count, again.bytes, again.next(10, 1 << 20)]).toEqual([0, 0, null]);
  again.close();
});

test('a queue takes no more than it may, and has room again when lists are gone', () => {
  const one = JSON.stringify(sent('r1')).length;
  const queue = new ListQueue(temporaryFolder(), { bytesMax: 2 * one, synchronous: 'NORMAL' });
  expect(
    queue.put(
      ['r1', 'r2', 'r3'].map((id) => sent(id)),
      COLUMNS,
    ),
  ).toBe(1);
  expect(queue.put([sent('r4')], COLUMNS)).toBe(1);
  const batch = queue.next(1, 1 << 20);
  if (batch) queue.done(batch);
  expect(queue.put([sent('r5')], COLUMNS)).toBe(0);
  expect([queue.count, queue.bytes]).toEqual([2, 2 * one]);
  queue.close();
});
