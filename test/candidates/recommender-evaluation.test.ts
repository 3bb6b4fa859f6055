/** Ties are broken against the recommender: with nothing learned nothing is hit, whatever items are called. */
import { expect, test } from 'vitest';
import { evaluateRanked, evaluateSampled, Votes } from '../../src/candidates/recommender-evaluation.ts';

/** One user who has item 0; of six items, 1 has score 2, items 2 and 3 have score 1, 4 and 5 none. */
function votes(): Votes {
  const train = { boards: 1, pins: 6, pairs: 1, boardStart: Uint32Array.of(0, 1), boardPins: Uint32Array.of(0) };
  const lists = {
    first: 0,
    rows: 6,
    start: Uint32Array.of(0, 3, 3, 3, 3, 3, 3),
    pinIndexes: Int32Array.of(1, 2, 3),
    scores: Float32Array.of(2, 1, 1),
  };
  return new Votes(train as never, lists);
}

const sampled = (items: readonly number[], k: number): number =>
  evaluateSampled(votes(), { users: Uint32Array.of(0), start: Uint32Array.of(0, items.length), items: Uint32Array.from(items) }, k).hitRate;

test('a positive stands behind all negatives of the same score', () => {
  expect([sampled([2, 3, 4], 1), sampled([3, 2, 4], 1)]).toEqual([0, 0]);
  expect([sampled([2, 3, 4], 2), sampled([3, 2, 4], 2)]).toEqual([1, 1]);
  expect(sampled([1, 2, 3], 1)).toBe(1);
  expect([sampled([4, 5], 1), sampled([5, 4], 1)]).toEqual([0, 0]);
});

const recall = (wanted: readonly number[], k: number): number =>
  evaluateRanked(votes(), { start: Uint32Array.of(0, wanted.length), items: Uint32Array.from(wanted) }, k).recall;

test('held-out items stand behind others of the same score, and behind unvoted ones when they have no votes', () => {
  expect([recall([1], 1), recall([2], 2), recall([3], 2)]).toEqual([1, 0, 0]);
  expect([recall([2], 3), recall([3], 3)]).toEqual([1, 1]);
  expect([recall([4], 4), recall([5], 4), recall([4], 5), recall([4, 5], 4)]).toEqual([0, 0, 1, 0.5]);
});
