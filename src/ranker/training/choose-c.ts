/**
 * Chooses C by time-ordered folds: each fold trains on the lists before its block, at every C of the grid from the smallest
 * up (each starting from the one before), and measures NDCG@10 on the block. Folds run in parallel workers; the result does
 * not depend on how many.
 */
import { Worker } from 'node:worker_threads';
import { ServiceError } from '../../errors.ts';
import { workerUrl } from '../../worker-url.ts';
import type { NormalizationKind } from '../scoring/normalizer.ts';
import type { ModelPrior } from './model-prior.ts';
import type { RankingData } from './ranking-data.ts';
import { listCount } from './ranking-data.ts';
import { type TimeSplit, timeFolds } from './time-split.ts';

/** Ascending, for each starts from the one before. */
export const C_GRID: readonly number[] = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1];
const FOLDS = 3;

/** What a worker is given: the data lies in shared memory. */
export interface FoldTask {
  readonly data: RankingData;
  readonly split: TimeSplit;
  readonly grid: readonly number[];
  readonly normalize: NormalizationKind;
  readonly prior?: ModelPrior | null;
  readonly signs?: boolean;
}

/** What it answers: per C the mean NDCG@10 of the fold's block and how many lists have a positive; null: nothing to learn from. */
export type FoldCurve = readonly { readonly ndcg10: number; readonly lists: number }[] | null;

export interface CChoice {
  readonly c: number;
  /** NDCG@10 by C, the mean over the folds' lists, and per fold. */
  readonly curve: readonly { readonly c: number; readonly ndcg10: number; readonly folds: readonly number[] }[];
}

/** Absent: C_GRID, three folds, two workers. */
export interface ChooseSettings {
  readonly normalize: NormalizationKind;
  readonly prior?: ModelPrior | null;
  readonly signs?: boolean;
  readonly grid?: readonly number[];
  readonly folds?: number;
  readonly workers?: number;
  readonly signal?: AbortSignal;
  readonly onFold?: (done: number, all: number) => void;
}

/**
 * The best C; of equals the smallest. Throws RANKER_NO_PAIRS when no fold can learn or be measured, JOB_STOPPED when the
 * signal says so.
 */
export async function chooseC(data: RankingData, settings: ChooseSettings): Promise<CChoice> {
  const { normalize, prior, signs, grid = C_GRID, folds = FOLDS, workers = 2 } = settings;
  const splits = timeFolds(listCount(data), folds);
  const curves: FoldCurve[] = new Array(splits.length).fill(null);
  let next = 0;
  let done = 0;
  const lane = async (): Promise<void> => {
    while (next < splits.length) {
      const fold = next++;
      curves[fold] = await runFold({ data, split: splits[fold], grid, normalize, prior, signs }, settings.signal);
      settings.onFold?.(++done, splits.length);
    }
  };
  await Promise.all(Array.from({ length: Math.min(workers, splits.length) }, lane));
  return choiceOf(grid, curves);
}

function choiceOf(grid: readonly number[], curves: readonly FoldCurve[]): CChoice {
  const measured = curves.filter((curve) => curve !== null && curve[0].lists > 0) as NonNullable<FoldCurve>[];
  if (measured.length === 0)
    throw new ServiceError('RANKER_NO_PAIRS', {
      reason: 'there are too few lists to choose C by folds; give --c instead',
    });
  const curve = grid.map((c, at) => {
    const lists = measured.reduce((sum, fold) => sum + fold[at].lists, 0);
    const ndcg10 = measured.reduce((sum, fold) => sum + fold[at].ndcg10 * fold[at].lists, 0) / lists;
    return { c, ndcg10, folds: measured.map((fold) => fold[at].ndcg10) };
  });
  const best = curve.reduce((before, point) => (point.ndcg10 > before.ndcg10 ? point : before));
  return { c: best.c, curve };
}

function runFold(task: FoldTask, signal: AbortSignal | undefined): Promise<FoldCurve> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(workerUrl(import.meta.url, './choose-c-worker.ts'), { workerData: task });
    const stop = (): void => {
      void worker.terminate();
      reject(new ServiceError('JOB_STOPPED'));
    };
    signal?.addEventListener('abort', stop, { once: true });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => signal?.removeEventListener('abort', stop));
  });
}
