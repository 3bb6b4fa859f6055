import { describe, expect, it } from 'vitest';
import { HEAD_DEFAULTS, layerNorm, project, softmaxGradients, trainHead } from '../../src/features/projection-head.ts';
import { seededRandom } from '../../src/math/random.ts';
import { dot, norm } from '../../src/math/vector.ts';

/** Rows of `classes` kinds whose kind shows in two of `length` dimensions only; the rest is louder noise. */
function kinds(classes: number, each: number, length: number, seed: number) {
  const random = seededRandom(seed);
  const rows = new Float32Array(classes * each * length);
  const labels = new Int32Array(classes * each);
  for (let row = 0; row < labels.length; row++) {
    labels[row] = row % classes;
    for (let i = 0; i < length; i++) rows[row * length + i] = random.normal() * (i < 2 ? 0.3 : 2);
    const angle = (2 * Math.PI * labels[row]) / classes;
    rows[row * length] += 3 * Math.cos(angle);
    rows[row * length + 1] += 3 * Math.sin(angle);
  }
  return { rows, labels };
}

function precisionAt1(z: Float32Array, labels: Int32Array, length: number): number {
  const at = (row: number): Float32Array => z.subarray(row * length, (row + 1) * length);
  let hits = 0;
  for (let q = 0; q < labels.length; q++) {
    let best = -1;
    let bestCosine = Number.NEGATIVE_INFINITY;
    for (let row = 0; row < labels.length; row++) {
      if (row === q) continue;
      const value = dot(at(q), at(row)) / (norm(at(q)) * norm(at(row)));
      if (value > bestCosine) [best, bestCosine] = [row, value];
    }
    if (labels[best] === labels[q]) hits++;
  }
  return hits / labels.length;
}

describe('projection head', () => {
  it('layer norm leaves mean 0 and variance 1', () => {
    const row = Float32Array.from([1, 2, 3, 6]);
    layerNorm(row, 0, 4);
    expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(0, 5);
    expect(row.reduce((a, b) => a + b * b, 0) / 4).toBeCloseTo(1, 4);
  });

  it('gradients agree with finite differences', () => {
    const random = seededRandom(4);
    const z = Float32Array.from({ length: 3 * 5 }, () => random.normal());
    const proxies = Float32Array.from({ length: 4 * 5 }, () => random.normal());
    const labels = [0, 2, 3];
    const learner = { proxies, classCount: 4 };
    const lossAt = (): number => softmaxGradients(z, 5, labels, learner, 0.5).loss;
    const { dz, dProxies } = softmaxGradients(z, 5, labels, learner, 0.5);
    const check = (values: Float32Array, gradient: Float32Array): void => {
      for (let i = 0; i < values.length; i++) {
        const kept = values[i];
        values[i] = kept + 1e-2;
        const up = lossAt();
        values[i] = kept - 1e-2;
        const down = lossAt();
        values[i] = kept;
        expect(gradient[i]).toBeCloseTo((up - down) / 2e-2, 2);
      }
    };
    check(z, dz);
    check(proxies, dProxies);
  });

  it('finds the dimensions that matter: precision@1 on rows it never saw rises well above the frozen features', () => {
    const length = 16;
    const train = kinds(5, 40, length, 1);
    const fresh = kinds(5, 30, length, 2);
    const heldOut = new Uint8Array(train.labels.length).map((_, row) => (row % 5 === 4 || row % 7 === 0 ? 1 : 0));
    const result = trainHead(train.rows, length, [{ name: 'kind', classes: train.labels, classCount: 5 }], heldOut, { ...HEAD_DEFAULTS, epochs: 15, classesPerBatch: 5 });
    for (let row = 0; row < fresh.labels.length; row++) layerNorm(fresh.rows, row, length);
    const before = precisionAt1(fresh.rows, fresh.labels, length);
    const after = precisionAt1(project(result.head, fresh.rows, fresh.labels.length), fresh.labels, length);
    expect(after).toBeGreaterThan(before + 0.15);
  });

  it('same seed, same bits', () => {
    const { rows, labels } = kinds(3, 12, 8, 3);
    const run = () => trainHead(rows, 8, [{ name: 'kind', classes: labels, classCount: 3 }], new Uint8Array(labels.length), { ...HEAD_DEFAULTS, epochs: 2, outputLength: 6 });
    expect(run().head.weights).toEqual(run().head.weights);
  });

  it('says what it needs', () => {
    expect(() => trainHead(new Float32Array(8), 4, [{ name: 'one', classes: Int32Array.from([0, 0]), classCount: 1 }], new Uint8Array(2), HEAD_DEFAULTS)).toThrow(/two classes/);
  });
});
