/** From graded lists to a linear model: normalizations fitted on these rows alone, then the Rank-SVM. */
import { linearRanker, type LinearRanker, type ModelFeature } from '../scoring/linear-model.ts';
import type { NormalizationKind } from '../scoring/normalizer.ts';
import type { PairWeights } from './preference-sums.ts';
import { type RankSvmResult, trainRankSvm } from './rank-svm.ts';
import { designOf, fitNormalizations, listMatrix, preferencesOf, type RankingData } from './ranking-data.ts';

export interface TrainingSettings {
  readonly c: number;
  readonly normalize: NormalizationKind;
  readonly weights?: PairWeights;
  /** Weights by feature name to start from: an older model's. */
  readonly warm?: ReadonlyMap<string, number>;
  readonly tolerance?: number;
  readonly onIteration?: (iteration: number, objective: number, gradientNorm: number) => void;
}

export interface TrainedModel extends RankSvmResult {
  readonly features: readonly ModelFeature[];
}

/** The features come in the order of the columns. Throws RANKER_NO_PAIRS when no list prefers one item to another. */
export function trainLinearModel(data: RankingData, settings: TrainingSettings): TrainedModel {
  const normalizations = fitNormalizations(data, settings.normalize);
  const { warm } = settings;
  const result = trainRankSvm(designOf(data, normalizations), preferencesOf(data), {
    c: settings.c,
    tolerance: settings.tolerance,
    weights: settings.weights,
    warm: warm && Float64Array.from(data.names, (name) => warm.get(name) ?? 0),
    onIteration: settings.onIteration,
  });
  const features = data.names.map((name, column) => ({
    name,
    weight: result.w[column],
    normalization: normalizations[column],
  }));
  return { ...result, features };
}

/** Scores of a list of the data by a linear model, a score per row. Throws RangeError where the data lack a column of the model. */
export function listScorer(data: RankingData, features: readonly ModelFeature[]): (list: number) => Float64Array {
  const ranker: LinearRanker = linearRanker('measured', features);
  return (list) => ranker.score({ rows: listMatrix(data, list) });
}
