import { describe, expect, it } from 'vitest';
import { chosenFeatures, type LocalFeatures } from '../../src/exact/local-features.ts';
import { verified } from '../../src/exact/spatial-verification.ts';
import { marksIn, type TaughtMark } from '../../src/marks/mark-matching.ts';
import type { PictureViews } from '../../src/marks/picture-views.ts';
import { boxIou } from '../../src/vision/box.ts';
import { drawnFeatures, movedFeatures, withOthers } from '../exact/drawn-features.ts';

const SIZE = [320, 320] as const;
const SCENE = [640, 480] as const;
const code = (): Uint32Array => new Uint32Array(4);
const taught = (label: string, seed: number): TaughtMark => ({ label, code: code(), features: drawnFeatures(80, SIZE, seed) });

/** At a share of its size, with its upper left corner at the place given. */
const at = (features: LocalFeatures, x: number, y: number, scale = 1 / 4): LocalFeatures =>
  movedFeatures(features, { place: ([u, v]) => [x + scale * u, y + scale * v], scale, degrees: 0 }, SCENE);

/** A picture with what is laid into it and as many strange key points. */
function viewsOf(...parts: readonly LocalFeatures[]): PictureViews {
  const features = parts.reduce(withOthers, drawnFeatures(80, SCENE, 90));
  return { regions: [[0, 0, ...SCENE]], codes: [code()], features };
}

describe('marks of a picture', () => {
  const [acme, star] = [taught('Acme', 1), taught('Star', 2)];

  it('are found at each of their places, without a code that is near', () => {
    const found = marksIn(viewsOf(at(acme.features, 40, 60), at(acme.features, 400, 300), at(star.features, 250, 20)), [acme, star]);
    expect(found.map(({ label }) => label).sort()).toEqual(['Acme', 'Acme', 'Star']);
    for (const [label, x, y] of [
      ['Acme', 40, 60],
      ['Acme', 400, 300],
      ['Star', 250, 20],
    ] as const) {
      expect(found.some((mark) => mark.label === label && boxIou(mark.box, [x, y, x + 80, y + 80]) > 0.8)).toBe(true);
    }
  });

  it('are not those that have a part in common with a taught one, however well it fits', () => {
    const mark: TaughtMark = { label: 'Dense', code: code(), features: drawnFeatures(600, SIZE, 3) };
    const corner = Array.from({ length: 600 }, (_, i) => i).filter(
      (i) => Math.max(...mark.features.points.subarray(4 * i, 4 * i + 2)) < 60,
    );
    const [part, all] = [chosenFeatures(mark.features, corner), mark.features].map((features) => viewsOf(at(features, 40, 60, 1)));
    expect(verified(part.features, mark.features).inliers).toBeGreaterThan(12);
    expect(marksIn(part, [mark])).toEqual([]);
    expect(marksIn(all, [mark])).toHaveLength(1);
  });
});
