import { EigenvalueDecomposition, Matrix as Dense, SingularValueDecomposition } from 'ml-matrix';
import { seededRandom } from '../math/random.ts';
import { principalFrame } from './tuning/tuned-layer.ts';

/** Activations to fit on: rows x length, row-major. */
export interface ActivationSample {
  readonly rows: number;
  readonly length: number;
  readonly data: Float32Array;
}

/** What was fitted: bit i of a code is (x - mean) . direction i > 0. */
export interface ItqBinarizer {
  readonly kind: 'itq';
  readonly bits: number;
  readonly mean: Float32Array;
  /** bits x length, row-major. */
  readonly directions: Float32Array;
}

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
export function fitItq(sample: ActivationSample, bits: number, seed: number): ItqBinarizer {
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
  const principal = rows < length ? ofFewRows(sample, bits, seed) : principalDirections(centred, bits);
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

/**
 * The same from the products of rows, many times faster where there are fewer rows than dimensions. Rows span at most as many
 * directions as there are rows; the others are random ones at right angles to all before.
 */
function ofFewRows({ length, data }: ActivationSample, bits: number, seed: number): Dense {
  const frame = principalFrame(data, length, bits);
  const random = seededRandom(seed);
  const all = new Float64Array(bits * length);
  all.set(frame);
  for (let row = frame.length / length; row < bits; row++) {
    const direction = all.subarray(row * length, (row + 1) * length);
    for (let i = 0; i < length; i++) direction[i] = random.normal();
    // Twice, because once leaves rounding behind.
    for (let pass = 0; pass < 2; pass++) for (let other = 0; other < row; other++) project(direction, all.subarray(other * length));
    const size = Math.hypot(...direction);
    for (let i = 0; i < length; i++) direction[i] /= size;
  }
  return Dense.from1DArray(bits, length, all).transpose();
}

/** Takes the part along the unit vector at the beginning of `unit` out of `direction`. */
function project(direction: Float64Array, unit: Float64Array): void {
  let along = 0;
  for (let i = 0; i < direction.length; i++) along += direction[i] * unit[i];
  for (let i = 0; i < direction.length; i++) direction[i] -= along * unit[i];
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
