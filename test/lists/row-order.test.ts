import { expect, test } from 'vitest';
import { seededRandom } from '../../src/math/random.ts';
import { allRows, bestRows } from '../../src/lists/row-order.ts';

test.each([0, 1, 2, 25, 60, 100])('the first %i rows are those of the whole order, ties by pin', (count) => {
  const random = seededRandom(count);
  const scores = Float64Array.from({ length: 100 }, () => random.integer(12) / 4);
  const pins = Int32Array.from(random.shuffled(Array.from({ length: 100 }, (_, i) => i)));
  expect(bestRows(scores, pins, count)).toEqual(allRows(scores, pins).slice(0, count));
});
