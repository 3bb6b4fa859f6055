import { expect, it } from 'vitest';
import { layOutImages } from '../../src/features/image-map.ts';
import { seededRandom } from '../../src/math/random.ts';

/** Three heaps of rows, each along an axis of its own. */
function heaps(each: number): Float32Array[] {
  const random = seededRandom(3);
  return Array.from({ length: 3 * each }, (_, i) =>
    Float32Array.from({ length: 12 }, (__, k) => (k === Math.floor(i / each) ? 5 : 0) + random.normal() * 0.3),
  );
}

it('puts near each other what is near, the same way for the same seed', () => {
  const rows = heaps(20);
  const { points, neighbors } = layOutImages(rows, 1);
  expect(layOutImages(rows, 1).points).toEqual(points);
  expect(layOutImages(rows, 2).points).not.toEqual(points);
  for (const value of points) expect(value).toBeGreaterThanOrEqual(0);
  for (const value of points) expect(value).toBeLessThanOrEqual(1);
  const heapOf = (i: number): number => Math.floor(i / 20);
  const nextOnMap = (i: number): number => {
    const apart = rows.map((_, j) =>
      j === i ? Infinity : Math.hypot(points[2 * i] - points[2 * j], points[2 * i + 1] - points[2 * j + 1]),
    );
    return apart.indexOf(Math.min(...apart));
  };
  expect(rows.filter((_, i) => heapOf(nextOnMap(i)) !== heapOf(i))).toEqual([]);
  neighbors.forEach((near, i) => expect([...near].map(heapOf)).toEqual(Array.from(near, () => heapOf(i))));
});

it('lays out as few as three, and refuses two', () => {
  expect(layOutImages(heaps(1), 1).points.length).toBe(6);
  expect(() => layOutImages(heaps(1).slice(1), 1)).toThrow(/three or more/);
});
