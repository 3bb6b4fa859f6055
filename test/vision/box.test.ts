import { describe, expect, it } from 'vitest';
import { type Box, boxFromCaller, boxIou, clipBox, fractionsToPixels, pixelsToFractions, wholePixels } from '../../src/vision/box.ts';

describe('boxes', () => {
  const cases: readonly [Box, Box, number][] = [
    [[0, 0, 2, 2], [1, 0, 3, 2], 1 / 3],
    [[0, 0, 2, 2], [0, 0, 2, 2], 1],
    [[0, 0, 2, 2], [2, 0, 4, 2], 0],
    [[0, 0, 0, 0], [0, 0, 0, 0], 0],
    [[0, 0, 4, 4], [1, 1, 3, 3], 0.25],
  ];
  for (const [a, b, iou] of cases) {
    it(`IoU of ${a} and ${b} is ${iou.toFixed(3)}, both ways`, () => {
      expect(boxIou(a, b)).toBeCloseTo(iou, 12);
      expect(boxIou(b, a)).toBeCloseTo(iou, 12);
    });
  }

  it('turns fractions into pixels and back, clips, and rounds outwards', () => {
    const box = fractionsToPixels([0.1, 0.25, 0.5, 1], 200, 100);
    expect(box).toEqual([20, 25, 100, 100]);
    expect(pixelsToFractions(box, 200, 100)).toEqual([0.1, 0.25, 0.5, 1]);
    expect(clipBox([-5, 10, 300, 90], 200, 100)).toEqual([0, 10, 200, 90]);
    expect(wholePixels([1.4, 1.6, 1.5, 1.7], 10, 10)).toEqual([1, 1, 2, 2]);
    expect(wholePixels([10, 10, 10, 10], 10, 10)).toEqual([9, 9, 10, 10]);
  });

  it('refuses a box of a caller without area inside the image', () => {
    for (const value of [
      [0, 0, 0, 5],
      [5, 5, 1, 1],
      [200, 0, 300, 5],
      [0, 0, Number.NaN, 1],
      [0, 0, 1],
    ]) {
      expect(() => boxFromCaller(value, 'pixels', 100, 100)).toThrow(/has no area inside the image, which is 100 x 100/);
    }
    expect(boxFromCaller([0.5, 0.5, 2, 2], 'fractions', 100, 50)).toEqual([50, 25, 100, 50]);
  });
});
