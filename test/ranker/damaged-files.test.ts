import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { reasonOf, ServiceError } from '../../src/errors.ts';
import { readLetor } from '../../src/ranker/exchange/letor-reader.ts';
import type { ModelFeature } from '../../src/ranker/scoring/linear-model.ts';
import { exportModel, importModel } from '../../src/ranker/exchange/model-exchange.ts';
import { promoteModel, rollBackModel } from '../../src/ranker/registry/model-promotion.ts';
import { ModelRegistry } from '../../src/ranker/registry/model-registry.ts';
import { checkParity, onnxDigestOf, openOnnxRanker } from '../../src/ranker/scoring/onnx-ranker.ts';
import { ServingModels } from '../../src/ranker/registry/serving-models.ts';
import { modelOf } from './models.ts';

const graph = join(import.meta.dirname, '../cases/two-feature-ranker.onnx');
const decision = { who: 'ada', why: 'a test' };
const features: readonly ModelFeature[] = [
  { name: 'log-saves', weight: 0.1 + 0.2, normalization: { kind: 'standard', mean: 1 / 3, deviation: 2 / 7 } },
  { name: 'freshness', weight: -1.25, normalization: { kind: 'min-max', min: 0.1, max: 0.7 } },
];

/** One bit of a file flipped, cut short, or a stretch overwritten. */
const damage = (length: number) =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('flip' as const), bit: fc.integer({ min: 0, max: length * 8 - 1 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('cut' as const), at: fc.integer({ min: 0, max: length - 1 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('zero' as const), at: fc.integer({ min: 0, max: length - 1 }) }),
    },
  );
type Damage = { kind: 'flip'; bit: number } | { kind: 'cut'; at: number } | { kind: 'zero'; at: number };

function damaged(bytes: Buffer, how: Damage): Buffer {
  if (how.kind === 'cut') return bytes.subarray(0, how.at);
  const copy = Buffer.from(bytes);
  if (how.kind === 'flip') copy[how.bit >> 3] ^= 1 << (how.bit & 7);
  else copy.fill(0, how.at, Math.min(copy.length, how.at + 8));
  return copy;
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'damaged-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a damaged file is refused by name, and the serving model is untouched', () => {
  it('model files: neither promoted nor taken up', async () => {
    const registry = new ModelRegistry(folder);
    registry.add(modelOf('good', features));
    registry.add(modelOf('next', features));
    promoteModel(registry, 'good', decision);
    const bytes = readFileSync(registry.pathOf('next'));
    await fc.assert(
      fc.asyncProperty(damage(bytes.length), async (how) => {
        writeFileSync(registry.pathOf('next'), damaged(bytes, how));
        expect(() => promoteModel(registry, 'next', { ...decision, force: true })).toThrow(/The model next is refused/);
        const models = new ServingModels(registry);
        await models.refresh();
        writeFileSync(join(folder, 'SERVING'), 'next\n');
        const { serving, problem } = await models.refresh();
        writeFileSync(join(folder, 'SERVING'), 'good\n');
        expect(serving).toBe('good');
        expect(problem).toMatch(/The model next is refused/);
      }),
      { seed: 1, numRuns: 300 },
    );
    expect(registry.history().filter(({ model }) => model === 'next')).toEqual([]);
    expect(registry.list().find(({ name }) => name === 'next')?.problem).toMatch(/refused/);
  });

  it('graphs of imported nets, beside an unharmed record', () => {
    const registry = new ModelRegistry(folder);
    const named = features.map(({ name }) => ({ name, weight: 0, normalization: { kind: 'none' } as const }));
    const bytes = readFileSync(graph);
    registry.addOnnx({ ...modelOf('trees', named), kind: 'onnx', onnxDigest: onnxDigestOf(graph) }, bytes);
    fc.assert(
      fc.property(damage(bytes.length), (how) => {
        writeFileSync(registry.onnxPathOf('trees'), damaged(bytes, how));
        expect(() => promoteModel(registry, 'trees', { ...decision, force: true })).toThrow(/The model trees is refused/);
      }),
      { seed: 2, numRuns: 300 },
    );
    rmSync(registry.onnxPathOf('trees'));
    expect(() => promoteModel(registry, 'trees', decision)).toThrow(/The model trees is refused/);
    expect(registry.roles().serving).toBe('starter');
  });

  it('graphs that were damaged before they were imported: refused, or they score as the trainer did', async () => {
    const bytes = readFileSync(graph);
    const parity = {
      rows: [
        [1, 10],
        [0, 1],
        [3, -2],
      ],
      scores: [32, 3, 0],
    };
    const names = ['log-saves', 'freshness'];
    const path = join(folder, 'damaged.onnx');
    await fc.assert(
      fc.asyncProperty(damage(bytes.length), async (how) => {
        writeFileSync(path, damaged(bytes, how));
        try {
          await checkParity(await openOnnxRanker('damaged', path, names, onnxDigestOf(path)), names, parity);
        } catch (error) {
          expect(error, reasonOf(error)).toBeInstanceOf(ServiceError);
        }
      }),
      { seed: 3, numRuns: 150 },
    );
  });

  it.each(['json', 'solr', 'opensearch'] as const)('%s: refused, or nothing that counts was changed', (format) => {
    const document = exportModel('m', features, format);
    const bytes = Buffer.from(JSON.stringify(document, null, 1));
    const read = (given: Buffer): readonly ModelFeature[] | null => {
      try {
        return importModel(JSON.parse(given.toString('utf8')), 'm');
      } catch (error) {
        if (!(error instanceof SyntaxError)) expect(reasonOf(error)).toMatch(/^The model m is refused: /);
        return null;
      }
    };
    expect(read(bytes)).toEqual(features);
    fc.assert(
      fc.property(damage(bytes.length), (how) => {
        const found = read(damaged(bytes, how));
        if (found !== null && format !== 'opensearch') expect(found).toEqual(features);
        // That format has no place for a digest: what is read is at least a whole model.
        for (const { name, weight } of found ?? []) expect([name.length > 0, Number.isFinite(weight)]).toEqual([true, true]);
      }),
      { seed: 4, numRuns: 1500 },
    );
  });

  it('LETOR files and group sizes: refused with file and line, or every number is finite and every row in a list', async () => {
    const rows = Array.from(
      { length: 40 },
      (_, row) => `${row % 5} qid:${row >> 3} 1:${row / 7} 2:${-row * 0.25} 40:1e-${row} # row ${row}\n`,
    );
    const bytes = Buffer.from(rows.join(''));
    const path = join(folder, 'rows.txt');
    await fc.assert(
      fc.asyncProperty(damage(bytes.length), async (how) => {
        writeFileSync(path, damaged(bytes, how));
        await refusedOrWhole(path);
      }),
      { seed: 5, numRuns: 400 },
    );
    writeFileSync(path, Buffer.from(rows.map((row) => row.replace(/qid:\d+ /, '')).join('')));
    const sizes = Buffer.from('8\n8\n8\n8\n8\n');
    await fc.assert(
      fc.asyncProperty(damage(sizes.length), async (how) => {
        writeFileSync(`${path}.query`, damaged(sizes, how));
        await refusedOrWhole(path);
      }),
      { seed: 6, numRuns: 100 },
    );
  });

  it('pointers of the registry: what names no usable model changes nothing', async () => {
    const registry = new ModelRegistry(folder);
    registry.add(modelOf('good', features));
    registry.add(modelOf('better', features));
    promoteModel(registry, 'good', decision);
    promoteModel(registry, 'better', decision);
    const models = new ServingModels(registry);
    await models.refresh();
    for (const text of ['', 'gone\n', '../good\n', '\u0000\n', 'x'.repeat(5000)]) {
      writeFileSync(join(folder, 'SERVING'), text);
      expect((await models.refresh()).serving).toBe('better');
      expect(models.problem).toMatch(/There is no model/);
    }
    for (const text of ['better\n', 'better 2x\n', '-1', '\u0000 1']) {
      writeFileSync(join(folder, 'CANARY'), text);
      await models.refresh();
      expect(models.currentFor('u1').name).toBe('better');
    }
    writeFileSync(join(folder, 'AUDIT.jsonl'), readFileSync(join(folder, 'AUDIT.jsonl'), 'utf8').slice(0, -20), 'utf8');
    promoteModel(registry, 'better', decision);
    // The way back leads past what stood in the pointer, to the last model that can serve.
    expect(rollBackModel(registry, decision).model).toBe('starter');
  });
});

async function refusedOrWhole(path: string): Promise<void> {
  try {
    const { rows, grades, listStart } = await readLetor(path, { apart: 'group' });
    expect(listStart[listStart.length - 1]).toBe(grades.length);
    expect(grades.every((grade) => grade >= 0 && Number.isFinite(grade))).toBe(true);
    expect((rows.kind === 'dense' ? rows.data : rows.values).every((value) => Number.isFinite(value))).toBe(true);
  } catch (error) {
    expect(error, reasonOf(error)).toBeInstanceOf(ServiceError);
    expect(['LETOR_REFUSED', 'CATALOG_FILE_UNREADABLE']).toContain((error as ServiceError).code);
  }
}
