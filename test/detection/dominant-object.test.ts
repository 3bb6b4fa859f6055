import { describe, expect, it } from 'vitest';
import type { Detection } from '../../src/detection/detection.ts';
import { dominantAgrees, dominantObject, dominantTrueBox } from '../../src/detection/dominant-object.ts';
import type { Box } from '../../src/vision/box.ts';

const image = { width: 100, height: 100 };
const found = (score: number, box: Box, label = 'dress'): Detection => ({ label, score, box });

describe('a person', () => {
  const person = { label: 'person', score: 0.9, box: [20, 0, 80, 100] as const };
  const image = { width: 100, height: 100 };

  it('gives way to what they wear, and is dominant where nothing else was found on them', () => {
    const dress = { label: 'dress', score: 0.5, box: [25, 20, 75, 80] as const };
    const car = { label: 'car', score: 0.6, box: [0, 60, 60, 100] as const };
    expect(dominantObject([person, dress], image)?.label).toBe('dress');
    expect(dominantObject([person, { ...dress, score: 0.2 }], image)?.label).toBe('person');
    expect(dominantObject([person, car], image)?.label).toBe('person');
    expect(dominantObject([person, { ...dress, box: [40, 5, 60, 20] as const }], image)).toBeNull();
  });
});

describe('dominantObject', () => {
  it.each([
    ['the largest wins over the surer', [found(0.95, [0, 0, 20, 20]), found(0.31, [0, 0, 50, 60])], 1],
    ['weak ones are not asked', [found(0.29, [0, 0, 90, 90]), found(0.5, [0, 0, 50, 50])], 1],
    ['a quarter of the image is enough', [found(0.3, [0, 0, 50, 50])], 0],
    ['small but over 0.9 sure', [found(0.91, [0, 0, 10, 10])], 0],
    ['0.9 itself is not over 0.9', [found(0.9, [0, 0, 10, 10])], null],
    ['the largest is small and unsure though a smaller one is sure', [found(0.5, [0, 0, 30, 30]), found(0.99, [0, 0, 9, 9])], null],
    ['what lies outside the image does not count', [found(0.5, [-90, 0, 10, 100])], null],
    ['of equal areas the surer', [found(0.5, [0, 0, 60, 60]), found(0.6, [10, 10, 70, 70])], 1],
    ['nothing found', [], null],
  ])('%s', (_, detections, expected) => {
    expect(dominantObject(detections, image)).toBe(expected === null ? null : detections[expected]);
  });
});

describe('truth', () => {
  it('has a dominant object only if the largest true box covers a quarter', () => {
    expect(
      dominantTrueBox(
        [
          [0, 0, 10, 10],
          [0, 0, 50, 50],
        ],
        image,
      ),
    ).toEqual([0, 0, 50, 50]);
    expect(
      dominantTrueBox(
        [
          [0, 0, 10, 10],
          [0, 0, 50, 49],
        ],
        image,
      ),
    ).toBeNull();
    expect(dominantTrueBox([], image)).toBeNull();
  });

  it('agrees when both say none, or at an IoU of 0.5', () => {
    expect(dominantAgrees(null, null)).toBe(true);
    expect(dominantAgrees(null, [0, 0, 50, 50])).toBe(false);
    expect(dominantAgrees([0, 0, 50, 50], null)).toBe(false);
    expect(dominantAgrees([0, 0, 50, 25], [0, 0, 50, 50])).toBe(true);
    expect(dominantAgrees([0, 0, 50, 24], [0, 0, 50, 50])).toBe(false);
  });
});
