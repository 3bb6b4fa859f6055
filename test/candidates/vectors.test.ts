import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GraphDraft } from '../../src/candidates/vectors/graph-draft.ts';
import { npyRows } from '../../src/candidates/vectors/npy.ts';
import { buildGraph, collectVectors, measureGraph, writeVectors } from '../../src/candidates/vectors/vector-build.ts';
import { type VectorRow, vectorRows } from '../../src/candidates/vectors/vector-rows.ts';
import { exactNearest, vectorFolder, vectorNames, VectorSet, type VectorTable } from '../../src/candidates/vectors/vector-set.ts';
import { VectorNeighbors } from '../../src/candidates/vectors/vector-neighbors.ts';
import { DEFAULT_HNSW, whyNoGraph } from '../../src/candidates/visual/hnsw-index.ts';
import { seededRandom } from '../../src/math/random.ts';
import { cosine, dot } from '../../src/math/vector.ts';
import { SILENT } from '../../src/progress.ts';
import { npyBytes } from '../npy.ts';
import { temporaryFolder } from '../world.ts';

const watch = { progress: SILENT, signal: new AbortController().signal };
const skipsGraph = whyNoGraph() !== null;

const graphOf = async (table: VectorTable, options = DEFAULT_HNSW) => (await buildGraph(table, options, watch)).index;

async function* given(rows: readonly VectorRow[]): AsyncGenerator<VectorRow> {
  yield* rows;
}

const rowsOf = (vectors: readonly (readonly number[])[]): VectorRow[] =>
  vectors.map((vector, at) => ({ line: at + 1, id: String(at), vector }));
const collect = (rows: readonly VectorRow[], metric: 'cosine' | 'dot' = 'cosine', known = (id: string) => Number(id)) =>
  collectVectors('file.npy', given(rows), metric, known, watch);

/** A few hundred random vectors of pins 0, 3, 6, ... */
function randomTable(metric: 'cosine' | 'dot', count = 300, dimensions = 12): VectorTable {
  const random = seededRandom(8);
  const data = new Float32Array(count * dimensions);
  for (let row = 0; row < count; row++) {
    const vector = Array.from({ length: dimensions }, () => random.normal());
    const length = metric === 'cosine' ? Math.sqrt(dot(vector, vector)) : 1;
    vector.forEach((value, d) => (data[row * dimensions + d] = value / length));
  }
  return { metric, dimensions, pinIndexes: Int32Array.from({ length: count }, (_, row) => 3 * row), data };
}

describe('vectors as they are collected', () => {
  it('stand in the order of the pins, at length 1 under cosine and as they came under dot; unknown, repeated and zero rows are counted', async () => {
    const rows = [
      { line: 1, id: '5', vector: [3, 4] },
      { line: 2, id: 'nobody', vector: [1, 1] },
      { line: 3, id: '2', vector: [0, 2] },
      { line: 4, id: '5', vector: [8, 6] },
      { line: 5, id: '7', vector: [0, 0] },
    ];
    const known = (id: string): number => (id === 'nobody' ? -1 : Number(id));
    const { table, ...counts } = await collect(rows, 'cosine', known);
    expect([...table.pinIndexes]).toEqual([2, 5]);
    expect([...table.data].map((value) => Math.round(value * 1e6) / 1e6)).toEqual([0, 1, 0.8, 0.6]);
    expect(counts).toEqual({ read: 5, unknown: 1, unknownIds: ['nobody'], repeated: 1, zeros: 1 });
    const plain = await collect(rows, 'dot', known);
    expect([...plain.table.data]).toEqual([0, 2, 8, 6, 0, 0]);
    expect(plain.zeros).toBe(0);
  });

  it('of another length, or with what is no number, refuse the file by row and pin', async () => {
    const bad: readonly (readonly [ArrayLike<number>, string])[] = [
      [[1, 2, 3], 'the vector of pin 1 has 3 numbers, the first one has 2 (line 2)'],
      [[1], 'has 1 numbers'],
      [[1, Number.NaN], 'the vector of pin 1 holds NaN at place 2'],
      [[Number.POSITIVE_INFINITY, 1], 'holds Infinity at place 1'],
      [[1e300, 1], 'no number of 32 bits'],
      [['1', 2] as never, 'holds 1 at place 1'],
      [[null, 2] as never, 'holds null at place 1'],
    ];
    for (const [vector, message] of bad) {
      const rows = [
        { line: 1, id: '0', vector: [1, 2] },
        { line: 2, id: '1', vector },
      ];
      const failed = await collect(rows).catch((error: unknown) => error);
      expect(failed).toMatchObject({ code: 'CATALOG_FILE_UNREADABLE', message: expect.stringContaining(message) });
    }
    expect(await collect([{ line: 1, id: '0', vector: [] }]).catch((error: unknown) => error)).toMatchObject({
      code: 'CATALOG_FILE_UNREADABLE',
    });
  });

  it('stop when asked to', async () => {
    const stopped = AbortSignal.abort();
    const work = collectVectors('f', given(rowsOf([[1, 2]])), 'cosine', Number, { progress: SILENT, signal: stopped });
    await expect(work).rejects.toMatchObject({ code: 'JOB_STOPPED' });
  });
});

describe('a set of vectors', () => {
  it.each(['cosine', 'dot'] as const)(
    'finds what the plain formula finds, by comparing all and (mostly) by the graph: %s',
    async (metric) => {
      const table = randomTable(metric);
      const root = temporaryFolder();
      const folder = vectorFolder(root, 'random');
      const index = skipsGraph ? null : await graphOf(table);
      await writeVectors(folder, table, index && { index, options: DEFAULT_HNSW }, { name: 'random', source: 'test' });
      const set = (await VectorSet.open(folder))!;
      expect([set.name, set.version, set.graphProblem]).toEqual(['random', '000001', null]);
      const vectorOf = (pin: number): Float32Array => table.data.subarray((pin / 3) * 12, (pin / 3 + 1) * 12);
      const truth = [...table.pinIndexes]
        .filter((pin) => pin !== 6)
        .map((pin) => [pin, dot(vectorOf(pin), vectorOf(6))] as const)
        .sort((a, b) => b[1] - a[1]);
      const exact = exactNearest(table, vectorOf(6), 11);
      expect([...exact.pinIndexes].filter((pin) => pin !== 6).slice(0, 10)).toEqual(truth.slice(0, 10).map(([pin]) => pin));
      const source = new VectorNeighbors(set);
      expect(source.name).toBe('vectors-random');
      const found = source.propose({ pinIndex: 6, code: null }, 10);
      expect(found.pinIndexes).toHaveLength(10);
      expect(found.pinIndexes).not.toContain(6);
      const shared = [...found.pinIndexes].filter((pin) => truth.slice(0, 10).some(([other]) => other === pin));
      expect(shared.length).toBeGreaterThanOrEqual(9);
      found.pinIndexes.forEach((pin, at) => expect(found.scores[at]).toBeCloseTo(dot(vectorOf(pin), vectorOf(6)), 5));
      const cosines = new Float32Array(3);
      set.cosinesInto(6, Int32Array.of(9, 10, 6), 3, cosines);
      expect(cosines[0]).toBeCloseTo(cosine(vectorOf(9), vectorOf(6)), 5);
      expect(cosines[1]).toBeNaN();
      expect(cosines[2]).toBeCloseTo(1, 5);
      for (const missing of [7, -1, 100_000]) {
        expect(source.propose({ pinIndex: missing, code: null }, 10).pinIndexes).toHaveLength(0);
        set.cosinesInto(missing, Int32Array.of(6), 1, cosines);
        expect(cosines[0]).toBeNaN();
      }
    },
  );

  it('answers exactly without a graph', async () => {
    const table = randomTable('cosine', 40);
    const folder = vectorFolder(temporaryFolder(), 'plain');
    await writeVectors(folder, table, null, { name: 'plain', source: 'test' });
    const set = (await VectorSet.open(folder))!;
    expect(set.metadata.graph).toBe(null);
    const query = table.data.subarray(24, 36);
    expect(set.nearest(query, 7)).toEqual(exactNearest(table, query, 7));
  });

  it.skipIf(skipsGraph)('measures its graph against the exact scan: a graph that was built too narrow finds less', async () => {
    const table = randomTable('cosine', 3000, 32);
    const good = measureGraph(table, await graphOf(table), 50, [10, 100]);
    const poor = measureGraph(table, await graphOf(table, { links: 2, buildBreadth: 2, searchBreadth: 1, seed: 1 }), 50, [10, 100]);
    expect(good.recall['10']).toBeGreaterThan(0.95);
    expect(poor.recall['10']).toBeLessThan(good.recall['10'] - 0.2);
    expect(good.queries).toBe(50);
    expect(measureGraph(randomTable('cosine', 5), await graphOf(randomTable('cosine', 5)), 50, [10, 100]).recall).toEqual({});
  });

  it.skipIf(skipsGraph)('a build that is stopped goes on where it was, for the same vectors and options only', async () => {
    const table = randomTable('cosine', 3000);
    const folder = temporaryFolder();
    const stop = new AbortController();
    const stopping = { ...SILENT, update: (done: number) => done >= 1000 && stop.abort() };
    const draft = new GraphDraft(folder, table, DEFAULT_HNSW);
    await expect(buildGraph(table, DEFAULT_HNSW, { progress: stopping, signal: stop.signal }, draft)).rejects.toMatchObject({
      code: 'JOB_STOPPED',
    });
    const other = randomTable('cosine', 2999);
    expect(await new GraphDraft(folder, other, DEFAULT_HNSW).open()).toBe(null);
    expect(await new GraphDraft(folder, table, { ...DEFAULT_HNSW, links: 8 }).open()).toBe(null);
    const { index, resumedRows } = await buildGraph(table, DEFAULT_HNSW, watch, new GraphDraft(folder, table, DEFAULT_HNSW));
    expect(resumedRows).toBe(1001);
    expect(index.count).toBe(3000);
    expect(measureGraph(table, index, 100, [10]).recall['10']).toBeGreaterThan(0.95);
    const [graph] = readdirSync(folder).filter((name) => name.includes('hnsw'));
    writeFileSync(join(folder, graph), readFileSync(join(folder, graph)).subarray(8));
    expect(await draft.open()).toBe(null);
    draft.discard();
    expect(readdirSync(folder)).toEqual([]);
  });

  it.skipIf(skipsGraph)('a damaged or missing graph is never given to the library: all vectors are compared, and it says so', async () => {
    const root = temporaryFolder();
    const folder = vectorFolder(root, 'a');
    const table = randomTable('cosine', 50);
    const index = await graphOf(table);
    await writeVectors(folder, table, { index, options: DEFAULT_HNSW }, { name: 'a', source: 'test' });
    const whole = (await VectorSet.open(folder))!;
    const graph = join(folder.folder, whole.metadata.graph!.file);
    const bytes = readFileSync(graph);
    bytes[bytes.length >> 1] ^= 255;
    writeFileSync(graph, bytes);
    const damaged = (await VectorSet.open(folder))!;
    expect(damaged.graphProblem).toContain('has the digest');
    const query = table.data.subarray(0, 12);
    expect([...damaged.nearest(query, 5).pinIndexes]).toEqual([...exactNearest(table, query, 5).pinIndexes]);
  });

  it.skipIf(skipsGraph)('keeps the graphs of the versions that are kept, and no other', async () => {
    const root = temporaryFolder();
    const folder = vectorFolder(root, 'a');
    for (let n = 1; n <= 4; n++) {
      const table = randomTable('cosine', 10 * n);
      const index = await graphOf(table);
      await writeVectors(folder, table, { index, options: DEFAULT_HNSW }, { name: 'a', source: 'test' });
    }
    const files = readdirSync(folder.folder);
    expect(files.filter((name) => name.endsWith('.bin')).sort()).toEqual(['000003.bin', '000004.bin']);
    expect(files.filter((name) => name.endsWith('.hnsw'))).toHaveLength(2);
    expect((await VectorSet.open(folder))!.pinIndexes).toHaveLength(40);
    expect(vectorNames(root)).toEqual({ imported: ['a'], ofNets: [] });
  });
});

describe('files of vectors', () => {
  const read = async (file: string, ids?: string) => {
    const rows: [string, number[]][] = [];
    for await (const { id, vector } of vectorRows(file, ids)) rows.push([id, Array.from(vector)]);
    return rows;
  };
  const wanted = [
    ['a', [1.5, -2, 0.25]],
    ['b 2', [0, 4, 8]],
  ];
  const flat = [1.5, -2, 0.25, 0, 4, 8];

  it.each(['f2', 'f4', 'f8'] as const)('.npy of %s with ids beside it', async (type) => {
    const folder = temporaryFolder();
    const file = join(folder, 'v.npy');
    writeFileSync(file, npyBytes(type, flat, 3));
    writeFileSync(join(folder, 'v.ids'), 'a\nb 2\n');
    expect(await read(file)).toEqual(wanted);
    writeFileSync(join(folder, 'other.json'), '["a", "b 2"]');
    expect(await read(file, join(folder, 'other.json'))).toEqual(wanted);
  });

  it('.npy as NumPy writes it', () => {
    const file = join(temporaryFolder(), 'n.npy');
    try {
      execFileSync('python3', ['-c', `import numpy; numpy.save(${JSON.stringify(file)}, numpy.arange(6, dtype='<f4').reshape(2, 3))`], {
        stdio: 'pipe',
      });
    } catch {
      return; // No NumPy here; the bytes above follow its description of the format.
    }
    expect([...npyRows(file)].map((row) => [...row])).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
  });

  it('JSON Lines, lists and their other names', async () => {
    const folder = temporaryFolder();
    const lines = join(folder, 'v.jsonl');
    writeFileSync(lines, '{"id":"a","vector":[1.5,-2,0.25]}\n{"pinId":"b 2","embedding":[0,4,8]}\n');
    expect(await read(lines)).toEqual(wanted);
    const whole = join(folder, 'v.json');
    writeFileSync(
      whole,
      JSON.stringify([
        { id: 'a', vector: [1.5, -2, 0.25] },
        { id: 'b 2', vector: [0, 4, 8] },
      ]),
    );
    expect(await read(whole)).toEqual(wanted);
  });

  it('refuses by name what it cannot read', async () => {
    const folder = temporaryFolder();
    const put = (name: string, content: string | Uint8Array): string => {
      const file = join(folder, name);
      writeFileSync(file, content);
      return file;
    };
    const problem = async (file: string, ids?: string): Promise<string> =>
      (await read(file, ids).catch((error: Error) => error)).toString();
    const npy = npyBytes('f4', flat, 3);
    expect(await problem(put('x.csv', 'id,vector'))).toContain('must end in .npy, .parquet, .jsonl or .json');
    expect(await problem(put('alone.npy', npy))).toContain('--ids FILE');
    const ids = put('few.txt', 'a\n');
    expect(await problem(put('w.npy', npy), ids)).toContain('more rows than');
    expect(await problem(put('w2.npy', npy), put('many.txt', 'a\nb\nc\n'))).toContain('3 ids');
    expect(await problem(put('cut.npy', npy.subarray(0, npy.length - 4)), put('two.txt', 'a\nb'))).toContain('bytes');
    expect(await problem(put('text.npy', 'hello there, no array'), ids)).toContain('does not begin like a .npy');
    expect(await problem(put('int.npy', npyBytes('i8' as never, flat, 3)), ids)).toContain('must be floats');
    expect(await problem(put('fortran.npy', npyBytes('f4', flat, 3, true)), ids)).toContain('column by column');
    expect(await problem(put('a.jsonl', '{"vector":[1]}'))).toContain('has no id');
    expect(await problem(put('b.jsonl', '{"id":"a"}'))).toContain('no list of numbers');
    expect(await problem(put('c.jsonl', '{"id":"a","vector":[1]}\n{broken'))).toContain('cannot be read');
    expect(await problem(join(folder, 'absent.jsonl'))).toContain('cannot be read');
  });
});
