/**
 * From judged lists to a measured model: earlier lists train, later ones judge; the model is set beside the order as
 * served, as retrieved, shuffled, the model that serves now, and one of the control set alone.
 */
import type { Interval } from '../../math/bootstrap.ts';
import { replayGroupOf } from '../../catalog/log/replayed-list.ts';
import { ServiceError } from '../../errors.ts';
import { chooseC, type CChoice, type ChooseSettings } from './choose-c.ts';
import { columnsOf } from '../scoring/feature-table.ts';
import {
  baselineScores,
  clustersOf,
  intervalsOf,
  liftBySegment,
  type ListScores,
  ndcgByContender,
  ndcgBySource,
  objectSegment,
  type SegmentLift,
} from '../measures/holdout-report.ts';
import { listScorer, trainLinearModel, type TrainedModel } from './linear-trainer.ts';
import { type LogData, sliceLog, splitLog, trainingRows } from './log-data.ts';
import type { ModelPrior } from './model-prior.ts';
import type { NormalizationKind } from '../scoring/normalizer.ts';
import type { PairWeights } from './preference-sums.ts';
import type { FeatureSet } from '../scoring/ranking-feature.ts';
import type { FeatureDistribution } from '../registry/model-artifact.ts';
import { distributionsOf } from '../registry/model-provenance.ts';
import { rowCount } from './ranking-data.ts';

/** How rows are learned from. */
export interface LearningSettings {
  readonly sets: readonly FeatureSet[];
  readonly normalize: NormalizationKind;
  /** Null: chosen by time-ordered folds. */
  readonly c: number | null;
  /** What the weights are drawn to; null or absent: 0. */
  readonly prior?: ModelPrior | null;
  /** Keep the signs that the feature table states. */
  readonly signs?: boolean;
  /** Weights of an older model to start from. */
  readonly warm?: ReadonlyMap<string, number>;
  /** Weights of the preference pairs of the training rows, for instance by inverse propensity. */
  readonly pairWeights?: (training: LogData) => PairWeights;
  readonly chooseSettings?: Partial<ChooseSettings>;
}

/** How a model is set beside others on later lists. */
export interface MeasuringSettings {
  readonly seed: number;
  /** Scores held-out lists by the model that serves now; null: there is none. */
  readonly previous: ((data: LogData) => ListScores) | null;
  /** The categories of a list's query, for lift by category. */
  readonly categoriesOf: (queryPinIndex: number) => readonly string[];
}

export interface LogTrainingSettings extends LearningSettings, MeasuringSettings {
  readonly holdoutShare: number;
  readonly onStep?: (step: string) => void;
}

/** A model, and what it was learned from. */
export interface Learned {
  readonly model: TrainedModel;
  /** The rows that were likely seen. */
  readonly training: LogData;
  readonly c: number;
  /** Null: C was given. */
  readonly choice: CChoice | null;
}

/** The rows that a model learned from, in figures. */
export interface Taught {
  readonly lists: number;
  readonly rows: number;
  /** Times of the first and the last list. */
  readonly window: readonly [number, number];
  readonly left: LogData['left'];
  readonly distributions: Readonly<Record<string, FeatureDistribution>>;
}

/** A measured model, wherever the rows lay that it learned from. */
export interface LogTraining extends Pick<Learned, 'model' | 'c' | 'choice'>, Measured {
  readonly taught: Taught;
}

/** The same with the rows, which lie here. */
export type HeldTraining = LogTraining & Pick<Learned, 'training'>;

export interface Measured {
  readonly holdout: LogData;
  /** NDCG@10 on the holdout by contender. */
  readonly ndcg10: Readonly<Record<string, Interval>>;
  readonly perList: Readonly<Record<string, Float64Array>>;
  readonly liftByCategory: readonly SegmentLift[];
  readonly liftByObject: readonly SegmentLift[];
  readonly ndcg10BySource: Readonly<Record<string, Interval>>;
}

/** Throws RANKER_NO_PAIRS when the log holds no preference. */
export async function trainOnLog(data: LogData, settings: LogTrainingSettings): Promise<HeldTraining> {
  if (data.lists.length === 0) throw new ServiceError('RANKER_NO_PAIRS', { reason: NO_LOG });
  const split = splitLog(data, settings.holdoutShare);
  const early = sliceLog(data, split.train.from, split.train.to);
  const holdout = sliceLog(data, split.holdout.from, split.holdout.to);
  const { normalize, prior, signs } = settings;
  const { model, training, c, choice, weights } = await learnFrom(early, settings);
  const control = trainLinearModel(trainingRows(early, columnsOf(['control'])), { c, normalize, prior, signs, weights });
  settings.onStep?.('measuring');
  const { lists, left } = training;
  const window = [lists[0].at, lists[lists.length - 1].at] as const;
  const taught = { lists: lists.length, rows: rowCount(training), window, left, distributions: distributionsOf(training) };
  return { model, training, taught, c, choice, ...measuredOn(holdout, { trained: model, control }, settings) };
}

/** The model on later lists, beside one of the control set, the one that serves, and orders that need no model. */
export function measuredOn(
  holdout: LogData,
  { trained, control }: Readonly<Record<'trained' | 'control', Pick<TrainedModel, 'features'>>>,
  { seed, previous, categoriesOf }: MeasuringSettings,
): Measured {
  const scores: Record<string, ListScores> = {
    ...baselineScores(holdout, seed),
    ...(previous ? { previous: previous(holdout) } : {}),
    control: listScorer(holdout, control.features),
    trained: listScorer(holdout, trained.features),
  };
  const perList = ndcgByContender(holdout, scores);
  const clusters = clustersOf(holdout);
  const categories = (list: number): readonly string[] => categoriesOf(holdout.lists[list].queryPinIndex);
  return {
    holdout,
    ndcg10: intervalsOf(perList, seed, clusters),
    perList,
    liftByCategory: liftBySegment(perList.trained, perList.control, categories, seed, clusters),
    liftByObject: liftBySegment(perList.trained, perList.control, (list) => objectSegment(holdout, list), seed, clusters),
    ndcg10BySource: ndcgBySource(holdout, scores.trained, 10, seed),
  };
}

type Learning = LearningSettings & Pick<LogTrainingSettings, 'onStep'>;

/** Learns from these lists alone: C unless it is given, normalizations and weights. Throws RANKER_NO_PAIRS. */
export async function learnFrom(early: LogData, settings: Learning): Promise<Learned & { readonly weights?: PairWeights }> {
  const training = trainingRows(early, columnsOf(settings.sets));
  const { normalize, prior, signs, warm } = settings;
  settings.onStep?.('choosing C');
  const choice = settings.c === null ? await chosen(training, settings) : null;
  const c = choice?.c ?? settings.c ?? 1;
  settings.onStep?.('training');
  const weights = settings.pairWeights?.(training);
  const model = trainLinearModel(training, { c, normalize, prior, signs, fixed: choice?.fixed, weights, warm });
  return { model, training, c, choice, weights };
}

async function chosen(training: LogData, { normalize, prior, signs, chooseSettings }: LearningSettings): Promise<CChoice> {
  const groupOf = (list: number): string | number => replayGroupOf(training.lists[list].recommendationId) ?? list;
  return orFallback(() => chooseC(training, { normalize, prior, signs, groupOf, ...chooseSettings }));
}

/** C by folds; with too few lists for folds, 0.01. */
export async function orFallback(choose: () => Promise<CChoice>): Promise<CChoice> {
  try {
    return await choose();
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'RANKER_NO_PAIRS') return { c: FALLBACK_C, fixed: new Set(), curve: [] };
    throw error;
  }
}

const FALLBACK_C = 0.01;

export const NO_LOG =
  'the log holds no served list on which somebody acted; serve and send events, or run replay-saves to make a first log from the saves';
