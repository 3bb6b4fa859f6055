/**
 * A linear ranker: score = sum over its features, in table order, of weight x normalized value. Scoring and explaining
 * stand side by side, and both add the same numbers in the same order, so an explanation cannot drift from the score.
 * The weights come from the Rank-SVM (rank-svm.ts) or from another engine's linear model.
 */
import type { Matrix } from '../../math/matrix.ts';
import { affineScores, affineTerms, type AffineTerms } from './affine-scores.ts';
import { VISUAL_WEIGHT_COLUMNS } from './feature-table.ts';
import { type Normalization, normalizeWith } from './normalizer.ts';
import type { Ranker, ScoringInputs, Term } from './ranker.ts';

/** A column by name, with what its value is turned into and multiplied by. */
export interface ModelFeature {
  readonly name: string;
  readonly weight: number;
  readonly normalization: Normalization;
}

/** A linear ranker answers at once, from the feature rows alone. */
export interface LinearRanker extends Ranker {
  readonly features: readonly ModelFeature[];
  score(inputs: LinearInputs): Float64Array;
  explain(inputs: LinearInputs, row: number): readonly Term[];
}

/** What a linear model needs of the scoring inputs; without a factor it is 1. */
type LinearInputs = Pick<ScoringInputs, 'rows'> & Partial<ScoringInputs>;

/**
 * A ranker over the columns of a matrix, picked by name. The inputs' `visualWeightFactor` multiplies the weights of fc6 and
 * fc8 similarity and of the fc6 crosses (DESIGN section 8).
 * Throws RangeError when a column of the model is not in the matrix, or when a score comes out NaN, naming the column.
 */
export function linearRanker(name: string, features: readonly ModelFeature[], netDigest: string | null = null): LinearRanker {
  const places = placesByNames(name, features);
  const weightsAt = weightsByFactor(features);
  const affineAt = affineByWeights(features);
  return {
    name,
    netDigest,
    features,
    score(inputs) {
      const { table, visualWeightFactor = 1 } = inputs;
      const columns = places(table?.names ?? inputs.rows.names);
      const weights = weightsAt(visualWeightFactor);
      const affine = table ? affineAt(weights, columns) : null;
      const scores = affine && table ? affineScores(affine, table) : columnScores(features, weights, columns, inputs.rows);
      for (let row = 0; row < scores.length; row++) {
        if (scores[row] !== scores[row]) refuseNaN(name, features, inputs.rows, columns, row);
      }
      return scores;
    },
    explain({ rows, visualWeightFactor = 1 }, row) {
      const columns = places(rows.names);
      const weights = weightsAt(visualWeightFactor);
      return features.map((feature, f) => {
        const value = rows.data[row * rows.columns + columns[f]];
        const contribution = weights[f] === 0 ? 0 : weights[f] * normalizeWith(feature.normalization, rows, columns[f])(value);
        return { feature: feature.name, value, weight: weights[f], contribution };
      });
    },
  };
}

/** Column by column, for normalizations that look at the whole list. The plain twin of `affineScores`. */
export function columnScores(features: readonly ModelFeature[], weights: Float64Array, columns: Int32Array, rows: Matrix): Float64Array {
  const scores = new Float64Array(rows.rows);
  for (let f = 0; f < features.length; f++) {
    if (weights[f] === 0) continue;
    const normalize = normalizeWith(features[f].normalization, rows, columns[f]);
    for (let row = 0, at = columns[f]; row < scores.length; row++, at += rows.columns) scores[row] += weights[f] * normalize(rows.data[at]);
  }
  return scores;
}

/** The model's affine terms, remembered for the last weights and columns; null when a normalization is not affine. */
function affineByWeights(features: readonly ModelFeature[]): (weights: Float64Array, columns: Int32Array) => AffineTerms | null {
  const normalizations = features.map((feature) => feature.normalization);
  let known: { weights: Float64Array; columns: Int32Array; terms: AffineTerms | null } | null = null;
  return (weights, columns) => {
    if (known === null || known.weights !== weights || known.columns !== columns)
      known = { weights, columns, terms: affineTerms(normalizations, weights, columns) };
    return known.terms;
  };
}

/** The weights with the visual ones multiplied, remembered per factor: there are as many factors as treatments. */
function weightsByFactor(features: readonly ModelFeature[]): (factor: number) => Float64Array {
  const known = new Map<number, Float64Array>();
  return (factor) => {
    let weights = known.get(factor);
    if (!weights) {
      weights = Float64Array.from(features, ({ name, weight }) => (VISUAL_WEIGHT_COLUMNS.has(name) ? weight * factor : weight));
      if (known.size > 64) known.clear();
      known.set(factor, weights);
    }
    return weights;
  };
}

/** The columns of the features in a matrix, by name, remembered for the last list of names. */
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

function refuseNaN(
  model: string,
  features: readonly ModelFeature[],
  { data, columns: width }: Matrix,
  columns: Int32Array,
  row: number,
): never {
  const culprit = features.find((_, f) => Number.isNaN(data[row * width + columns[f]]));
  throw new RangeError(`model ${model}: the score of row ${row} is NaN (${culprit?.name ?? 'infinite values'})`);
}
