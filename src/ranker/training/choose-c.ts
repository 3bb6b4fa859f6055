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
const C_GRID: readonly number[] = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1];
const FOLDS = 3;

/** What a worker is given: the data lies in shared memory. */
export interface FoldTask {
  readonly data: RankingData;
  readonly split: TimeSplit;
  readonly grid: readonly number[];
  readonly normalize: NormalizationKind;
  readonly prior?: ModelPrior | null;
  readonly signs?: boolean;
  readonly fixed?: ReadonlySet<string>;
}

/** What it answers: per C the NDCG@10 of every list of the fold's block, NaN without a positive; null: nothing to learn from. */
export type FoldCurve = readonly Float64Array[] | null;

export interface CChoice {
  readonly c: number;
  /** Features that keep the weight of the prior, because the folds can't tell that moving them helps. */
  readonly fixed: ReadonlySet<string>;
  /** NDCG@10 by C, the mean over the folds' lists, and per fold. */
  readonly curve: readonly { readonly c: number; readonly ndcg10: number; readonly folds: readonly number[] }[];
}

/** Absent: C_GRID, three folds, two workers. */
export interface ChooseSettings {
  readonly normalize: NormalizationKind;
  readonly prior?: ModelPrior | null;
  readonly signs?: boolean;
  /** Per list the group whose lists share their truth and so a fold; absent: each list is a group of its own. */
  readonly groupOf?: (list: number) => string | number;
  readonly grid?: readonly number[];
  readonly folds?: number;
  readonly workers?: number;
  readonly signal?: AbortSignal;
  readonly onFold?: (done: number, all: number) => void;
}

/** What boards say of a pair. With a prior it is learned only where the folds can tell that this helps. */
const BOARD_FEATURES: ReadonlySet<string> = new Set(['cooccurrence-score', 'from-board-cooccurrence', 'user-cooccurrence']);

/**
 * The smallest C that can't be told from the best: whose NDCG@10 is at most two standard errors lower, list by list. So a model
 * leaves its prior only as far as the folds can tell. With a prior there are two grids: first what boards say keeps its weight,
 * because how much other boards say of one that is left out depends on the kinds of boards there are. Throws RANKER_NO_PAIRS
 * when no fold can learn or be measured, JOB_STOPPED when the signal says so.
 */
export async function chooseC(data: RankingData, settings: ChooseSettings): Promise<CChoice> {
  return chooseAmong(listCount(data), settings, (split, task) => runFold({ data, split, ...task }, settings.signal));
}

/** What a fold learns, but for its lists. */
type FoldSettings = Omit<FoldTask, 'data' | 'split'>;

/** The same for lists that lie elsewhere: `learn` trains and measures on a fold. */
export async function chooseAmong(
  lists: number,
  settings: ChooseSettings,
  learn: (split: TimeSplit, task: FoldSettings) => Promise<FoldCurve>,
): Promise<CChoice> {
  const { prior, groupOf = (list) => list, grid = C_GRID, folds = FOLDS } = settings;
  const splits = timeFolds(lists, folds, (list) => groupOf(list) === groupOf(list - 1));
  const groups = splits.map(({ holdout }) => Array.from({ length: holdout.to - holdout.from }, (_, at) => groupOf(holdout.from + at)));
  const freedoms = prior ? [BOARD_FEATURES, NOTHING] : [NOTHING];
  const curves: (readonly FoldCurve[])[] = [];
  for (const fixed of freedoms) curves.push(await runFolds(splits, fixed, settings, learn));
  const both = splits.map((_, fold) => joined(curves.map((of) => of[fold])));
  const { at, curve } = choiceOf(grid.length * freedoms.length, both, groups);
  const freedom = Math.floor(at / grid.length);
  const shown = curve.slice(freedom * grid.length, (freedom + 1) * grid.length).map((point, c) => ({ c: grid[c], ...point }));
  return { c: grid[at % grid.length], fixed: freedoms[freedom], curve: shown };
}

const NOTHING: ReadonlySet<string> = new Set();

const joined = (curves: readonly FoldCurve[]): FoldCurve =>
  curves.some((curve) => curve === null) ? null : curves.flatMap((curve) => curve as readonly Float64Array[]);

async function runFolds(
  splits: readonly TimeSplit[],
  fixed: ReadonlySet<string>,
  { normalize, prior, signs, grid = C_GRID, workers = 2, onFold }: ChooseSettings,
  learn: (split: TimeSplit, task: FoldSettings) => Promise<FoldCurve>,
): Promise<FoldCurve[]> {
  const curves: FoldCurve[] = new Array(splits.length).fill(null);
  let next = 0;
  let done = 0;
  const lane = async (): Promise<void> => {
    while (next < splits.length) {
      const fold = next++;
      curves[fold] = await learn(splits[fold], { grid, normalize, prior, signs, fixed });
      onFold?.(++done, splits.length);
    }
  };
  await Promise.all(Array.from({ length: Math.min(workers, splits.length) }, lane));
  return curves;
}

/** A list of a fold's block: its group, and its NDCG@10 by place of C in the grid. */
interface MeasuredList {
  readonly fold: number;
  readonly group: string | number;
  readonly ndcg10: readonly number[];
}

/** Which point of the grid, and the mean NDCG@10 of each. */
function choiceOf(
  points: number,
  curves: readonly FoldCurve[],
  groups: readonly (readonly (string | number)[])[],
): { readonly at: number; readonly curve: readonly { readonly ndcg10: number; readonly folds: readonly number[] }[] } {
  const lists = curves.flatMap((curve, fold): MeasuredList[] =>
    curve === null
      ? []
      : groups[fold]
          .map((group, list) => ({ fold, group, ndcg10: curve.map((values) => values[list]) }))
          .filter(({ ndcg10 }) => !Number.isNaN(ndcg10[0])),
  );
  if (lists.length === 0)
    throw new ServiceError('RANKER_NO_PAIRS', {
      reason: 'there are too few lists to choose C by folds; give --c instead',
    });
  const meanAt = (at: number, of: readonly MeasuredList[]): number => of.reduce((sum, { ndcg10 }) => sum + ndcg10[at], 0) / of.length;
  const folds = [...new Set(lists.map(({ fold }) => fold))].map((fold) => lists.filter((list) => list.fold === fold));
  const curve = Array.from({ length: points }, (_, at) => ({ ndcg10: meanAt(at, lists), folds: folds.map((of) => meanAt(at, of)) }));
  const best = curve.reduce((before, point, at) => (point.ndcg10 > curve[before].ndcg10 ? at : before), 0);
  return { at: curve.findIndex((_, at) => isAsGood(lists, at, best)), curve };
}

/** Whether the mean loss to the best is at most two of its standard errors, over groups. */
function isAsGood(lists: readonly MeasuredList[], at: number, best: number): boolean {
  if (at === best) return true;
  const losses = new Map<string | number, number>();
  for (const { group, ndcg10 } of lists) losses.set(group, (losses.get(group) ?? 0) + ndcg10[best] - ndcg10[at]);
  const sums = [...losses.values()];
  const total = sums.reduce((sum, loss) => sum + loss, 0);
  const mean = total / sums.length;
  const squares = sums.reduce((sum, loss) => sum + (loss - mean) ** 2, 0);
  const error = Math.sqrt((squares * sums.length) / Math.max(1, sums.length - 1));
  return total <= 2 * error;
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
