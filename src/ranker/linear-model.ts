/**
 * A linear ranker: score = sum over its features, in table order, of weight x normalized value. Scoring and explaining
 * stand side by side, and both add the same numbers in the same order, so an explanation cannot drift from the score.
 * The weights come from the Rank-SVM (rank-svm.ts) or from another engine's linear model.
 */
import type { Matrix } from '../math/matrix.ts';
import { VISUAL_WEIGHT_COLUMNS } from './feature-table.ts';
import { type Normalization, normalizeWith } from './normalizer.ts';

export interface ModelFeature {
  readonly name: string;
  readonly weight: number;
  readonly normalization: Normalization;
}

export interface Term {
  readonly feature: string;
  /** The raw value, as logged. */
  readonly value: number;
  /** The weight that was applied, a treatment's factor included. */
  readonly weight: number;
  readonly contribution: number;
}

/** What ranks a list: scores for all rows, and the terms of one row that add up to its score to the last bit. */
export interface Ranker {
  readonly name: string;
  score(rows: Matrix): Float64Array;
  explain(rows: Matrix, row: number): Term[];
}

/**
 * A ranker over the columns of a matrix. `visualWeightFactor` multiplies the weights of the visual columns (DESIGN section
 * 8). Throws RangeError when a column of the model is not in the matrix, or when a score comes out NaN.
 */
export function linearRanker(name: string, features: readonly ModelFeature[], visualWeightFactor = 1): Ranker {
  const weights = features.map((feature) => (VISUAL_WEIGHT_COLUMNS.has(feature.name) ? feature.weight * visualWeightFactor : feature.weight));
  const places = placesByNames(name, features);
  return {
    name,
    score(rows) {
      const scores = new Float64Array(rows.rows);
      const columns = places(rows.names);
      for (let f = 0; f < features.length; f++) {
        if (weights[f] !== 0) addColumn(scores, rows, columns[f], weights[f], features[f].normalization);
      }
      for (let row = 0; row < scores.length; row++) {
        if (scores[row] !== scores[row]) throw new RangeError(`model ${name}: the score of row ${row} is NaN`);
      }
      return scores;
    },
    explain(rows, row) {
      const columns = places(rows.names);
      return features.map((feature, f) => {
        const value = rows.data[row * rows.columns + columns[f]];
        const contribution = weights[f] === 0 ? 0 : weights[f] * normalizeWith(feature.normalization, rows, columns[f])(value);
        return { feature: feature.name, value, weight: weights[f], contribution };
      });
    },
  };
}

/** scores += weight x normalized column. The two common kinds are written out: a call per value would cost more than the sum. */
function addColumn(scores: Float64Array, rows: Matrix, column: number, weight: number, normalization: Normalization): void {
  const { data, columns } = rows;
  if (normalization.kind === 'standard') {
    const { mean } = normalization;
    const scale = 1 / normalization.deviation;
    for (let row = 0, at = column; row < scores.length; row++, at += columns) scores[row] += weight * ((data[at] - mean) * scale);
  } else if (normalization.kind === 'none') {
    for (let row = 0, at = column; row < scores.length; row++, at += columns) scores[row] += weight * data[at];
  } else {
    const normalize = normalizeWith(normalization, rows, column);
    for (let row = 0, at = column; row < scores.length; row++, at += columns) scores[row] += weight * normalize(data[at]);
  }
}

/** The columns of the features in a matrix, by name, remembered per list of names. */
function placesByNames(model: string, features: readonly ModelFeature[]): (names: readonly string[]) => Int32Array {
  let known: readonly string[] | null = null;
  let columns = new Int32Array(0);
  return (names) => {
    if (names === known) return columns;
    const at = new Map(names.map((name, column) => [name, column]));
    columns = Int32Array.from(features, (feature) => {
      const column = at.get(feature.name);
      if (column === undefined) throw new RangeError(`model ${model}: the rows have no column "${feature.name}"`);
      return column;
    });
    known = names;
    return columns;
  };
}
