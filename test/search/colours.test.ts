import { describe, expect, it } from 'vitest';
import { colourDifference, hexOf, labOf } from '../../src/search/cie-lab.ts';
import { pictureKind } from '../../src/search/picture-kind.ts';
import { salientColours } from '../../src/search/salient-colours.ts';
import { seededRandom } from '../../src/math/random.ts';

/** A picture whose pixel (x, y) has the colour `paint` says. */
function picture(side: number, paint: (x: number, y: number) => readonly number[]) {
  const data = new Uint8Array(3 * side * side);
  for (let y = 0, at = 0; y < side; y++) for (let x = 0; x < side; x++) for (const value of paint(x, y)) data[at++] = value;
  return { width: side, height: side, data };
}

describe('labOf', () => {
  it.each([
    ['white', [255, 255, 255], [100, 0, 0]],
    ['black', [0, 0, 0], [0, 0, 0]],
    ['red', [255, 0, 0], [53.24, 80.09, 67.2]],
    ['green', [0, 255, 0], [87.73, -86.18, 83.18]],
    ['blue', [0, 0, 255], [32.3, 79.19, -107.86]],
  ])('%s', (_, [r, g, b], lab) => {
    expect(colourDifference(labOf(r, g, b), lab as [number, number, number])).toBeLessThan(0.1);
  });

  it('goes there and back', () => {
    const random = seededRandom(3);
    for (let i = 0; i < 200; i++) {
      const rgb = [random.integer(256), random.integer(256), random.integer(256)];
      const hex = `#${rgb.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
      expect(hexOf(labOf(rgb[0], rgb[1], rgb[2]))).toBe(hex);
    }
  });
});

describe('salientColours', () => {
  it('finds two colours with their shares', () => {
    const colours = salientColours(picture(40, (x) => (x < 10 ? [200, 30, 30] : [30, 60, 160])));
    expect(colours.map(({ colour, share }) => [colour, share])).toEqual([
      ['#1e3ca0', 0.75],
      ['#c81e1e', 0.25],
    ]);
  });

  it('takes one colour as one, and says the same twice', () => {
    const noisy = picture(60, (x, y) => [100 + ((x * 7 + y * 3) % 5), 120, 90]);
    expect(salientColours(noisy)).toHaveLength(1);
    expect(salientColours(noisy)).toEqual(salientColours(noisy));
  });
});

describe('pictureKind', () => {
  it('tells an even ground from a scene', () => {
    const product = picture(50, (x, y) => (x > 15 && x < 35 && y > 15 && y < 35 ? [10, 10, 90] : [250, 250, 250]));
    const scene = picture(50, (x, y) => [(x * 5) % 256, (y * 5) % 256, ((x + y) * 9) % 256]);
    expect(pictureKind(product)).toEqual({ kind: 'product', borderEvenness: 1 });
    expect(pictureKind(scene).kind).toBe('camera');
  });
});
