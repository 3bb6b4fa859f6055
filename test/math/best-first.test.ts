import { expect, test } from 'vitest';
import { BestFirst } from '../../src/math/best-first.ts';
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

function rowsBestFirst(best: BestFirst, ids: Int32Array, scores: Float64Array, count: number): number[] {
  best.begin(ids, scores, count);
  best.upTo(count);
  return Array.from(best.rows.subarray(0, count));
}

test.each(Object.keys(DRAWS))('rows stand by score down, then id up: %s', (name) => {
  const random = seededRandom(5);
  const best = new BestFirst();
  for (const rows of [0, 1, 2, 7, 300, 5000]) {
    const ids = Int32Array.from(random.shuffled(Array.from({ length: rows }, (_, id) => id)));
    const scores = Float64Array.from(ids, () => DRAWS[name](random));
    for (const count of [rows, rows >> 1]) {
      const plain = plainOrder(ids, scores, count);
      expect(rowsBestFirst(best, ids, scores, count)).toEqual(plain);
      best.begin(ids, scores, count);
      for (let wanted = 1; wanted <= count; wanted += 1 + random.integer(count)) {
        best.upTo(wanted);
        expect(Array.from(best.rows.subarray(0, wanted))).toEqual(plain.slice(0, wanted));
      }
    }
  }
});

test('a NaN is refused by the id it belongs to', () => {
  const best = new BestFirst();
  expect(() => rowsBestFirst(best, Int32Array.of(4, 9), Float64Array.of(1, Number.NaN), 2)).toThrow('score of id 9 is NaN');
  expect(rowsBestFirst(best, Int32Array.of(4, 9), Float64Array.of(1, Number.NaN), 1)).toEqual([0]);
});
