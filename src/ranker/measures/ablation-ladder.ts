/**
 * The paper's ablation ladder: control set, + fc6 and fc8 with indicators, + category crosses, + object features, each step
 * measured on the same lists, with its lift over the step before and, by category, over the control set.
 */
import { bootstrapLift, type Clusters, type Interval } from '../../math/bootstrap.ts';
import { columnsOf } from '../scoring/feature-table.ts';
import { clustersOf, intervalsOf, liftBySegment, ndcgByContender, type SegmentLift } from './holdout-report.ts';
import type { ModelFeature } from '../scoring/linear-model.ts';
import { listScorer, trainLinearModel } from '../training/linear-trainer.ts';
import { type LogData, trainingRows } from '../training/log-data.ts';
import type { NormalizationKind } from '../scoring/normalizer.ts';
import type { PairWeights } from '../training/preference-sums.ts';
import type { FeatureSet } from '../scoring/ranking-feature.ts';

/** What a step is called, and the sets that it learns from. */
export interface Step {
  readonly step: string;
  readonly sets: readonly FeatureSet[];
}

/** Each step learns from the sets of the one before and one more. */
const LADDER: readonly Step[] = [
  { step: 'control', sets: ['control'] },
  { step: '+ fc6/fc8', sets: ['control', 'visual'] },
  { step: '+ category crosses', sets: ['control', 'visual', 'cross'] },
  { step: '+ object features', sets: ['control', 'visual', 'cross', 'object'] },
];

export interface LadderStep {
  readonly step: string;
  readonly columns: number;
  readonly ndcg10: Interval;
  /** Relative lift over the step before; over itself for the first. */
  readonly lift: Interval;
  /** Relative lift over the control set, by category. */
  readonly liftByCategory: readonly SegmentLift[];
}

interface LadderTraining {
  readonly c: number;
  readonly normalize: NormalizationKind;
  readonly pairWeights?: (training: LogData) => PairWeights;
}

/** The model of each step, learned from the same lists. */
export function trainLadder(
  early: LogData,
  { c, normalize, pairWeights }: LadderTraining,
  steps: readonly Step[] = LADDER,
): readonly (readonly ModelFeature[])[] {
  return steps.map(({ sets }) => {
    const rows = trainingRows(early, columnsOf(sets));
    return trainLinearModel(rows, { c, normalize, weights: pairWeights?.(rows) }).features;
  });
}

interface Comparison {
  readonly segmentsOf: (list: number) => readonly string[];
  readonly seed: number;
  /** Whose truth each list shares; absent: nobody's. */
  readonly clusters?: Clusters;
}

/** The steps beside each other; `values[step]` holds NDCG@10 per list, NaN where a list has no positive. */
export function compareSteps(
  values: readonly Float64Array[],
  { segmentsOf, seed, clusters }: Comparison,
  steps: readonly Step[] = LADDER,
): readonly LadderStep[] {
  const measured = Array.from(values[0], (_, list) => list).filter((list) => !Number.isNaN(values[0][list]));
  const pick = (of: Float64Array): number[] => measured.map((list) => of[list]);
  const shared = clusters && measured.map((list) => clusters[list]);
  return steps.map(({ step, sets }, at) => ({
    step,
    columns: columnsOf(sets).length,
    ndcg10: intervalsOf({ step: values[at] }, seed, clusters).step,
    lift: bootstrapLift(pick(values[at]), pick(values[Math.max(0, at - 1)]), seed, shared),
    liftByCategory: liftBySegment(values[at], values[0], segmentsOf, seed, clusters),
  }));
}

interface LadderSettings extends LadderTraining {
  readonly seed: number;
  readonly segmentsOf: (list: number) => readonly string[];
}

/** Learns every step from the earlier lists and measures it on the later ones. */
export function climbLadder(early: LogData, holdout: LogData, settings: LadderSettings): readonly LadderStep[] {
  const values = trainLadder(early, settings).map((features) => ndcgByContender(holdout, { step: listScorer(holdout, features) }).step);
  return compareSteps(values, { ...settings, clusters: clustersOf(holdout) });
}
