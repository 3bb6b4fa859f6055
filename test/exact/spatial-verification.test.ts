import { describe, expect, it } from 'vitest';
import { INLIERS_MIN } from '../../src/exact/exact-search.ts';
import { cornersOf, homographyOf, mapped, type Point } from '../../src/exact/homography.ts';
import { verified, verifiedPairs } from '../../src/exact/spatial-verification.ts';
import { seededRandom } from '../../src/math/random.ts';
import { drawnFeatures, movedFeatures, withOthers } from './drawn-features.ts';

const SIZE = [400, 300] as const;
const degrees = 30;
const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
/** Half the size, turned by 30 degrees. */
const turned = { place: ([x, y]: Point): Point => [0.5 * (cos * x - sin * y) + 200, 0.5 * (sin * x + cos * y) + 50], scale: 0.5, degrees };

describe('homographies', () => {
  it('take four points where they are told, and none through a line', () => {
    const to: Point[] = [
      [10, 5],
      [90, 20],
      [80, 70],
      [0, 60],
    ];
    const map = homographyOf(cornersOf(50, 40), to);
    cornersOf(50, 40).forEach((corner, i) => {
      const [x, y] = mapped(map as number[], corner);
      expect(x).toBeCloseTo(to[i][0], 6);
      expect(y).toBeCloseTo(to[i][1], 6);
    });
    const line: Point[] = [
      [0, 0],
      [1, 1],
      [2, 2],
      [0, 9],
    ];
    expect(homographyOf(line, to)).toBeNull();
  });
});

describe('spatial verification', () => {
  it('finds a thing that was moved, turned and scaled among as many strange key points, and where it is', () => {
    const thing = drawnFeatures(120, SIZE, 1);
    const scene = withOthers(movedFeatures(thing, turned, [500, 500]), drawnFeatures(120, [500, 500], 50));
    const { inliers, regions } = verified(thing, scene);
    expect(inliers).toBeGreaterThan(80);
    regions?.first.forEach((corner, i) => {
      const [x, y] = turned.place(corner);
      expect(Math.hypot(x - regions.second[i][0], y - regions.second[i][1])).toBeLessThan(12);
    });
    expect(verified(thing, scene)).toEqual({ inliers, regions });
  });

  it('finds it under perspective', () => {
    const thing = drawnFeatures(120, SIZE, 2);
    const map = homographyOf(cornersOf(...SIZE), [
      [20, 40],
      [370, 10],
      [390, 290],
      [50, 230],
    ]) as number[];
    const scene = movedFeatures(thing, { place: (point) => mapped(map, point), scale: 0.85, degrees: 0 }, SIZE);
    expect(verified(thing, scene).inliers).toBeGreaterThan(60);
  });

  it('leaves pairs that lie anywhere, however many', () => {
    const [one, other] = [drawnFeatures(200, SIZE, 3), drawnFeatures(200, SIZE, 4)];
    const random = seededRandom(5);
    const pairs = Array.from({ length: 60 }, () => [random.integer(200), random.integer(200)] as const);
    expect(verifiedPairs(one, other, pairs).inliers).toBeLessThan(INLIERS_MIN);
    expect(verified(one, other)).toEqual({ inliers: 0, regions: null });
  });

  it('counts a place once however many key points lie on it', () => {
    const place = drawnFeatures(1, SIZE, 6);
    let one = place;
    for (let i = 0; i < 30; i++) one = withOthers(one, { ...drawnFeatures(1, SIZE, 100 + i), points: place.points });
    expect(verified(one, movedFeatures(one, turned, [500, 500])).inliers).toBeLessThan(4);
  });
});
