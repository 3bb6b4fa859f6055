import { describe, expect, it } from 'vitest';
import { expectedError, fitCurve, fitTemperature, type JudgedWord } from '../../lab/studies/words/calibration.ts';
import { seededRandom } from '../../src/math/random.ts';

/** Scores that promise too much: what has the score s is right with probability s squared. */
function boastful(count: number, seed: number): JudgedWord[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => {
    const score = random.next();
    return { set: 'made up', score, right: random.next() < score * score };
  });
}

describe('calibration', () => {
  it('a rising curve of shares takes the error of boastful scores away', () => {
    const curve = fitCurve(boastful(4000, 1));
    const shares = curve.map(([, share]) => share);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    const near = curve.filter(([score, share]) => Math.abs(share - score * score) < 0.12).length;
    expect(near / curve.length).toBeGreaterThan(0.9);
    const others = boastful(4000, 2);
    const mended = others.map((row) => ({ ...row, score: shareAt(curve, row.score) }));
    expect(expectedError(others)).toBeGreaterThan(0.12);
    expect(expectedError(mended)).toBeLessThan(0.04);
  });

  it('the temperature is that of the scores', () => {
    const random = seededRandom(3);
    // Two classes whose logits are twice as large as they should be: the right temperature is 2.
    const shares = Array.from({ length: 3000 }, () => {
      const z = 4 * random.normal();
      const right = random.next() < 1 / (1 + Math.exp(-z / 2)) ? 1 : -1;
      return (t: number) => 1 / (1 + Math.exp((-right * z) / t));
    });
    expect(fitTemperature(shares)).toBeGreaterThan(1.75);
    expect(fitTemperature(shares)).toBeLessThan(2.3);
  });
});

function shareAt(curve: readonly (readonly [number, number])[], score: number): number {
  return (curve.findLast(([at]) => at <= score) ?? curve[0])[1];
}
