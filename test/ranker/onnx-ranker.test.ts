import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildFeatureRows, FEATURE_COLUMNS } from '../../src/ranker/scoring/feature-table.ts';
import { promoteModel } from '../../src/ranker/registry/model-promotion.ts';
import { ModelRegistry } from '../../src/ranker/registry/model-registry.ts';
import { checkParity, onnxDigestOf, openOnnxRanker } from '../../src/ranker/scoring/onnx-ranker.ts';
import { ServingModels } from '../../src/ranker/registry/serving-models.ts';
import { madeUpRequest } from './inputs.ts';
import { modelOf } from './models.ts';

/** score = 2 * first + 3 * second, made by two-feature-ranker.py. */
const graph = join(import.meta.dirname, '../cases/two-feature-ranker.onnx');
const features = ['log-saves', 'freshness'];
const parity = {
  rows: [
    [1, 10],
    [0, 1],
  ],
  scores: [32, 3],
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onnx-ranker-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The free dimension "n" (dim_param, five bytes) becomes the number 1 (dim_value, a varint of two bytes): nothing else moves. */
function withOneRow(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1').replaceAll('\n\x03\x12\x01n', '\n\x03\x08\x81\x00');
  return Buffer.from(text, 'latin1');
}

describe('ONNX ranker', () => {
  it('is taken in only when it scores as the trainer did', async () => {
    const ranker = await openOnnxRanker('trees', graph, features, onnxDigestOf(graph));
    await checkParity(ranker, features, parity);
    const swapped = { ...parity, rows: parity.rows.map(([a, b]) => [b, a]) };
    await expect(checkParity(ranker, features, swapped)).rejects.toThrow('are the features in the same order?');
    await expect(checkParity(ranker, features, { rows: [[1]], scores: [1] })).rejects.toThrow('2 values');
  });

  it('a graph made for one row, or for a number of rows, is refused before it may be promoted', async () => {
    const fixed = join(folder, 'fixed.onnx');
    writeFileSync(fixed, withOneRow(readFileSync(graph)));
    const one = { rows: [[1, 10]], scores: [32] };
    const ranker = await openOnnxRanker('fixed', fixed, features, onnxDigestOf(fixed));
    await expect(checkParity(ranker, features, one)).rejects.toThrow(
      /cannot score 500 rows at once .*export it with a free first dimension/s,
    );
    await expect(checkParity(ranker, features, parity)).rejects.toThrow(/cannot score the parity rows/);
  });

  it('serves under the same contract, and its one term is its score', async () => {
    const registry = new ModelRegistry(folder);
    const named = features.map((name) => ({ name, weight: 0, normalization: { kind: 'none' } as const }));
    registry.addOnnx({ ...modelOf('trees', named), kind: 'onnx', onnxDigest: onnxDigestOf(graph) }, readFileSync(graph));
    promoteModel(registry, 'trees', { who: 'ada', why: 'try' });
    const models = new ServingModels(registry);
    expect(await models.refresh()).toEqual({ changed: true, serving: 'trees', problem: null });
    const request = madeUpRequest(9, 128);
    const rows = buildFeatureRows(request);
    const inputs = { rows, candidates: request.candidates, visualWeightFactor: 1 };
    const scores = await models.current().score(inputs);
    for (let row = 0; row < 9; row++) {
      const of = (name: string): number => rows.data[row * rows.columns + FEATURE_COLUMNS.indexOf(name)];
      expect(scores[row]).toBeCloseTo(2 * of('log-saves') + 3 * of('freshness'), 4);
      const [term] = await models.current().explain(inputs, row);
      expect(term.contribution).toBe(scores[row]);
    }
  });

  it('a damaged graph is refused and the model before it keeps serving', async () => {
    const registry = new ModelRegistry(folder);
    registry.add(modelOf('m-1'));
    const named = features.map((name) => ({ name, weight: 0, normalization: { kind: 'none' } as const }));
    registry.addOnnx({ ...modelOf('trees', named), kind: 'onnx', onnxDigest: onnxDigestOf(graph) }, readFileSync(graph));
    const bytes = readFileSync(graph);
    bytes[bytes.length >> 1] ^= 1;
    writeFileSync(registry.onnxPathOf('trees'), bytes);
    promoteModel(registry, 'm-1', { who: 'ada', why: 'first' });
    const models = new ServingModels(registry);
    await models.refresh();
    expect(() => promoteModel(registry, 'trees', { who: 'ada', why: 'try' })).toThrow('does not have the digest');
    writeFileSync(join(folder, 'SERVING'), 'trees\n');
    const refreshed = await models.refresh();
    expect(refreshed.serving).toBe('m-1');
    expect(refreshed.problem).toMatch(/The model trees is refused/);
  });
});
