/**
 * What a learned head becomes in the net: one layer of bits, and a short embedding for graphs of neighbours.
 *
 *   z = R W (x' - mean)      bit = z > 0;   R: orthonormal columns, drawn by seed
 *   e = E W (x' - mean)      then of length 1;   E: the first principal directions of W x' over the training rows
 *
 * x' is the layer-normed fc6. The random rotation spreads what W put into few directions over all bits, so that the share of
 * differing bits follows the angle (Charikar, STOC 2002, section 3): on `ikea-rooms` codes of plain W lost a quarter of P@10,
 * rotated ones 0.005 or less.
 */
import { EigenvalueDecomposition, Matrix as Dense } from 'ml-matrix';
import type { MatrixProduct } from '../../math/matrix-product.ts';
import { seededRandom } from '../../math/random.ts';

/** y = weights (x' - mean) = weights x' + bias. */
export interface AffineLayer {
  readonly inputLength: number;
  readonly outputLength: number;
  /** outputLength x inputLength, row-major. */
  readonly weights: Float32Array;
  readonly bias: Float32Array;
}

/** `count` x `length`, columns orthonormal (rows, where there are fewer rows than columns): Gram-Schmidt over normal draws. */
export function randomFrame(count: number, length: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  const [vectors, size] = count >= length ? [length, count] : [count, length];
  const basis: Float64Array[] = [];
  while (basis.length < vectors) {
    const vector = Float64Array.from({ length: size }, () => random.normal());
    for (const other of basis) {
      let along = 0;
      for (let i = 0; i < size; i++) along += vector[i] * other[i];
      for (let i = 0; i < size; i++) vector[i] -= along * other[i];
    }
    const norm = Math.hypot(...vector);
    basis.push(vector.map((value) => value / norm));
  }
  const out = new Float32Array(count * length);
  basis.forEach((vector, b) => {
    vector.forEach((value, i) => {
      out[count >= length ? i * length + b : b * length + i] = value;
    });
  });
  return out;
}

/** frame x weights, and the bias that takes the mean off. */
export async function affineLayer(
  frame: Float32Array,
  weights: Float32Array,
  mean: Float32Array,
  product: MatrixProduct,
): Promise<AffineLayer> {
  const inputLength = mean.length;
  const outputLength = frame.length / inputLength;
  const combined = await product(frame, weights, { rows: outputLength, columns: inputLength, inner: inputLength });
  const moved = await product(combined, mean, { rows: outputLength, columns: 1, inner: inputLength });
  return { inputLength, outputLength, weights: combined, bias: moved.map((value) => -value) };
}

/** The frame alone: what rotating the untuned rows gives, to set what was learned beside. */
export async function rotationLayer(frame: Float32Array, mean: Float32Array, product: MatrixProduct): Promise<AffineLayer> {
  const inputLength = mean.length;
  const outputLength = frame.length / inputLength;
  const moved = await product(frame, mean, { rows: outputLength, columns: 1, inner: inputLength });
  return { inputLength, outputLength, weights: frame, bias: moved.map((value) => -value) };
}

/**
 * The first `count` principal directions of rows n x d: count x d, orthonormal; fewer than `count` where the rows span less.
 * Of few rows the n x n products are taken apart instead of the d x d ones: they share their eigenvalues (X X^T u = l u gives
 * the direction X^T u / sqrt(l)).
 */
export function principalFrame(rows: Float32Array, length: number, count: number): Float32Array {
  const samples = rows.length / length;
  const centred = centredRows(rows, length);
  const few = samples < length;
  const products = few ? centred.mmul(centred.transpose()) : centred.transpose().mmul(centred);
  const { eigenvectorMatrix, realEigenvalues } = new EigenvalueDecomposition(products, { assumeSymmetric: true });
  const largest = Math.max(...realEigenvalues);
  const order = realEigenvalues
    .map((value, at) => ({ value, at }))
    .filter(({ value }) => value > 1e-6 * largest)
    .sort((a, b) => b.value - a.value)
    .slice(0, count);
  const vectors = eigenvectorMatrix.subMatrixColumn(order.map(({ at }) => at));
  const directions = few ? centred.transpose().mmul(vectors) : vectors;
  const out = new Float32Array(order.length * length);
  order.forEach(({ value }, direction) => {
    const scale = few ? 1 / Math.sqrt(value) : 1;
    for (let i = 0; i < length; i++) out[direction * length + i] = directions.get(i, direction) * scale;
  });
  return out;
}

function centredRows(rows: Float32Array, length: number): Dense {
  const samples = rows.length / length;
  const centred = new Dense(samples, length);
  for (let i = 0; i < length; i++) {
    let mean = 0;
    for (let row = 0; row < samples; row++) mean += rows[row * length + i] / samples;
    for (let row = 0; row < samples; row++) centred.set(row, i, rows[row * length + i] - mean);
  }
  return centred;
}
