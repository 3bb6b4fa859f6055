import { expect, it } from 'vitest';
import { DOMINANCE } from '../../src/detection/dominant-object.ts';
import { dominantOf, pinObjects } from '../../src/detection/pin-objects.ts';

const found = {
  width: 100,
  height: 100,
  detections: [
    { label: 'hat', score: 0.8, box: [0, 0, 10, 10] as const },
    { label: 'hat', score: 0.7, box: [0, 0, 10, 9] as const },
    { label: 'dress', score: 0.4, box: [0, 0, 60, 90] as const },
    { label: 'shoe', score: 0.2, box: [0, 0, 90, 90] as const },
  ],
};

it('lists objects after suppression and thresholds, and marks the dominant one', () => {
  const objects = pinObjects(found, { scoreMin: 0.3, nmsIou: 0.5 }, DOMINANCE);
  expect(objects.map(({ label, dominant, shown }) => [label, dominant, shown])).toEqual([
    ['hat', false, true],
    ['dress', true, true],
  ]);
});

it('lists the dominant object even when the list asks for surer ones', () => {
  const objects = pinObjects(found, { scoreMin: 0.5, nmsIou: 0.5 }, DOMINANCE);
  expect(objects.map((object) => object.label)).toEqual(['hat', 'dress']);
  expect(dominantOf(found, { scoreMin: 0.5, nmsIou: 0.5 }, DOMINANCE)?.label).toBe('dress');
});

it('changes with thresholds, without running the net again', () => {
  expect(pinObjects(found, { scoreMin: 0.1, nmsIou: 1 }, { ...DOMINANCE, scoreMin: 0.1 })).toHaveLength(4);
  expect(dominantOf(found, { scoreMin: 0.1, nmsIou: 1 }, { ...DOMINANCE, scoreMin: 0.1 })?.label).toBe('shoe');
});
