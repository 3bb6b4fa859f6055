import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { denseDesign } from '../../src/ranker/training/design-matrix.ts';
import { preferenceLists } from '../../src/ranker/training/preference-sums.ts';
import { trainRankSvm } from '../../src/ranker/training/rank-svm.ts';
import { sharedData } from '../shared-data.ts';

interface Case {
  readonly name: string;
  readonly c: number;
  readonly pairs: number;
  readonly objective: number;
}

/** Made by test/cases/rank-svm-parity.py with scikit-learn's LinearSVC on explicit pair differences. */
const { cases } = JSON.parse(readFileSync(join(import.meta.dirname, '../cases/rank-svm-parity.json'), 'utf8')) as {
  cases: readonly Case[];
};
const lambdarank = sharedData('datasets/lightgbm-lambdarank');

interface RankingSet {
  readonly rows: Float64Array;
  readonly columns: number;
  readonly grades: readonly number[];
  readonly lengths: readonly number[];
}

/** The generator that the script repeats: x -> (1664525 x + 1013904223) mod 2^32. */
function generated(): RankingSet {
  let state = 7;
  const draw = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const [lists, length, columns] = [60, 12, 8];
  const rows = Float64Array.from({ length: lists * length * columns }, () => draw() * 2 - 1);
  const grades = Array.from({ length: lists * length }, (_, row) => {
    let utility = 0;
    for (let c = 0; c < columns; c++) utility += (rows[row * columns + c] * (c + 1)) / 4;
    return Math.min(4, Math.max(0, Math.floor(utility + draw() * 2 - 1 + 2)));
  });
  return { rows, columns, grades, lengths: Array.from({ length: lists }, () => length) };
}

function read(folder: string): RankingSet {
  const lengths = readFileSync(join(folder, 'rank.train.query'), 'utf8').trim().split('\n').map(Number);
  const lines = readFileSync(join(folder, 'rank.train'), 'utf8').trim().split('\n');
  const parsed = lines.map((line) => line.trim().split(/\s+/));
  const entries = parsed.map((parts) => parts.slice(1).map((part) => part.split(':').map(Number)));
  const columns = 1 + entries.reduce((most, row) => Math.max(most, ...row.map(([column]) => column)), 0);
  const rows = new Float64Array(lines.length * columns);
  entries.forEach((row, at) => {
    for (const [column, value] of row) rows[at * columns + column] = value;
  });
  return { rows, columns, grades: parsed.map((parts) => Number(parts[0])), lengths };
}

function check(set: RankingSet, name: string): void {
  for (const expected of cases.filter((row) => row.name === name)) {
    const lists = preferenceLists(set.grades, set.lengths);
    const result = trainRankSvm(denseDesign(set.rows, set.columns), lists, { c: expected.c });
    expect(result.pairs).toBe(expected.pairs);
    expect(Math.abs(result.objective - expected.objective) / expected.objective, `C ${expected.c}`).toBeLessThan(1e-5);
  }
}

describe('Rank-SVM reaches the objective of scikit-learn on explicit pairs within 1e-5', () => {
  it('on the generated set', () => check(generated(), 'generated'));

  it.skipIf(!lambdarank)('on lightgbm-lambdarank (skipped where the shared data is not)', () =>
    check(read(lambdarank ?? ''), 'lightgbm-lambdarank'),
  );
});
