import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { judgedGroups } from '../../src/catalog/pins/pair-judgement-store.ts';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';

const groups = (...of: number[]): Map<number, number> => new Map(of.map((group, pin) => [pin, group]));

const inOrder = (result: ReadonlyMap<number, number>): number[] => [0, 1, 2, 3].map((pin) => result.get(pin) as number);

test('what differs is parted, what is the same united, and the smallest pin names a group', () => {
  const one = groups(0, 0, 0, 3);
  expect(inOrder(judgedGroups(one, [{ a: 0, b: 1, same: false }]))).toEqual([0, 1, 0, 3]);
  expect(inOrder(judgedGroups(one, [{ a: 2, b: 3, same: true }]))).toEqual([0, 0, 0, 0]);
  const all = [
    { a: 0, b: 1, same: false },
    { a: 0, b: 2, same: false },
    { a: 1, b: 3, same: true },
  ];
  expect(inOrder(judgedGroups(one, all))).toEqual([0, 1, 1, 0]);
});

test('no two pins that differ are ever together, in whatever order it was said', () => {
  const pair = fc.tuple(fc.nat(7), fc.nat(7)).filter(([a, b]) => a < b);
  fc.assert(
    fc.property(fc.array(fc.nat(7), { minLength: 8, maxLength: 8 }), fc.array(pair, { maxLength: 12 }), (of, different) => {
      const judged = different.map(([a, b]) => ({ a, b, same: false }));
      const result = judgedGroups(groups(...of), judged);
      for (const [a, b] of different) expect(result.get(a)).not.toBe(result.get(b));
      expect([...judgedGroups(groups(...of), [...judged].reverse())]).toEqual([...result]);
      for (const [pin, group] of result) expect(group).toBeLessThanOrEqual(pin);
    }),
    { seed: 11 },
  );
});

test('what is said holds at once, is kept, and can be taken back', () => {
  const catalog = openCatalog(':memory:');
  upsertBatch(
    catalog,
    'pins',
    ['a', 'b', 'c', 'd'].map((id) => ({ id })),
    { now: 1, folders: { images: '/i', data: '/d' } },
  );
  catalog.groups.set(Int32Array.of(0, 0, 0, 3).entries());
  const stored = (): number[] => {
    const found = new Map(catalog.groups.all());
    return [0, 1, 2, 3].map((pin) => found.get(pin) ?? pin);
  };
  const before = catalog.lastChange();
  catalog.pairs.judge([1, 0], false, 1);
  expect(stored()).toEqual([0, 1, 0, 3]);
  expect(catalog.changedPinsSince(before), 'the pin that moved').toEqual([1]);
  catalog.pairs.judge([0, 3], true, 2);
  expect(stored()).toEqual([0, 1, 0, 0]);
  expect([catalog.pairs.areDifferent(1, 0), catalog.pairs.areDifferent(0, 3)]).toEqual([true, false]);
  catalog.pairs.judge([0, 1], null, 3);
  expect(catalog.pairs.all()).toEqual([{ a: 0, b: 3, same: true }]);
  catalog.close();
});
