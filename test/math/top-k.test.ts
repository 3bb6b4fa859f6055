import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TopKHeap, topK } from '../../src/math/top-k.ts';

describe('top-k', () => {
  it('orders by score down, then id up', () => {
    const best = topK([7, 3, 5, 1], [2, 9, 2, 1], 3);
    expect([...best.ids]).toEqual([3, 5, 7]);
    expect([...best.scores]).toEqual([9, 2, 2]);
  });

  it('equals sorting everything, whatever the order of offers', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: -3, max: 3 }))),
        fc.integer({ min: 0, max: 12 }),
        (rows, k) => {
          const unique = [...new Map(rows).entries()];
          const expected = unique.sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, k);
          const best = topK(unique.map(([id]) => id).reverse(), unique.map(([, score]) => score).reverse(), k);
          expect([...best.ids]).toEqual(expected.map(([id]) => id));
        },
      ),
      { seed: 11 },
    );
  });

  it('stops at NaN and at a k that is no count', () => {
    expect(() => topK([1], [Number.NaN], 1)).toThrow(/NaN/);
    expect(() => new TopKHeap(-1)).toThrow(/whole number/);
  });
});
