import { describe, expect, it } from 'vitest';
import { join } from 'node:path';
import { readCheckpoint, writeCheckpoint } from '../../src/features/tuning/head-checkpoint.ts';
import {
  HEAD_DEFAULTS,
  type HeadSettings,
  type HeadTraining,
  layerNorm,
  prepareRows,
  softmaxGradients,
  trainHead,
} from '../../src/features/tuning/projection-head.ts';
import { semiHardTriplets, tripletGradients } from '../../src/features/tuning/triplet-loss.ts';
import { plainProduct } from '../math/plain-product.ts';
import { seededRandom } from '../../src/math/random.ts';
import { dot, norm } from '../../src/math/vector.ts';
import { openOnnxProduct } from '../../src/vision/import/onnx-product.ts';
import { temporaryFolder } from '../world.ts';

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

function precisionAt1(z: Float32Array, labels: Int32Array, length: number, queries: readonly number[]): number {
  const at = (row: number): Float32Array => z.subarray(row * length, (row + 1) * length);
  let hits = 0;
  for (const q of queries) {
    let best = -1;
    let bestCosine = Number.NEGATIVE_INFINITY;
    for (let row = 0; row < labels.length; row++) {
      if (row === q) continue;
      const value = dot(at(q), at(row)) / (norm(at(q)) * norm(at(row)));
      if (value > bestCosine) [best, bestCosine] = [row, value];
    }
    if (labels[best] === labels[q]) hits++;
  }
  return hits / queries.length;
}

const SMALL = { ...HEAD_DEFAULTS, epochs: 8, classesPerBatch: 5 };

/** A training on rows of five kinds; every fifth row only measures. */
function training(settings: HeadSettings = SMALL): { given: HeadTraining; judged: (weights: Float32Array) => Promise<number> } {
  const length = 16;
  const { rows, labels } = kinds(5, 40, length, 1);
  const judging = [...labels.keys()].filter((row) => row % 7 === 0);
  const learning = [...labels.keys()].filter((row) => row % 7 !== 0);
  const prepared = prepareRows(rows, length, learning);
  const classes = [0, 1, 2, 3, 4].map((label) => learning.filter((row) => labels[row] === label));
  const judged = async (weights: Float32Array): Promise<number> => {
    const shape = { rows: labels.length, columns: length, inner: length, bTransposed: true };
    return precisionAt1(await plainProduct(prepared.rows, weights, shape), labels, length, judging);
  };
  const given = { rows: prepared.rows, length, tasks: [{ name: 'kind', classes }], settings, product: plainProduct, measure: judged };
  return { given, judged };
}

describe('projection head', () => {
  it('layer norm leaves mean 0 and variance 1, and the training rows get the mean 0', () => {
    const row = Float32Array.from([1, 2, 3, 6]);
    layerNorm(row, 4);
    expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(0, 5);
    expect(row.reduce((a, b) => a + b * b, 0) / 4).toBeCloseTo(1, 4);
    const { rows } = prepareRows(Float32Array.from([1, 2, 3, 6, 9, 1, 4, 2]), 4, [0, 1]);
    for (let i = 0; i < 4; i++) expect(rows[i] + rows[4 + i]).toBeCloseTo(0, 5);
  });

  it('gradients agree with finite differences', async () => {
    const random = seededRandom(4);
    const z = Float32Array.from({ length: 3 * 5 }, () => random.normal());
    const proxies = Float32Array.from({ length: 4 * 5 }, () => random.normal());
    const gradients = () => softmaxGradients(z, proxies, [0, 2, 3], 5, 0.5, plainProduct);
    const { dz, dProxies } = await gradients();
    const check = async (values: Float32Array, gradient: Float32Array): Promise<void> => {
      for (let i = 0; i < values.length; i++) {
        const kept = values[i];
        values[i] = kept + 1e-2;
        const up = (await gradients()).loss;
        values[i] = kept - 1e-2;
        const down = (await gradients()).loss;
        values[i] = kept;
        expect(gradient[i]).toBeCloseTo((up - down) / 2e-2, 2);
      }
    };
    await check(z, dz);
    await check(proxies, dProxies);
  });

  it('gradients of triplets agree with finite differences, where the triplets stay the same', async () => {
    const random = seededRandom(6);
    const labels = [0, 0, 1, 1, 2, 2];
    const z = Float32Array.from({ length: labels.length * 5 }, () => random.normal());
    // A wide margin: each triplet counts, so the loss has no corner within a step.
    const gradients = () => tripletGradients(z, labels, 5, 4, plainProduct);
    const { dz, loss } = await gradients();
    expect(loss).toBeGreaterThan(0);
    for (let i = 0; i < z.length; i++) {
      const kept = z[i];
      z[i] = kept + 2e-3;
      const up = (await gradients()).loss;
      z[i] = kept - 2e-3;
      const down = (await gradients()).loss;
      z[i] = kept;
      expect(dz[i], `place ${i}`).toBeCloseTo((up - down) / 4e-3, 2);
    }
  });

  it('mines the nearest negative that is further than the positive, else the furthest; triplets that hold cost nothing', async () => {
    // Row 0 asks: its positive 1 has the cosine 0.5, the others 0.9, 0.4, 0.1 are of other labels.
    const cosines = Float32Array.of(1, 0.5, 0.9, 0.4, 0.1, ...new Array<number>(20).fill(0));
    expect(semiHardTriplets(cosines, [0, 0, 1, 2, 3])[0]).toEqual([0, 1, 3]);
    const none = Float32Array.of(1, 0.5, 0.9, 0.8, 0.7, ...new Array<number>(20).fill(0));
    expect(semiHardTriplets(none, [0, 0, 1, 2, 3])[0]).toEqual([0, 1, 4]);
    expect(semiHardTriplets(cosines, [0, 0, 0, 0, 0])).toEqual([]);
    const apart = Float32Array.of(1, 0, 2, 0, 0, 1, 0, 3);
    expect(await tripletGradients(apart, [0, 0, 1, 1], 2, 0.2, plainProduct)).toEqual({ loss: 0, dz: new Float32Array(8) });
  });

  it('finds the dimensions that matter with triplets, too', async () => {
    const { given, judged } = training({ ...SMALL, loss: 'triplet', learningRate: 0.3 });
    const { trace, best } = await trainHead(given);
    expect(await judged(best)).toBeGreaterThan(trace[0].measure + 0.15);
    expect(trace.at(-1)?.trainLoss).toBeLessThan(trace[1].trainLoss);
  });

  it('finds the dimensions that matter: precision@1 on rows it never saw rises well above the frozen features', async () => {
    const { given, judged } = training();
    const { trace, best } = await trainHead(given);
    expect(await judged(best)).toBeGreaterThan(trace[0].measure + 0.15);
  });

  it('same seed, same bits, also when stopped and gone on with from its file', async () => {
    const whole = await trainHead(training().given);
    const file = join(temporaryFolder(), 'head');
    const half = await trainHead({ ...training().given, onEpoch: ({ epoch }) => epoch < 3 });
    writeCheckpoint(file, 'key', half);
    expect(readCheckpoint(file, 'another')).toBeNull();
    const resume = readCheckpoint(file, 'key') ?? undefined;
    const rest = await trainHead({ ...training().given, resume });
    expect(half.epoch).toBe(3);
    expect(rest.best).toEqual(whole.best);
    expect(rest.trace).toEqual(whole.trace);
  });

  it('says what it needs', async () => {
    const { given } = training();
    await expect(trainHead({ ...given, tasks: [{ name: 'one', classes: [[0, 1]] }] })).rejects.toThrow(/two classes/);
  });
});

describe('matrix products', () => {
  const random = seededRandom(3);
  const draw = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.normal());
  const ways = [false, true].flatMap((aTransposed) => [false, true].map((bTransposed) => ({ aTransposed, bTransposed })));

  it.each(ways)('onnxruntime gives what the plain twin gives: %o', async (way) => {
    const { product, close } = openOnnxProduct(1);
    const shape = { rows: 7, columns: 5, inner: 33, ...way };
    const [a, b] = [draw(7 * 33), draw(33 * 5)];
    const plain = await plainProduct(a, b, shape);
    (await product(a, b, shape)).forEach((value, at) => expect(value).toBeCloseTo(plain[at], 4));
    await close();
  });

  it('refuses factors of another size', async () => {
    await expect(plainProduct(draw(5), draw(6), { rows: 2, columns: 2, inner: 3 })).rejects.toThrow(/a: expected 2 x 3/);
  });
});
