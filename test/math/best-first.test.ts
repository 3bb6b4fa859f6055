import { expect, test } from 'vitest';
import { rowsBestFirst } from '../../src/math/best-first.ts';
import { type Random, seededRandom } from '../../src/math/random.ts';

/** Sorts by comparing. */
function plainOrder(ids: Int32Array, scores: Float64Array, count: number): number[] {
  return Array.from({ length: count }, (_, row) => row).sort((a, b) => scores[b] - scores[a] || ids[a] - ids[b]);
}

const DRAWS: Readonly<Record<string, (random: Random) => number>> = {
  'all different': (random) => random.normal(),
  'few values': (random) => random.integer(5) - 2,
  'zeros of both signs': (random) => (random.next() < 0.5 ? -0 : 0),
  'apart by less than 32 bits hold': (random) => 1 + random.integer(1000) * Number.EPSILON,
  'of any size': (random) => (random.next() < 0.5 ? -1 : 1) * 10 ** (random.next() * 600 - 300),
};

test.each(Object.keys(DRAWS))('rows stand by score down, then id up: %s', (name) => {
  const random = seededRandom(5);
  for (const rows of [0, 1, 2, 7, 300, 5000]) {
    const ids = Int32Array.from(random.shuffled(Array.from({ length: rows }, (_, id) => id)));
    const scores = Float64Array.from(ids, () => DRAWS[name](random));
    for (const count of [rows, rows >> 1]) expect(Array.from(rowsBestFirst(ids, scores, count))).toEqual(plainOrder(ids, scores, count));
  }
});

test('a NaN is refused by the id it belongs to', () => {
  expect(() => rowsBestFirst(Int32Array.of(4, 9), Float64Array.of(1, Number.NaN), 2)).toThrow('score of id 9 is NaN');
  expect(Array.from(rowsBestFirst(Int32Array.of(4, 9), Float64Array.of(1, Number.NaN), 1))).toEqual([0]);
});
