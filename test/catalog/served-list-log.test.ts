import { expect, test } from 'vitest';
import { erasePerson } from '../../src/catalog/log/erasure-log.ts';
import { openLog } from '../../src/catalog/log/log-database.ts';
import { blankItems, decodeItems, encodeItems, encodeRows } from '../../src/catalog/log/served-list-codec.ts';
import { seededRandom } from '../../src/math/random.ts';
import { servedList } from './served-list-case.ts';

test('a list comes back to the bit, zeros and missing sources included', async () => {
  const log = openLog(':memory:', { groupCommitMs: 1 });
  const list = servedList({
    recommendationId: 'r1',
    rows: [
      [0, 1.5, -0],
      [0.1, 0, Number.NaN],
    ],
  });
  await log.lists.append(list);
  const { listIndex, ...found } = log.lists.find('r1') ?? { listIndex: 0 };
  expect(listIndex).toBe(1);
  expect(found).toEqual(list);
  log.close();
});

test('columns that lie as in the blob give the same bytes as columns of their own, also when one of them was exchanged', () => {
  const { items } = servedList({ pins: [10, 11, 12] });
  const blob = encodeItems(items);
  const lying = decodeItems(blob, items.sourceNames, items.rows);
  expect(encodeItems(lying)).toEqual(blob);
  const filled = blankItems(items.count, items.sourceNames, items.rows);
  for (const column of ['scores', 'pinIndexes', 'retrievedRanks', 'propensities', 'sourceScores', 'positions'] as const)
    filled[column].set(items[column]);
  expect(encodeItems(filled)).toEqual(blob);
  const pinIndexes = Int32Array.of(1, 2, 3);
  expect(encodeItems({ ...lying, pinIndexes })).toEqual(encodeItems({ ...items, pinIndexes }));
  expect(encodeItems({ ...lying, count: 2 })).toEqual(encodeItems({ ...items, count: 2 }));
});

test('rows of any width are encoded as the format says', () => {
  const random = seededRandom(5);
  for (const columns of [0, 1, 31, 32, 33, 64, 110]) {
    const rows = Array.from({ length: 3 }, () => Array.from({ length: columns }, () => (random.next() < 0.3 ? random.next() : 0)));
    const words = (of: number[]): number[] => [...new Uint32Array(Float32Array.from(of).buffer)];
    const expected = rows.flatMap((row) => {
      const bits = words(row);
      const bitmap = Array.from({ length: Math.ceil(columns / 32) }, (_, w) =>
        bits.slice(32 * w, 32 * w + 32).reduce((sum, word, c) => sum + (word === 0 ? 0 : 2 ** c), 0),
      );
      return [...bitmap, ...bits.filter((word) => word !== 0)];
    });
    const data = Float32Array.from(rows.flat());
    const encoded = encodeRows({ rows: 3, columns, names: rows[0].map(String), data });
    expect([...new Uint32Array(encoded.buffer)]).toEqual([3, columns, ...expected]);
  }
});

test('lists are read in order of time, over page borders, by surface and person', async () => {
  const log = openLog(':memory:', { groupCommitMs: 1 });
  const waits: Promise<void>[] = [];
  for (let i = 0; i < 300; i++) {
    const at = 1000 - Math.floor(i / 3);
    waits.push(log.lists.append(servedList({ recommendationId: `r${i}`, at, userId: i % 2 ? 'ann' : 'bob' })));
  }
  await Promise.all(waits);
  const times = [...log.lists.lists()].map((list) => list.at);
  expect(times).toHaveLength(300);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect([...log.lists.lists({ from: 990, to: 995 })]).toHaveLength(15);
  expect([...log.lists.lists({ userId: 'ann' })]).toHaveLength(150);
  expect([...log.lists.lists({ userId: 'nobody' })]).toHaveLength(0);
  expect([...log.lists.lists({ surfaces: ['rank'] })]).toHaveLength(0);
  log.close();
});

test('a list that is refused is refused alone', async () => {
  const log = openLog(':memory:', { groupCommitMs: 1 });
  const [first, twice, other] = ['same', 'same', 'other'].map((recommendationId) =>
    log.lists.append(servedList({ recommendationId, modelVersion: 'm7' })),
  );
  await first;
  await expect(twice).rejects.toThrow(/UNIQUE/);
  await other;
  expect(log.lists.count()).toBe(2);
  expect(log.lists.find('other')?.modelVersion).toBe('m7');
  log.close();
});

// A list that had waited at a node brought the name of a person back who was erased meanwhile.
test('a list that comes late has no name when its person may have been erased since it was served', async () => {
  const log = openLog(':memory:', { groupCommitMs: 1 });
  const late = async (recommendationId: string, userId: string, at: number): Promise<string | null> => {
    await log.lists.appendOnce(servedList({ recommendationId, userId, sessionId: `of ${userId}`, at }));
    const { userId: name = null, sessionId = null } = log.lists.find(recommendationId) ?? {};
    expect(sessionId).toBe(name === null ? null : `of ${name}`);
    return name;
  };
  await log.lists.append(servedList({ recommendationId: 'a', userId: 'ann' }));
  await log.lists.append(servedList({ recommendationId: 'b', userId: 'bob' }));
  const before = Date.now();
  expect(await late('c', 'eve', before)).toBe('eve');
  const other = openLog(':memory:', { groupCommitMs: 1 });
  erasePerson(log.database, 'ann');
  erasePerson(other.database, 'ann');
  const named = log.database.prepare('SELECT count(*) FROM person WHERE text = ?').pluck();
  // Bob and Eve were in the log when Ann was erased, so they are not Ann. Whoever is not known may be her.
  expect([await late('d', 'bob', before), await late('e', 'eve', before), await late('f', 'new', before)]).toEqual(['bob', 'eve', null]);
  await late('g', 'ann', before);
  expect(named.get('ann')).toBe(0);
  // Another process, whose log never met her: her only lists were at a node. Long after, she is welcome again, and her old lists stay nameless.
  await other.lists.appendOnce(servedList({ recommendationId: 'h', userId: 'ann', at: before }));
  await other.lists.appendOnce(servedList({ recommendationId: 'i', userId: 'ann', at: before + 3_600_000 }));
  await other.lists.appendOnce(servedList({ recommendationId: 'j', userId: 'ann', at: before }));
  expect(['h', 'i', 'j'].map((id) => other.lists.find(id)?.userId)).toEqual([null, 'ann', null]);
  log.close();
  other.close();
});
