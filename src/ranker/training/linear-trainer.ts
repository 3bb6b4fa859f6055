/**
 * From graded lists to a linear model: normalizations fitted on these rows alone, then the Rank-SVM, toward a prior where
 * there is one.
 *
 * Pairs say how features weigh against each other, not how large a score is. But the size of what is learned matters beside
 * features that the lists say nothing about, and those keep their prior weight. So what is learned has the spread over the
 * pairs that the prior gives it: before training, so that the margin of 1 means the same for every prior, and after it.
 */
import { linearRanker, type LinearRanker, type ModelFeature } from '../scoring/linear-model.ts';
import type { Normalization, NormalizationKind } from '../scoring/normalizer.ts';
import { type ModelPrior, type PairSpread, signsOf, spreadOf } from './model-prior.ts';
import type { LossAt } from './pair-loss.ts';
import type { PairWeights } from './preference-sums.ts';
import { newton, type RankSvmResult } from './rank-svm.ts';
import { listMatrix, type RankingData, scaleOf } from './ranking-data.ts';
import { type Answer, type Question, type RowFacts, RowsHere } from './training-questions.ts';

/** Absent: no prior, weights of either sign. */
export interface TrainingSettings {
  readonly c: number;
  readonly normalize: NormalizationKind;
  /** Slopes by feature name that the weights are drawn to. */
  readonly prior?: ModelPrior | null;
  /** Keep the signs that the feature table states. */
  readonly signs?: boolean;
  /** Features that keep the weight of the prior. */
  readonly fixed?: ReadonlySet<string>;
  /** Weights by feature name to start from: an older model's. */
  readonly warm?: ReadonlyMap<string, number>;
  readonly tolerance?: number;
  readonly onIteration?: (iteration: number, objective: number, gradientNorm: number) => void;
}

export interface TrainedModel extends RankSvmResult {
  readonly features: readonly ModelFeature[];
  /** Features whose sign held them at 0. */
  readonly heldBySign: readonly string[];
  /** Features that never differ within a list: they have the weight of the prior. */
  readonly withoutEvidence: readonly string[];
}

/** The features come in the order of the columns. Throws RANKER_NO_PAIRS when no list prefers one item to another. */
export function trainLinearModel(data: RankingData, settings: TrainingSettings & { readonly weights?: PairWeights }): TrainedModel {
  const rows = new RowsHere(data, settings.weights);
  const training = linearTraining(data.names, settings);
  let step = training.next();
  while (!step.done) step = training.next(rows.answer(step.value));
  return step.value;
}

/** The training itself: yields what it must know of the rows, and is resumed with the answer to just that question. */
export function* linearTraining(names: readonly string[], settings: TrainingSettings): Generator<Question, TrainedModel, Answer> {
  const { prior, warm, signs, fixed } = settings;
  const { statistics, evidence, pairs } = (yield { kind: 'facts' }) as RowFacts;
  const normalizations = statistics.map((column) => column.fitted(settings.normalize));
  const known = prior ? priorWeights(names, normalizations, prior) : null;
  const moves = evidence.map((has, column) => (has === 1 && !fixed?.has(names[column]) ? 1 : 0));
  const spread = known ? spreadOf((yield { kind: 'spread', normalizations, w: picked(known, moves) }) as PairSpread) : 0;
  const unit = spread > 0 ? spread : 1;
  const search = newton(
    { columns: names.length, pairs },
    {
      c: settings.c,
      tolerance: settings.tolerance,
      prior: known?.map((weight) => weight / unit),
      signs: signs ? signsOf(names) : undefined,
      fixed: fixed && Uint8Array.from(names, (name) => (fixed.has(name) ? 1 : 0)),
      warm: warm && Float64Array.from(names, (name) => (warm.get(name) ?? 0) / unit),
      onIteration: settings.onIteration,
    },
  );
  let step = search.next();
  while (!step.done) step = search.next((yield { kind: 'gradient', normalizations, w: step.value }) as LossAt);
  const result = step.value;
  const learned = known ? spreadOf((yield { kind: 'spread', normalizations, w: picked(result.w, moves) }) as PairSpread) : 0;
  const back = spread > 0 && learned > 0 ? spread / learned : unit;
  const features = names.map((name, column) => ({
    name,
    weight: moves[column] || !known ? result.w[column] * back : known[column],
    normalization: normalizations[column],
  }));
  const withoutEvidence = names.filter((_, column) => evidence[column] === 0);
  return { ...result, features, heldBySign: result.held.map((column) => names[column]), withoutEvidence };
}

/** The prior's slopes as weights of normalized values. Throws RangeError where a normalization is no straight line. */
function priorWeights(names: readonly string[], normalizations: readonly Normalization[], { slopes }: ModelPrior): Float64Array {
  return Float64Array.from(names, (name, column) => {
    const scale = scaleOf(normalizations[column]);
    if (scale === null) throw new RangeError(`normalization of ${name}: a prior needs a straight line, got ${normalizations[column].kind}`);
    return (slopes.get(name) ?? 0) / scale;
  });
}

const picked = (w: Float64Array, moves: Uint8Array): Float64Array => w.map((weight, column) => (moves[column] ? weight : 0));

/** Scores of a list of the data by a linear model, a score per row. Throws RangeError where the data lack a column of the model. */
export function listScorer(data: RankingData, features: readonly ModelFeature[]): (list: number) => Float64Array {
  const ranker: LinearRanker = linearRanker('measured', features);
  return (list) => ranker.score({ rows: listMatrix(data, list) });
}
