import { describe, expect, it } from 'vitest';
import { cosine, dot, normalized, norm } from '../../src/math/vector.ts';

describe('vectors', () => {
  it('by hand on a case of three', () => {
    const a = [1, 2, 2];
    const b = [2, 0, -1];
    expect(dot(a, b)).toBe(0);
    expect(norm(a)).toBe(3);
    expect(cosine(a, [2, 4, 4])).toBe(1);
    expect([...normalized([0, 3, 4])]).toEqual([0, Math.fround(0.6), Math.fround(0.8)]);
  });

  it('the zero vector has cosine 0 with everything and stays zero', () => {
    expect(cosine([0, 0], [1, 2])).toBe(0);
    expect([...normalized([0, 0])]).toEqual([0, 0]);
  });

  it('refuses different lengths', () => {
    expect(() => dot([1], [1, 2])).toThrow(/lengths differ: 1 and 2/);
  });
});
