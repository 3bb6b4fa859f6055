import { describe, expect, it } from 'vitest';
import { hamming, packBits, popcount32, wordsOf } from '../../src/math/bits.ts';
import { seededRandom } from '../../src/math/random.ts';

describe('bits', () => {
  it('packs by hand: bit i is bit i mod 32 of word floor(i / 32)', () => {
    const values = new Float32Array(40);
    values[0] = 1;
    values[33] = 0.5;
    values[34] = -2;
    expect([...packBits(values)]).toEqual([1, 2]);
    expect(wordsOf(40)).toBe(2);
  });

  it('a value equal to its threshold is no bit', () => {
    expect([...packBits([0, 1, 2, 3], [0, 1, 1, 4])]).toEqual([0b0100]);
  });

  it('counts ones as the plain loop does', () => {
    const random = seededRandom(5);
    for (let round = 0; round < 1000; round++) {
      const word = Math.floor(random.next() * 2 ** 32) >>> 0;
      expect(popcount32(word)).toBe([...word.toString(2)].filter((digit) => digit === '1').length);
    }
    expect(popcount32(0xffffffff)).toBe(32);
  });

  it('Hamming is a metric: identity, symmetry, triangle', () => {
    const random = seededRandom(6);
    const code = (): Uint32Array => Uint32Array.from({ length: 4 }, () => Math.floor(random.next() * 2 ** 32));
    for (let round = 0; round < 200; round++) {
      const [a, b, c] = [code(), code(), code()];
      expect(hamming(a, a)).toBe(0);
      expect(hamming(a, b)).toBe(hamming(b, a));
      expect(hamming(a, c)).toBeLessThanOrEqual(hamming(a, b) + hamming(b, c));
    }
  });

  it('refuses codes of different lengths', () => {
    expect(() => hamming(new Uint32Array(2), new Uint32Array(3))).toThrow(/2 and 3 words/);
  });
});
