import { expect, it } from 'vitest';
import type { DetectorSet } from '../../src/detection/detector-set.ts';
import { DOMINANCE } from '../../src/detection/dominant-object.ts';
import { dominantOf, pinObjects } from '../../src/detection/pin-objects.ts';

/** One detector with such rules. */
const setOf = (scoreThreshold: number, nmsIou = 0.5): DetectorSet =>
  ({ digest: '', detectors: [{ name: 'one', net: { manifest: { scoreThreshold, nmsIou } } }] }) as unknown as DetectorSet;

const found = {
  width: 100,
  height: 100,
  detections: [
    { label: 'hat', score: 0.8, box: [0, 0, 10, 10] as const, detector: 'one' },
    { label: 'hat', score: 0.7, box: [0, 0, 10, 9] as const, detector: 'one' },
    { label: 'dress', score: 0.4, box: [0, 0, 60, 90] as const, detector: 'one' },
    { label: 'shoe', score: 0.2, box: [0, 0, 90, 90] as const, detector: 'one' },
  ],
};

it('lists objects after suppression and thresholds, and marks the dominant one', () => {
  const objects = pinObjects(found, setOf(0.3), DOMINANCE);
  expect(objects.map(({ label, dominant, shown, detector }) => [label, dominant, shown, detector])).toEqual([
    ['hat', false, true, 'one'],
    ['dress', true, true, 'one'],
  ]);
});

it('lists the dominant object even when the list asks for surer ones', () => {
  const objects = pinObjects(found, setOf(0.5), DOMINANCE);
  expect(objects.map((object) => object.label)).toEqual(['hat', 'dress']);
  expect(dominantOf(found, setOf(0.5), DOMINANCE)?.label).toBe('dress');
});

it('changes with thresholds, without running the net again', () => {
  expect(pinObjects(found, setOf(0.1), { ...DOMINANCE, scoreMin: 0.1 })).toHaveLength(3);
  expect(dominantOf(found, setOf(0.1), { ...DOMINANCE, scoreMin: 0.1 })?.label).toBe('shoe');
});
