/** Local features without pictures: what is the same, and by what map, is known. */
import { DESCRIPTOR_WORDS, type LocalFeatures, POINT_NUMBERS } from '../../src/exact/local-features.ts';
import type { Point } from '../../src/exact/homography.ts';
import { seededRandom } from '../../src/math/random.ts';

export function randomDescriptors(count: number, seed: number): Uint32Array<ArrayBuffer> {
  const random = seededRandom(seed);
  return Uint32Array.from({ length: count * DESCRIPTOR_WORDS }, () => random.integer(2 ** 32));
}

/** A copy in which `bits` drawn bits of each descriptor are turned over. */
export function flipped(descriptors: Uint32Array, bits: number, seed: number): Uint32Array<ArrayBuffer> {
  const random = seededRandom(seed);
  const copy = Uint32Array.from(descriptors);
  for (let i = 0; i < copy.length; i += DESCRIPTOR_WORDS) {
    for (let k = 0; k < bits; k++) {
      const bit = random.integer(DESCRIPTOR_WORDS * 32);
      copy[i + (bit >>> 5)] ^= 1 << (bit & 31);
    }
  }
  return copy;
}

/** Key points at drawn places of a picture of the size given. */
export function drawnFeatures(count: number, [width, height]: readonly [number, number], seed: number): LocalFeatures {
  const random = seededRandom(seed);
  const points = new Float32Array(count * POINT_NUMBERS);
  for (let i = 0; i < count; i++) points.set([random.next() * width, random.next() * height, 31, 360 * random.next()], i * POINT_NUMBERS);
  return { width, height, count, points, descriptors: randomDescriptors(count, seed + 1) };
}

/** The same features where `move` takes them, turned and scaled as it says, in a picture of another size. */
export function movedFeatures(
  features: LocalFeatures,
  move: { readonly place: (point: Point) => Point; readonly scale: number; readonly degrees: number },
  [width, height]: readonly [number, number],
): LocalFeatures {
  const points = new Float32Array(features.points.length);
  for (let i = 0; i < points.length; i += POINT_NUMBERS) {
    const [x, y] = move.place([features.points[i], features.points[i + 1]]);
    points.set([x, y, features.points[i + 2] * move.scale, (features.points[i + 3] + move.degrees) % 360], i);
  }
  return { width, height, count: features.count, points, descriptors: flipped(features.descriptors, 25, 9) };
}

/** Both, in one picture of the size of the first. */
export function withOthers(features: LocalFeatures, others: LocalFeatures): LocalFeatures {
  const count = features.count + others.count;
  const points = new Float32Array(count * POINT_NUMBERS);
  points.set(features.points);
  points.set(others.points, features.points.length);
  const descriptors = new Uint32Array(count * DESCRIPTOR_WORDS);
  descriptors.set(features.descriptors);
  descriptors.set(others.descriptors, features.descriptors.length);
  return { ...features, count, points, descriptors };
}
