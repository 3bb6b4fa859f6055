import { ServiceError } from '../../errors.ts';
import type { FoldCurve, FoldTask } from './choose-c.ts';
import { listScorer, trainLinearModel } from './linear-trainer.ts';
import { sliceLists } from './ranking-data.ts';
import { ndcgPerList } from '../measures/ranking-evaluation.ts';

/**
 * Trains at every C of the grid, smallest first, each from the one before, and measures the fold's later lists by NDCG@10.
 * Null where the earlier lists hold no preference.
 */
export function foldCurve({ data, split, grid, normalize, prior, signs, fixed }: FoldTask): FoldCurve {
  const train = sliceLists(data, split.train.from, split.train.to);
  const holdout = sliceLists(data, split.holdout.from, split.holdout.to);
  let warm: Map<string, number> | undefined;
  try {
    return grid.map((c) => {
      const { features } = trainLinearModel(train, { c, normalize, prior, signs, fixed, warm, tolerance: 1e-3 });
      warm = new Map(features.map(({ name, weight }) => [name, weight]));
      return ndcgPerList(holdout, 10, listScorer(holdout, features));
    });
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'RANKER_NO_PAIRS') return null;
    throw error;
  }
}
