import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/math/random.ts';
import { cropDots } from '../../src/search/crop-dots.ts';
import { ASK_NOTHING, dotOutcome, fitDotThresholds, type LabelledDot } from '../../src/search/dot-thresholds.ts';
import { fitExactProduct, judgeExactProduct } from '../../src/search/exact-product.ts';
import { companions, countCompany } from '../../src/search/label-company.ts';

describe('fitDotThresholds', () => {
  const random = seededRandom(5);
  const dots: LabelledDot[] = Array.from({ length: 400 }, (_, i) => {
    const right = i % 2 === 0;
    const conformity = right ? 0.6 + 0.4 * random.next() : 0.7 * random.next();
    return { right, score: random.next(), signals: { visual: random.next(), annotation: random.next(), conformity, agreement: null } };
  });

  it('finds the signal that tells right from false', () => {
    const all = fitDotThresholds(dots, ['score', 'visual', 'conformity'], 0.95);
    expect(all?.conformity).toBeGreaterThan(0.55);
    const alone = (knob: 'score' | 'visual' | 'conformity') => dotOutcome(dots, fitDotThresholds(dots, [knob], 0.95) ?? ASK_NOTHING);
    expect(alone('conformity').falseRemoved).toBeGreaterThan(0.7);
    expect(alone('score').falseRemoved).toBeLessThan(0.2);
  });

  it('keeps the recall it was asked for', () => {
    for (const recall of [0.8, 0.9, 1]) {
      const fitted = fitDotThresholds(dots, ['visual', 'annotation', 'conformity'], recall);
      expect(dotOutcome(dots, fitted ?? ASK_NOTHING).recall).toBeGreaterThanOrEqual(recall);
    }
  });

  it('counts by hand', () => {
    const signals = { visual: 1, annotation: 1, conformity: 1, agreement: 1 };
    const four = [0.9, 0.8, 0.7, 0.6].map((score, i) => ({ score, signals, right: i < 2 || i === 3 }));
    expect(dotOutcome(four, { ...ASK_NOTHING, score: 0.75 })).toEqual({
      shown: 2,
      precision: 1,
      recall: 2 / 3,
      falseRemoved: 1,
    });
  });
});

describe('cropDots', () => {
  it('merges the crops that many people made of one region', () => {
    const crops = ['ann', 'bob', 'eve'].map((userId, i) => ({ userId, box: [i, 0, 20 + i, 20] as const }));
    expect(cropDots([...crops, { userId: 'tom', box: [50, 50, 60, 60] }])).toEqual([{ box: [1, 0, 21, 20], people: 3 }]);
  });

  it('counts people, not crops', () => {
    expect(cropDots(Array.from({ length: 9 }, () => ({ userId: 'ann', box: [0, 0, 9, 9] as const })))).toEqual([]);
  });
});

describe('companions', () => {
  it('names kinds seen together more often than chance', () => {
    const looks = [...Array(30).fill(['dress', 'shoe']), ...Array(30).fill(['pants', 'belt']), ...Array(30).fill(['shoe', 'pants'])];
    const company = countCompany(looks.map((labels) => ({ labels })));
    expect(company.images).toBe(90);
    expect(companions(['pants'], company).map((row) => row.label)).toEqual(['belt']);
    expect(companions(['unknown'], company)).toEqual([]);
  });
});

describe('fitExactProduct', () => {
  it('takes the largest distance that is precise enough', () => {
    const pairs = [1, 2, 3, 4, 5, 6].map((distance) => ({ distance, same: distance !== 4 && distance !== 6 }));
    expect(fitExactProduct(pairs, 4, 0.75)).toEqual({ distanceMax: 5, precision: 0.8, recall: 1, pairs: 6 });
    expect(fitExactProduct(pairs, 4, 0.9)?.distanceMax).toBe(3);
    expect(fitExactProduct([{ distance: 1, same: false }], 1)).toBeNull();
  });

  // Only the nearest pairs were counted: a picture that no search brought up was no miss.
  it('counts as missed what no search brought up', () => {
    const pairs = [1, 2].map((distance) => ({ distance, same: true }));
    expect(fitExactProduct(pairs, 8)).toMatchObject({ distanceMax: 2, recall: 0.25 });
    expect(judgeExactProduct(pairs, 8, 1)).toMatchObject({ precision: 1, recall: 0.125 });
  });
});
