import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLetor } from '../../src/ranker/exchange/letor-reader.ts';
import { letorLines } from '../../src/ranker/exchange/letor-writer.ts';
import { columnStatistics, listMatrix, sliceLists } from '../../src/ranker/training/ranking-data.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'letor-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(text: string, query?: string): string {
  const path = join(folder, `${Math.random()}.txt`);
  writeFileSync(path, text);
  if (query !== undefined) writeFileSync(`${path}.query`, query);
  return path;
}

describe('LETOR reader', () => {
  it('reads labels, queries, sparse values and comments', async () => {
    const data = await readLetor(file('# head\n2 qid:7 1:0.5 3:-2e-1 # good\n\n0 qid:7\r\n1 qid:b 2:3'));
    expect(data.names).toEqual(['1', '2', '3']);
    expect(data.queryIds).toEqual(['7', 'b']);
    expect([...data.listStart]).toEqual([0, 2, 3]);
    expect([...data.grades]).toEqual([2, 0, 1]);
    expect([...listMatrix(data, 0).data]).toEqual([0.5, 0, Math.fround(-0.2), 0, 0, 0]);
    expect([...listMatrix(data, 1).data]).toEqual([0, 3, 0]);
  });

  it('reads group sizes from FILE.query when rows have no qid', async () => {
    const data = await readLetor(file('1 1:1\n0 1:2\n2 1:3\n', '2\n1\n'));
    expect([...data.listStart]).toEqual([0, 2, 3]);
    await expect(readLetor(file('1 1:1\n0 1:2\n', '1\n'))).rejects.toThrow('line 2: ');
    await expect(readLetor(file('1 1:1\n', '2\n'))).rejects.toThrow('ask for 1 more rows');
  });

  it('groups queries that lie apart when asked, and refuses them otherwise', async () => {
    const text = '1 qid:1 1:1\n2 qid:2 1:2\n3 qid:1 1:3\n';
    await expect(readLetor(file(text))).rejects.toThrow('line 3: query 1 was met before');
    const data = await readLetor(file(text), { apart: 'group' });
    expect([...data.grades]).toEqual([1, 3, 2]);
    expect([...listMatrix(data, 0).data]).toEqual([1, 3]);
  });

  it.each([
    ['1 qid:1 1:nan', 'line 1: the value of 1 is "nan"'],
    ['1 qid:1 1:inf', 'not a finite number'],
    ['1 qid:1 2:1 2:3', 'index 2 comes after 2'],
    ['1 qid:1 x', '"x" is not index:value'],
    ['-1 qid:1 1:1', 'the label is -1'],
    ['good qid:1 1:1', 'the label is "good"'],
    ['0 qid:1 1:1\n1 1:1', 'line 2: the row has no qid'],
    ['# nothing', 'there is no row'],
    ['1 qid:1 1:', 'the value of 1 is ""'],
  ])('refuses %j with the line', async (text, reason) => {
    await expect(readLetor(file(text))).rejects.toThrow(reason);
  });

  it('reads back what was written, to the bit', async () => {
    const row = fc.tuple(
      fc.integer({ min: 0, max: 4 }),
      fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 3, maxLength: 3 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(row, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }), async (lists) => {
        const flat = lists.flat();
        const listStart = Int32Array.from([0, ...lists.map((_, at) => lists.slice(0, at + 1).flat().length)]);
        const values = Float32Array.from(
          flat.flatMap(([, numbers]) => numbers),
          (value) => value + 0 || 0,
        );
        const data = {
          names: ['1', '2', '3'],
          rows: { kind: 'dense' as const, data: values },
          grades: Float32Array.from(flat, ([grade]) => grade),
          listStart,
        };
        // A first list that uses every column keeps their number.
        const all = '0 qid:all 1:1 2:1 3:1\n';
        const read = await readLetor(file(all + [...letorLines(data)].join('')));
        const rest = sliceLists(read, 1, lists.length + 1);
        expect([...rest.grades]).toEqual([...data.grades]);
        lists.forEach((_, list) => expect([...listMatrix(rest, list).data]).toEqual([...listMatrix(data, list).data]));
      }),
      { seed: 2, numRuns: 60 },
    );
  });

  it('gives sparse and dense rows the same statistics', async () => {
    const sparse = await readLetor(file(`1 qid:1 1:2 40:1\n0 qid:1 3:4\n0 qid:1\n`));
    expect(sparse.rows.kind).toBe('sparse');
    const [first] = columnStatistics(sparse);
    expect(first.mean).toBeCloseTo(2 / 3, 12);
    expect(first.deviation).toBeCloseTo(Math.sqrt(8) / 3, 12);
    expect([first.min, first.max, first.count]).toEqual([0, 2, 3]);
  });
});

describe('LETOR files that once were read as something else', () => {
  it('takes query ids in any script', async () => {
    const data = await readLetor(file('2 qid:café 1:1 2:0.5\n0 qid:café 1:0.1\n1 qid:椅子 1:2\n'));
    expect(data.queryIds).toEqual(['café', '椅子']);
    expect([...listMatrix(data, 0).data]).toEqual([1, 0.5, Math.fround(0.1), 0]);
  });

  it.each([
    ['1 qid:1 1:1 2:1e39\n', /column 2 is 1e\+39, beyond what 32 bits hold; normalize or scale/],
    ['1 qid:1 1:1e-46\n0 qid:1 1:0\n', /column 1 is 1e-46, too small for 32 bits; scale/],
    ['1 qid:1 1:1 1000001:1\n', /the index 1000001 is beyond 1000000/],
    [
      '1 qid:1 1:1 2:1763712000000\n0 qid:1 1:0 2:1763712000500\n',
      /column 2 has values from 1763712000000 to 1763712000500, which 32-bit floats hold in steps of 210251; subtract/,
    ],
  ])('refuses %j by its column and says the way out', async (text, message) => {
    await expect(readLetor(file(text))).rejects.toThrow(message);
  });

  it('takes large values whose differences 32 bits hold, and columns of one large value', async () => {
    const years = ['1 qid:1 1:0 2:5e9', '0 qid:1 1:1763712000000 2:5e9'].join('\n');
    expect((await readLetor(file(years))).names).toEqual(['1', '2']);
  });
});
