import { ServiceError } from '../../errors.ts';
import type { FoldCurve, FoldTask } from './choose-c.ts';
import type { ModelFeature } from '../scoring/linear-model.ts';
import { listScorer, type TrainedModel, trainLinearModel, type TrainingSettings } from './linear-trainer.ts';
import { sliceLists } from './ranking-data.ts';
import { ndcgPerList } from '../measures/ranking-evaluation.ts';

/** A fold on rows that lie here. */
export function foldCurve({ data, split, ...task }: FoldTask): Promise<FoldCurve> {
  const train = sliceLists(data, split.train.from, split.train.to);
  const holdout = sliceLists(data, split.holdout.from, split.holdout.to);
  return gridCurve(task, {
    train: (settings) => trainLinearModel(train, settings),
    ndcg10: (features) => ndcgPerList(holdout, 10, listScorer(holdout, features)),
  });
}

/** Earlier lists to learn from and later ones to measure on, wherever they lie. */
interface Fold {
  train(settings: TrainingSettings): TrainedModel | Promise<TrainedModel>;
  ndcg10(features: readonly ModelFeature[]): Float64Array | Promise<Float64Array>;
}

/**
 * Trains at every C of the grid, smallest first, each from the one before, and measures the fold's later lists by NDCG@10.
 * Null where the earlier lists hold no preference.
 */
export async function gridCurve(
  { grid, normalize, prior, signs, fixed }: Omit<FoldTask, 'data' | 'split'>,
  fold: Fold,
): Promise<FoldCurve> {
  const curve: Float64Array[] = [];
  let warm: Map<string, number> | undefined;
  try {
    for (const c of grid) {
      const { features } = await fold.train({ c, normalize, prior, signs, fixed, warm, tolerance: 1e-3 });
      warm = new Map(features.map(({ name, weight }) => [name, weight]));
      curve.push(await fold.ndcg10(features));
    }
    return curve;
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'RANKER_NO_PAIRS') return null;
    throw error;
  }
}
