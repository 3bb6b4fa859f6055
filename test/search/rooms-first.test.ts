import { expect, test } from 'vitest';
import { roomsFirst } from '../../src/search/lens.ts';

test('pictures in which the object takes less than half come first, each half in its order; an unknown size counts as a room', () => {
  const scene = (pinIndex: number, side: number) => ({
    pinIndex,
    distance: pinIndex,
    score: 1,
    label: 'chair',
    box: [0, 0, side, side] as const,
  });
  const scenes = [scene(1, 90), scene(2, 40), scene(3, 80), scene(4, 70), scene(5, 99)];
  const sizeOf = (pinIndex: number) => (pinIndex === 5 ? null : { width: 100, height: 100 });
  expect(roomsFirst(scenes, sizeOf).map(({ pinIndex }) => pinIndex)).toEqual([2, 4, 5, 1, 3]);
});
