import { expect, test } from 'vitest';
import { seededRandom } from '../../src/math/random.ts';
import { affineScores, affineTerms, type AffineTerms } from '../../src/ranker/scoring/affine-scores.ts';
import { plainScores } from './plain-scores.ts';
import { FeatureColumns } from '../../src/ranker/scoring/feature-columns.ts';
import { columnScores } from '../../src/ranker/scoring/linear-model.ts';
import type { Normalization } from '../../src/ranker/scoring/normalizer.ts';

const KINDS: readonly Normalization[] = [
  { kind: 'none' },
  { kind: 'standard', mean: 0.3, deviation: 1.7 },
  { kind: 'min-max', min: -2, max: 5 },
];

test.each([0, 1, 3, 4, 7, 8, 101, 1000])('eight rows at a time have the bits of one column after the other: %i rows', (rowCount) => {
  const random = seededRandom(rowCount);
  const names = Array.from({ length: 9 }, (_, i) => `f${i}`);
  const table = new FeatureColumns(names, rowCount);
  for (let column = 0; column < 8; column++) {
    const values = table.column(column);
    for (let row = 0; row < rowCount; row++) values[row] = random.next() < 0.4 ? 0 : random.normal();
  }
  const features = [8, 1, 5, 0, 3].map((column) => ({
    name: names[column],
    weight: column === 5 ? 0 : random.normal(),
    normalization: KINDS[column % 3],
  }));
  const columns = Int32Array.from(features, ({ name }) => names.indexOf(name));
  const weights = Float64Array.from(features, ({ weight }) => weight);
  const terms = affineTerms(
    features.map(({ normalization }) => normalization),
    weights,
    columns,
  ) as AffineTerms;
  const scores = affineScores(terms, table);
  expect(scores).toEqual(plainScores(terms, table));
  expect(scores).toEqual(columnScores(features, weights, columns, table.matrix()));
});

test('a normalization that looks at the whole list has no affine terms', () => {
  expect(affineTerms([{ kind: 'query-min-max' }], Float64Array.of(1), Int32Array.of(0))).toBeNull();
  expect(affineTerms([{ kind: 'log1p' }], Float64Array.of(0), Int32Array.of(0))).not.toBeNull();
});
