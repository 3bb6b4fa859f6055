import { describe, expect, it } from 'vitest';
import { ExactIndex } from '../../src/candidates/visual/exact-index.ts';
import { allocateCodeTable } from '../../src/features/code-table.ts';
import { seededRandom } from '../../src/math/random.ts';
import { dotTable, meanInterval, type PhotoDot, precisionAtRanks, scenePrecision, sceneRecall } from '../../src/search/crop-evaluation.ts';

describe('precisionAtRanks', () => {
  it('counts the query’s label among the nearest', async () => {
    const labels = Array.from({ length: 10 }, (_, row) => (row < 3 ? 'hat' : 'shoe'));
    const table = allocateCodeTable(32, 10);
    for (let row = 0; row < 10; row++) {
      table.codes[row] = 2 ** row - 1;
      table.has[row] = 1;
    }
    const row = await precisionAtRanks([{ photo: 0, label: 'hat', code: Uint32Array.of(0) }], new ExactIndex(table), labels);
    expect([row.p1.value, row.p5.value, row.p10.value]).toEqual([1, 3 / 5, 3 / 10]);
  });
});

describe('meanInterval', () => {
  it('covers the mean, is wider with fewer photos, and says the same twice', () => {
    const random = seededRandom(2);
    const rows = Array.from({ length: 400 }, (_, i) => ({ photo: i, value: random.next() }));
    const many = meanInterval(rows);
    const few = meanInterval(rows.slice(0, 40));
    expect(many.low < many.value && many.value < many.high).toBe(true);
    expect(few.high - few.low).toBeGreaterThan(many.high - many.low);
    expect(meanInterval(rows)).toEqual(many);
    expect(meanInterval([])).toEqual({ value: 0, low: 0, high: 0 });
  });
});

describe('dotTable', () => {
  it('fits on one half and removes false dots on the other', () => {
    const random = seededRandom(9);
    const dots: PhotoDot[] = Array.from({ length: 600 }, (_, i) => {
      const right = random.next() < 0.5;
      const conformity = right ? 0.7 + 0.3 * random.next() : 0.6 * random.next();
      return {
        photo: i,
        right,
        score: random.next(),
        signals: { visual: random.next(), annotation: random.next(), conformity, agreement: random.next() },
      };
    });
    const rows = new Map(dotTable(dots, 0.9).map((row) => [row.signals.join('+'), row]));
    expect(rows.get('conformity')?.falseRemoved.value).toBeGreaterThan(0.9);
    expect(rows.get('score')?.falseRemoved.value).toBeLessThan(0.3);
    expect(rows.get('conformity')?.overScore.low).toBeGreaterThan(0.5);
    expect(rows.get('score')?.overScore.value).toBeCloseTo(0, 1);
    expect(rows.get('score+visual+annotation+conformity')?.fitted.recall).toBeGreaterThanOrEqual(0.9);
  });
});

describe('scenePrecision', () => {
  it('is over ten answers, found or not', () => {
    const rows = [
      { photo: 0, found: [1, 9, 2], scenes: new Set([1, 2]) },
      { photo: 5, found: Array.from({ length: 12 }, (_, i) => i), scenes: new Set([0, 1, 2, 3, 10, 11]) },
    ];
    expect(scenePrecision(rows).value).toBeCloseTo(0.3, 12);
  });
});

describe('sceneRecall', () => {
  it('is over the scenes there are, ten at most; queries without any are left out', () => {
    const scenes = new Set([1, 2, 3, 4]);
    const rows = [
      { photo: 0, found: [1, 9, 2], scenes },
      { photo: 5, found: [], scenes: new Set<number>() },
    ];
    expect(sceneRecall(rows).value).toBe(0.5);
  });
});
