import { describe, expect, it } from 'vitest';
import type { Detection } from '../../src/detection/detection.ts';
import { readDetections, suppressOverlaps } from '../../src/detection/suppression.ts';

const found = (label: string, score: number, box: readonly [number, number, number, number]): Detection => ({
  label,
  score,
  box,
});

describe('suppressOverlaps', () => {
  it('keeps the best of one label and leaves other labels alone', () => {
    const shoe = found('shoe', 0.9, [0, 0, 10, 10]);
    const sister = found('shoe', 0.8, [0, 0, 10, 9]);
    const bag = found('bag', 0.7, [0, 0, 10, 10]);
    expect(suppressOverlaps([bag, sister, shoe], 0.5)).toEqual([shoe, bag]);
  });

  it('lets a suppressed box suppress nothing', () => {
    const a = found('shoe', 0.9, [0, 0, 10, 10]);
    const b = found('shoe', 0.8, [4, 0, 14, 10]);
    const c = found('shoe', 0.7, [8, 0, 18, 10]);
    expect(suppressOverlaps([a, b, c], 0.4)).toEqual([a, c]);
  });

  it('keeps both at exactly the overlap allowed', () => {
    const a = found('shoe', 0.9, [0, 0, 2, 2]);
    const b = found('shoe', 0.8, [0, 0, 2, 1]);
    expect(suppressOverlaps([a, b], 0.5)).toHaveLength(2);
  });

  it('does not depend on the order of distinct scores', () => {
    const boxes = Array.from({ length: 30 }, (_, i) => found('hat', 1 - i / 100, [i, 0, i + 10, 10]));
    expect(suppressOverlaps([...boxes].reverse(), 0.3)).toEqual(suppressOverlaps(boxes, 0.3));
  });
});

describe('readDetections', () => {
  it('drops weak ones and lets at most the named number of proposals into suppression', () => {
    const boxes = [0.9, 0.8, 0.2].map((score, i) => found('hat', score, [20 * i, 0, 20 * i + 10, 10]));
    expect(readDetections(boxes, { scoreMin: 0.3, nmsIou: 0.5 })).toHaveLength(2);
    expect(readDetections(boxes, { scoreMin: 0.1, nmsIou: 0.5, proposals: 1 })).toEqual([boxes[0]]);
  });
});
