import { EigenvalueDecomposition, Matrix as Dense, SingularValueDecomposition } from 'ml-matrix';
import { seededRandom } from '../math/random.ts';
import type { ActivationSample, Binarizer } from './binarize.ts';
import { principalFrame } from './tuning/tuned-layer.ts';

const ITERATIONS = 50;

/**
 * Iterative quantization: the rotation of the principal directions that loses least when only signs are kept.
 *
 *   V = (X - mean) W, W the `bits` first principal directions; R random orthogonal; 50 times:
 *   B = sign(V R);  SVD of B^T V = S O T^T;  R = T S^T
 *
 * Given    sample  n x d activations; bits <= d
 * Returns  mean and the rows of (W R)^T: bit i = (x - mean) . direction i > 0.
 * Throws   RangeError for more bits than dimensions.
 * Source   Gong and Lazebnik, Iterative Quantization, CVPR 2011, sections 2 and 2.2.
 * Choice   principal directions beyond the rank of the sample are those of its null space: they carry nothing, as they must.
 */
export function fitItq(sample: ActivationSample, bits: number, seed: number): Extract<Binarizer, { kind: 'itq' }> {
  const { rows, length, data } = sample;
  if (bits > length) throw new RangeError(`bits: expected at most the ${length} dimensions of the layer, got ${bits}`);
  const mean = new Float32Array(length);
  for (let dimension = 0; dimension < length; dimension++) {
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += data[row * length + dimension];
    mean[dimension] = sum / rows;
  }
  const centred = new Dense(rows, length);
  for (let row = 0; row < rows; row++) for (let i = 0; i < length; i++) centred.set(row, i, data[row * length + i] - mean[i]);
  const principal = ofFewRows(sample, bits) ?? principalDirections(centred, bits);
  const projected = centred.mmul(principal);
  let rotation = randomRotation(bits, seed);
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const signs = projected.mmul(rotation);
    for (let row = 0; row < rows; row++) for (let bit = 0; bit < bits; bit++) signs.set(row, bit, signs.get(row, bit) > 0 ? 1 : -1);
    const { leftSingularVectors, rightSingularVectors } = new SingularValueDecomposition(signs.transpose().mmul(projected), {
      autoTranspose: true,
    });
    rotation = rightSingularVectors.mmul(leftSingularVectors.transpose());
  }
  const directions = Float32Array.from(principal.mmul(rotation).transpose().to1DArray());
  return { kind: 'itq', bits, mean, directions };
}

/** The same from the products of rows, many times faster where there are fewer rows than dimensions; null where they span too little. */
function ofFewRows({ rows, length, data }: ActivationSample, bits: number): Dense | null {
  const frame = bits < rows && rows < length ? principalFrame(data, length, bits) : null;
  return frame?.length === bits * length ? Dense.from1DArray(bits, length, frame).transpose() : null;
}

/** Columns: the first `count` eigenvectors of the covariance, largest first. */
function principalDirections(centred: Dense, count: number): Dense {
  const covariance = centred
    .transpose()
    .mmul(centred)
    .div(Math.max(1, centred.rows - 1));
  const { eigenvectorMatrix, realEigenvalues } = new EigenvalueDecomposition(covariance, { assumeSymmetric: true });
  const order = realEigenvalues.map((value, at) => ({ value, at })).sort((a, b) => b.value - a.value);
  return eigenvectorMatrix.subMatrixColumn(order.slice(0, count).map(({ at }) => at));
}

function randomRotation(size: number, seed: number): Dense {
  const random = seededRandom(seed);
  const gaussian = new Dense(size, size);
  for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) gaussian.set(i, j, random.normal());
  return new SingularValueDecomposition(gaussian).leftSingularVectors;
}
