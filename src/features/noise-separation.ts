/**
 * Do images of noise stand apart from real ones? The paper's Figure 5 shows noise images crowded into one corner of the space.
 * Here: for each real and each noise image the cosine to its nearest other real image; the share of (real, noise) pairs where
 * the real one is nearer (ties count half). 1: noise is always farther from real images than they are from each other.
 */
import { unitRows } from '../math/unit-rows.ts';

/** Both: rows of one layer. Returns the share, 0..1. Throws RangeError with fewer than two real images or no noise. */
export function noiseSeparation(real: readonly Float32Array[], noise: readonly Float32Array[]): number {
  if (real.length < 2 || noise.length < 1)
    throw new RangeError(`images: expected two real ones and noise, got ${real.length} and ${noise.length}`);
  const units = real.map((row) => unitRows(row, row.length));
  const nearest = (row: Float32Array, except: number): number => {
    const unit = unitRows(row, row.length);
    let highest = -1;
    units.forEach((other, at) => {
      if (at === except) return;
      let sum = 0;
      for (let i = 0; i < other.length; i++) sum += other[i] * unit[i];
      highest = Math.max(highest, sum);
    });
    return highest;
  };
  const ofReal = real.map((row, at) => nearest(row, at));
  const ofNoise = noise.map((row) => nearest(row, -1));
  let nearer = 0;
  for (const a of ofReal) for (const b of ofNoise) nearer += a > b ? 1 : a === b ? 0.5 : 0;
  return nearer / (real.length * noise.length);
}

/** A picture of noise: turbulence in colour, another for every seed; finer or coarser by turns. */
export function noiseDrawing(seed: number): string {
  const frequency = [0.9, 0.3, 0.08][seed % 3];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256"><filter id="noise"><feTurbulence type="turbulence" baseFrequency="${frequency}" numOctaves="2" seed="${seed}"/><feColorMatrix type="matrix" values="1 0 0 0 0 0 1 0 0 0 0 0 1 0 0 0 0 0 0 1"/></filter><rect width="256" height="256" filter="url(#noise)"/></svg>`;
}
