import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { annotationClusters } from '../../src/features/tuning/annotation-clusters.ts';
import { type LabelSet, partsOf, protocolOf, taskOf } from '../../src/features/tuning/label-split.ts';
import { type HeadLoss, layerNorm } from '../../src/features/tuning/projection-head.ts';
import { affineLayer, principalFrame, randomFrame } from '../../src/features/tuning/tuned-layer.ts';
import { job as tuneNet } from '../../src/jobs/nets/tune-net.ts';
import type { TruthFigures } from '../../src/jobs/nets/tuning-figures.ts';
import { plainProduct } from '../math/plain-product.ts';
import { seededRandom } from '../../src/math/random.ts';
import { SILENT } from '../../src/progress.ts';
import { appendLayers } from '../../src/vision/import/append-layers.ts';
import { drawSvg } from '../../src/vision/image-tensor.ts';
import { readNet } from '../../src/vision/net-manifest.ts';
import { openNetSession, shapeOf } from '../../src/vision/onnx-session.ts';
import { probePicture } from '../../src/vision/import/probe-picture.ts';

/** The weaker of the two that ship: what it cannot tell apart can be learned. */
const BUNDLED = fileURLToPath(new URL('../../data/nets/visual-1', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tuned-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('frames', () => {
  const products = (frame: Float32Array, count: number, length: number, a: number, b: number): number => {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += frame[i * length + a] * frame[i * length + b];
    return sum;
  };

  it('a random frame has orthonormal columns', () => {
    const frame = randomFrame(24, 7, 1);
    for (let a = 0; a < 7; a++) for (let b = 0; b < 7; b++) expect(products(frame, 24, 7, a, b)).toBeCloseTo(a === b ? 1 : 0, 5);
  });

  it('principal directions are those along which rows differ', () => {
    const random = seededRandom(2);
    const rows = Float32Array.from({ length: 60 * 3 }, (_, at) => random.normal() * [0.1, 5, 1][at % 3]);
    const frame = principalFrame(rows, 3, 2);
    expect(Math.abs(frame[1])).toBeGreaterThan(0.99);
    expect(Math.abs(frame[5])).toBeGreaterThan(0.98);
  });
});

describe('layers at the end of a net', () => {
  it('give what the arithmetic gives, and leave the old outputs as they were', async () => {
    const base = readNet(BUNDLED);
    const length = base.manifest.outputs.fc6.length as number;
    const random = seededRandom(5);
    const draw = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.normal());
    const code = { role: 'fc6', inputLength: length, outputLength: 48, weights: draw(48 * length), bias: draw(48), unit: false };
    const short = { role: 'embedding', inputLength: length, outputLength: 8, weights: draw(8 * length), bias: draw(8), unit: true };
    const out = join(folder, 'appended');
    const manifest = appendLayers(base, [code, short], out, { name: 'appended' });
    const input = probePicture(base.manifest.input);
    const dims = shapeOf(base.manifest.input, 1);
    const old = await openNetSession(base, { provider: 'cpu' });
    const tuned = await openNetSession(readNet(out), { provider: 'cpu' });
    const [before] = await old.run(input, dims, [base.manifest.outputs.fc6.tensor]);
    const roles = ['untuned', 'fc6', 'embedding'].map((role) => manifest.outputs[role].tensor);
    const [same, bits, embedding] = await tuned.run(input, dims, roles);
    await old.close();
    await tuned.close();
    expect(same.data).toEqual(before.data);
    const norm = Float32Array.from(before.data as Float32Array);
    layerNorm(norm, length);
    const expected = await plainProduct(norm, code.weights, { rows: 1, columns: 48, inner: length, bTransposed: true });
    expected.forEach((value, i) => expect(bits.data[i]).toBeCloseTo(value + code.bias[i], 2));
    expect(Math.hypot(...(embedding.data as Float32Array))).toBeCloseTo(1, 5);
    expect(manifest.outputs.fc6.length).toBe(48);
    // A net that is there may serve, and has features under its digest: only the very same one is written over it.
    expect(appendLayers(base, [code, short], out, { name: 'appended' })).toEqual(manifest);
    expect(() => appendLayers(base, [code], out, { name: 'other' })).toThrow(/holds another net/);
    expect(readNet(out).manifest).toEqual(manifest);
  });

  it('a layer takes the mean off: W (x - mean) = W x + bias', async () => {
    const layer = await affineLayer(Float32Array.of(1, 0, 0, 1, 1, 1), Float32Array.of(2, 0, 0, 3), Float32Array.of(1, 10), plainProduct);
    expect([...layer.weights]).toEqual([2, 0, 0, 3, 2, 3]);
    expect([...layer.bias]).toEqual([-2, -30, -32]);
  });
});

describe('what is learned from and what judges', () => {
  const labels = Array.from({ length: 300 }, (_, row) => [row % 10]);
  const parts = partsOf(
    labels.map((_, row) => `group ${row >> 1}`),
    1,
  );

  it('copies fall into one part, and shares are as stated', () => {
    for (let row = 0; row < 300; row += 2) expect(parts[row]).toBe(parts[row + 1]);
    expect(parts.filter((part) => part === 'test').length / 300).toBeGreaterThan(0.15);
    expect(parts.filter((part) => part === 'train').length / 300).toBeGreaterThan(0.45);
  });

  it('no judged board was learned, and no judged image', () => {
    const boards: LabelSet = { name: 'boards', labels, labelCount: 10, heldOut: 'labels' };
    const learned = new Set(taskOf(boards, parts, 1)?.classes.flatMap((rows) => rows.map((row) => labels[row][0])));
    const protocol = protocolOf(boards, parts, 'test', 1);
    for (const query of protocol?.queries ?? []) {
      expect(parts[query]).toBe('test');
      for (const label of protocol?.labels[query] ?? []) expect(learned.has(label)).toBe(false);
    }
    expect(learned.size).toBeGreaterThan(2);
  });

  it('annotations that mean the same fall into one cluster', () => {
    const rows = Array.from(
      { length: 40 },
      (_, row) =>
        new Map(
          row % 2
            ? [
                ['lamp', 1],
                [`lamp ${row % 3}`, 0.4],
              ]
            : [
                ['bed', 1],
                [`bed ${row % 3}`, 0.4],
              ],
        ) as Map<string, number>,
    );
    const clusters = annotationClusters([...rows, new Map()], [...rows.keys()], 4, 1);
    const kinds = new Map<number, Set<number>>();
    clusters.subarray(0, 40).forEach((cluster, row) => kinds.set(cluster, (kinds.get(cluster) ?? new Set()).add(row % 2)));
    for (const kind of kinds.values()) expect(kind.size).toBe(1);
    expect(clusters[40]).toBe(-1);
  });
});

describe('tune-net', () => {
  /** Discs and squares of any colour, size and place: what is learned is the form. */
  async function draw(into: string): Promise<void> {
    const random = seededRandom(4);
    const colour = (): string => `rgb(${random.integer(200)},${random.integer(200)},${random.integer(200)})`;
    for (let i = 0; i < 80; i++) {
      const [x, y, r] = [14 + random.integer(36), 14 + random.integer(36), 8 + random.integer(6)];
      const form =
        i % 2
          ? `<circle cx="${x}" cy="${y}" r="${r}" fill="${colour()}"/>`
          : `<rect x="${x - r}" y="${y - r}" width="${2 * r}" height="${2 * r}" fill="${colour()}"/>`;
      const place = join(into, i % 2 ? 'disc' : 'square');
      mkdirSync(place, { recursive: true });
      writeFileSync(
        join(place, `${i}.png`),
        await drawSvg(
          `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="64" height="64" fill="${colour()}"/>${form}</svg>`,
        ),
      );
    }
  }

  it('learns from folders, writes an ordinary net, and says what it was before and after', { timeout: 120_000 }, async () => {
    const images = join(folder, 'forms');
    await draw(images);
    const data = join(folder, 'data');
    const run = (name: string, loss: HeadLoss = 'softmax'): Promise<Readonly<Record<string, unknown>>> =>
      tuneNet.run({
        options: { name, images, net: BUNDLED, loss, bits: 128, short: 8, epochs: 2, sample: 1000, threads: 1, seed: 1 },
        args: [],
        config: readConfig({}, { data }),
        dataFolder: data,
        progress: SILENT,
        signal: new AbortController().signal,
      });
    const receipt = await run('by-form');
    const [figures] = receipt.figures as TruthFigures[];
    expect(figures.truth).toBe('label');
    expect(figures.after.code.p10).toBeGreaterThanOrEqual(figures.before.code.p10);
    expect(receipt.agreement).toBeGreaterThan(0.999);
    const net = readNet(join(data, 'nets', 'by-form'));
    expect(net.manifest).toMatchObject({ name: 'by-form', binarization: 'activation > 0', tunedFrom: { name: 'related-pins-visual-1' } });
    expect(net.manifest.outputs.embedding.length).toBe(8);
    await expect(run('by-form')).rejects.toThrow(/holds a net already/);
    // As a run leaves it that was stopped while it measured what it had written: the next one goes on.
    mkdirSync(join(data, 'nets', 'by-form.tuning'));
    expect((await run('by-form')).netDigest).toBe(receipt.netDigest);
    const triplets = await run('by-triplets', 'triplet');
    expect(triplets).toMatchObject({ loss: 'triplet', figures: [{ truth: 'label' }] });
    expect(triplets.netDigest).not.toBe(receipt.netDigest);
    expect(readNet(join(data, 'nets', 'by-triplets')).manifest.tunedFrom).toMatchObject({ loss: 'triplet' });
  });
});
