import { describe, expect, it } from 'vitest';
import { noiseDrawing, noiseSeparation } from '../../src/features/noise-separation.ts';
import { seededRandom } from '../../src/math/random.ts';
import { drawSvg } from '../../src/vision/image-tensor.ts';

const random = seededRandom(1);
const rows = (count: number, along: number): Float32Array[] =>
  Array.from({ length: count }, () => Float32Array.from({ length: 8 }, (_, i) => (i === along ? 3 : 0) + random.normal() * 0.3));

describe('noise', () => {
  it('stands apart where it lies elsewhere, and not where it lies among the images', () => {
    expect(noiseSeparation(rows(30, 0), rows(10, 5))).toBe(1);
    expect(Math.abs(noiseSeparation(rows(60, 0), rows(60, 0)) - 0.5)).toBeLessThan(0.15);
  });

  it('is drawn, another for every seed', async () => {
    const [a, b] = await Promise.all([1, 2].map((seed) => drawSvg(noiseDrawing(seed), 'png')));
    expect(a.length).toBeGreaterThan(20_000);
    expect(Buffer.compare(a, b)).not.toBe(0);
  });
});
