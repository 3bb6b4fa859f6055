import { describe, expect, it } from 'vitest';
import { codeOf, fitBinarizer, packBinarizer, unpackBinarizer } from '../../src/features/binarize.ts';
import { hamming, popcount32 } from '../../src/math/bits.ts';
import { seededRandom } from '../../src/math/random.ts';

const none = (length: number) => ({ rows: 0, length, data: new Float32Array(0) });

describe('binarization', () => {
  it('as published: bit = activation > 0', () => {
    const binarizer = fitBinarizer('activation > 0', 5, none(5));
    expect([...codeOf(binarizer, Float32Array.from([0, 1e-9, -1, 3, 0]))]).toEqual([0b01010]);
    expect(() => codeOf(binarizer, new Float32Array(4))).toThrow(/expected 5 activations, got 4/);
  });

  it('over the median: half of the bits are set, whatever the scale', () => {
    const data = Float32Array.from([1, 10, 2, 30, 3, 20, 4, 40]);
    const binarizer = fitBinarizer('activation > median', 2, { rows: 4, length: 2, data });
    expect(binarizer).toMatchObject({ kind: 'thresholds', thresholds: Float32Array.from([2, 20]) });
    const codes = [0, 1, 2, 3].map((row) => codeOf(binarizer, data.slice(2 * row, 2 * row + 2))[0]);
    expect(codes).toEqual([0b00, 0b10, 0b01, 0b11]);
  });

  it('rotated: distances of codes follow distances of vectors better than signs of a skewed cloud', () => {
    const random = seededRandom(3);
    const length = 12;
    const rows = 300;
    const data = new Float32Array(rows * length);
    for (let row = 0; row < rows; row++) {
      const centre = (row % 6) * 1.5;
      for (let i = 0; i < length; i++) data[row * length + i] = 5 + random.normal() + (i < 3 ? centre * (i === row % 3 ? 1 : 0.5) : 0);
    }
    const binarizer = fitBinarizer({ rule: 'itq', bits: 8 }, length, { rows, length, data }, 7);
    const codes = Array.from({ length: rows }, (_, row) => codeOf(binarizer, data.slice(row * length, (row + 1) * length)));
    const set = codes.reduce((sum, code) => sum + popcount32(code[0]), 0) / (rows * 8);
    expect(set).toBeGreaterThan(0.35);
    expect(set).toBeLessThan(0.65);
    let same = 0;
    let other = 0;
    for (let row = 0; row + 6 < rows; row++) {
      same += hamming(codes[row], codes[row + 6]);
      other += hamming(codes[row], codes[row + 3]);
    }
    expect(same).toBeLessThan(other);
    const again = fitBinarizer({ rule: 'itq', bits: 8 }, length, { rows, length, data }, 7);
    expect(again).toEqual(binarizer);
    expect(() => fitBinarizer({ rule: 'itq', bits: 13 }, length, { rows, length, data })).toThrow(/at most the 12 dimensions/);
  });

  it('comes back from its stored form to the bit', () => {
    const data = Float32Array.from({ length: 40 }, (_, i) => Math.sin(i));
    for (const rule of ['activation > 0', 'activation > median', { rule: 'itq', bits: 2 }] as const) {
      const binarizer = fitBinarizer(rule, 4, { rows: 10, length: 4, data });
      expect(unpackBinarizer(packBinarizer(binarizer))).toEqual(binarizer);
    }
  });
});
