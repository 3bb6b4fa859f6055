import { expect, test } from 'vitest';
import { openDatabase } from '../../src/catalog/database.ts';
import { krippendorffAlpha } from '../../src/experiments/statistics/agreement.ts';
import { JudgementStore } from '../../src/experiments/judgement-store.ts';

/** Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", section C: four observers, twelve units. */
const EXAMPLE = [
  [1, 2, 3, 3, 2, 1, 4, 1, 2, null, null, null],
  [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, null, 3],
  [null, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, null],
  [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, null],
];

test('alpha agrees with the published example', () => {
  const ratings = EXAMPLE.flatMap((row) => row.flatMap((value, unit) => (value === null ? [] : [{ unit: String(unit), value }])));
  expect(krippendorffAlpha(ratings, 'nominal')).toBeCloseTo(0.743, 3);
  expect(krippendorffAlpha(ratings, 'ordinal')).toBeCloseTo(0.815, 3);
  expect(krippendorffAlpha(ratings, 'interval')).toBeCloseTo(0.849, 3);
});

test('alpha without anything to compare is null', () => {
  expect(krippendorffAlpha([], 'nominal')).toBeNull();
  expect(krippendorffAlpha([{ unit: 'a', value: 1 }], 'nominal')).toBeNull();
});

const PAIRS = Array.from({ length: 40 }, (_, i) => ({ queryPinId: `q${i}`, pinIdsA: [`a${i}`], pinIdsB: [`b${i}`] }));

test('a judge who always prefers treatment b is heard through the blinding, and agrees with herself', () => {
  const store = new JudgementStore(openDatabase(':memory:'));
  expect(store.addPairs('s', ['control', 'treatment'], PAIRS, 1, 0.25)).toBe(50);
  const sides = { left: 0, right: 0 };
  for (const judge of ['ann', 'bob'])
    for (let task = store.next('s', judge); task; task = store.next('s', judge)) {
      expect(JSON.stringify(task)).not.toMatch(/control|treatment/);
      const side = task.left[0].startsWith('b') ? 'left' : 'right';
      sides[side]++;
      store.answer(task.taskId, judge, side === 'left' ? -1 : 1, 5);
    }
  expect(sides.left).toBeGreaterThan(25);
  expect(sides.right).toBeGreaterThan(25);
  const summary = store.summary('s');
  expect(summary).toMatchObject({
    judgements: 100,
    judges: 2,
    preferenceForB: 1,
    preferences: { a: 0, b: 100, tie: 0 },
  });
});

test('b is the second treatment the study was made with, whatever the names and however few the answers', () => {
  const store = new JudgementStore(openDatabase(':memory:'));
  store.addPairs('s', ['zebra', 'ape'], PAIRS, 1, 0);
  const task = store.next('s', 'ann')!;
  store.answer(task.taskId, 'ann', task.left[0].startsWith('b') ? -1 : 1, 5);
  expect(store.summary('s')).toMatchObject({ kind: 'pair', preferenceForB: 1, preferences: { a: 0, b: 1, tie: 0 } });
  store.addGrades('g', [{ queryPinId: 'q', pinId: 'p' }], 1, 0);
  expect(store.summary('g')).toMatchObject({ kind: 'grade', judgements: 0, preferenceForB: null });
});

test('judges who answer by the side they see, not by the list, do not agree with themselves', () => {
  const store = new JudgementStore(openDatabase(':memory:'));
  store.addPairs('s', ['control', 'treatment'], PAIRS, 1, 0.5);
  for (let task = store.next('s', 'ann'); task; task = store.next('s', 'ann')) store.answer(task.taskId, 'ann', -1, 5);
  expect(store.summary('s').selfAgreement).toBeLessThan(0);
});

test('grades become labels; wrong answers and studies made twice are refused', () => {
  const store = new JudgementStore(openDatabase(':memory:'));
  store.addGrades('g', [{ queryPinId: 'q', pinId: 'p' }], 1, 0);
  const task = store.next('g', 'ann')!;
  expect(task).toMatchObject({ kind: 'grade', left: ['p'], right: [], done: 0, total: 1 });
  expect(() => store.answer(task.taskId, 'ann', 9, 0)).toThrow('0 to 4');
  store.answer(task.taskId, 'ann', 4, 0);
  store.answer(task.taskId, 'bob', 2, 0);
  expect(store.next('g', 'ann')).toBeNull();
  expect(store.labels('g')).toEqual([{ queryPinId: 'q', pinId: 'p', grade: 3, judges: 2 }]);
  expect(() => store.addGrades('g', [], 1)).toThrow('already');
  expect(store.studies()).toEqual(['g']);
});
