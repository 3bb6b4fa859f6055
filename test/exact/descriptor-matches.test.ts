import { describe, expect, it } from 'vitest';
import { distinctPairs, nearestPairs, plainPairs } from '../../src/exact/descriptor-matches.ts';
import { flipped, randomDescriptors } from './drawn-features.ts';

describe('matches of descriptors', () => {
  it('the kernel finds what its plain twin finds, for sets of any size', () => {
    for (const [a, b] of [
      [0, 3],
      [3, 0],
      [1, 1],
      [5, 2],
      [64, 200],
      [500, 500],
    ]) {
      const [first, second] = [randomDescriptors(a, 1), randomDescriptors(b, 2)];
      // Equal descriptors, so that ties are met.
      if (a > 2 && b > 2) second.set(second.subarray(0, 8), 8);
      expect(nearestPairs(first, second)).toEqual(plainPairs(first, second));
    }
  });

  it('a pair stands out when it is near and nothing else is nearly as near', () => {
    const second = randomDescriptors(50, 3);
    const first = flipped(second, 20, 4);
    expect(distinctPairs(nearestPairs(first, second))).toEqual(Array.from({ length: 50 }, (_, i) => [i, i]));
    expect(distinctPairs(nearestPairs(randomDescriptors(50, 5), second))).toEqual([]);
    second.set(second.subarray(0, 8), 8);
    const twice = distinctPairs(nearestPairs(first, second)).map(([i]) => i);
    expect(twice).not.toContain(0);
  });
});
