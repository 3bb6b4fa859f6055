/**
 * Triplet loss with semi-hard mining, over the rows of a batch brought to length 1:
 *
 *   loss = mean over anchors a and positives p of max(0, |a - p|^2 - |a - n|^2 + margin)
 *
 * Given    z       n x d, row-major; `labels`, one per row
 * Returns  the loss and its gradient with respect to z; zeros where no two rows share a label, or all do.
 * Source   Schroff, Kalenichenko and Philbin, FaceNet, CVPR 2015: section 3.1 (loss, unit sphere), 3.2 (all anchor-positive pairs of a
 *          batch, semi-hard negatives: further from the anchor than the positive, the nearest of them).
 * Choice   Where no negative is further than the positive, the furthest there is stands in, so that each pair has one.
 */
import type { MatrixProduct } from '../../math/matrix-product.ts';
import { throughNorm, unitRows } from '../../math/unit-rows.ts';

export async function tripletGradients(
  z: Float32Array,
  labels: readonly number[],
  length: number,
  margin: number,
  product: MatrixProduct,
): Promise<{ loss: number; dz: Float32Array }> {
  const batch = labels.length;
  const u = unitRows(z, length);
  const cosines = await product(u, u, { rows: batch, columns: batch, inner: length, bTransposed: true });
  const triplets = semiHardTriplets(cosines, labels);
  const g = new Float32Array(batch * batch);
  let loss = 0;
  for (const [a, p, n] of triplets) {
    // Of length 1: |a - b|^2 = 2 - 2 cos, so the loss is 2 (cos(a, n) - cos(a, p)) + margin.
    const excess = 2 * (cosines[a * batch + n] - cosines[a * batch + p]) + margin;
    if (excess <= 0) continue;
    loss += excess / triplets.length;
    for (const [other, slope] of [
      [n, 2 / triplets.length],
      [p, -2 / triplets.length],
    ]) {
      g[a * batch + other] += slope;
      g[other * batch + a] += slope;
    }
  }
  const du = await product(g, u, { rows: batch, columns: length, inner: batch });
  return { loss, dz: throughNorm(du, u, z, length) };
}

/** Anchor, positive and negative of each pair of rows that share a label. `cosines` are of all rows with all. */
export function semiHardTriplets(cosines: Float32Array, labels: readonly number[]): (readonly [number, number, number])[] {
  const batch = labels.length;
  const found: (readonly [number, number, number])[] = [];
  for (let a = 0; a < batch; a++)
    for (let p = 0; p < batch; p++) {
      if (p === a || labels[p] !== labels[a]) continue;
      const n = negativeOf(cosines.subarray(a * batch, (a + 1) * batch), labels, a, p);
      if (n >= 0) found.push([a, p, n]);
    }
  return found;
}

/** The nearest row of another label that is further than the positive, else the furthest; -1: there is no other label. */
function negativeOf(cosines: Float32Array, labels: readonly number[], a: number, p: number): number {
  let [semiHard, furthest] = [-1, -1];
  for (let n = 0; n < labels.length; n++) {
    if (labels[n] === labels[a]) continue;
    if (furthest < 0 || cosines[n] < cosines[furthest]) furthest = n;
    if (cosines[n] < cosines[p] && (semiHard < 0 || cosines[n] > cosines[semiHard])) semiHard = n;
  }
  return semiHard >= 0 ? semiHard : furthest;
}
