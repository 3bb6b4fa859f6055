import { describe, expect, it } from 'vitest';
import { worldSeed } from '../../lab/world/world-seed.ts';
import { mixedSeed, newId, seededRandom, SERVING_STREAMS } from '../../src/math/random.ts';

describe('random', () => {
  it('is the same stream for the same seed, for ever', () => {
    const a = seededRandom(42);
    const b = seededRandom(42);
    const draws = Array.from({ length: 5 }, () => a.next());
    expect(Array.from({ length: 5 }, () => b.next())).toEqual(draws);
    expect(seededRandom(43).next()).not.toBe(draws[0]);
  });

  it('is uniform: the mean of 20,000 draws lies within four standard errors of a half', () => {
    const random = seededRandom(1);
    let sum = 0;
    for (let i = 0; i < 20_000; i++) sum += random.next();
    expect(Math.abs(sum / 20_000 - 0.5)).toBeLessThan((4 * Math.sqrt(1 / 12)) / Math.sqrt(20_000));
  });

  it('normal draws have mean 0 and variance 1 within four standard errors', () => {
    const random = seededRandom(2);
    const draws = Array.from({ length: 20_000 }, () => random.normal());
    const mean = draws.reduce((a, b) => a + b) / draws.length;
    const variance = draws.reduce((a, b) => a + (b - mean) ** 2, 0) / draws.length;
    expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(20_000));
    expect(Math.abs(variance - 1)).toBeLessThan(4 * Math.sqrt(2 / 20_000));
  });

  it('a shuffle keeps the items; every place is equally likely (chi-square over 4 places, 6,000 rounds)', () => {
    const random = seededRandom(3);
    const counts = [0, 0, 0, 0];
    for (let round = 0; round < 6000; round++) {
      const mixed = random.shuffled(['a', 'b', 'c', 'd']);
      expect([...mixed].sort()).toEqual(['a', 'b', 'c', 'd']);
      counts[mixed.indexOf('a')]++;
    }
    const chi = counts.reduce((sum, count) => sum + (count - 1500) ** 2 / 1500, 0);
    expect(chi).toBeLessThan(16.27); // 3 degrees of freedom, p 0.001
  });

  it('mixed seeds: first draws of names that differ in a digit are independent, and so are those of two base seeds', () => {
    const first = (seed: number): number[] =>
      Array.from({ length: 20_000 }, (_, i) => seededRandom(mixedSeed(seed, `list-${i}`)).next() - 0.5);
    const [one, two] = [first(1), first(2)];
    const correlation = (a: readonly number[], b: readonly number[]): number =>
      (12 * a.reduce((sum, value, i) => sum + value * b[i], 0)) / a.length;
    expect(Math.abs(correlation(one.slice(1), one.slice(0, -1)))).toBeLessThan(4 / Math.sqrt(20_000));
    expect(Math.abs(correlation(one, two))).toBeLessThan(4 / Math.sqrt(20_000));
    expect(mixedSeed(1, 'a')).not.toBe(worldSeed(1, 'a'));
  });

  it('the streams of serving are different ones, and one bit of a seed splits numbers into halves that differ by seed', () => {
    const bases = Object.values(SERVING_STREAMS);
    expect(new Set(bases).size).toBe(bases.length);
    const halves = [1, 2, 3].map((seed) => Array.from({ length: 2000 }, (_, group) => mixedSeed(seed, String(group)) & 1).join(''));
    expect(new Set(halves).size).toBe(3);
    const agree = [...halves[0]].filter((bit, group) => bit === halves[1][group]).length;
    expect(Math.abs(agree - 1000)).toBeLessThan(4 * Math.sqrt(500));
  });

  it('derived seeds differ by text and by base; ids are ordered and unique', () => {
    expect(worldSeed(1, 'a')).not.toBe(worldSeed(1, 'b'));
    expect(worldSeed(1, 'a')).not.toBe(worldSeed(2, 'a'));
    const ids = Array.from({ length: 1000 }, newId);
    expect(new Set(ids).size).toBe(1000);
    expect([...ids].sort()).toEqual(ids);
  });
});
