/**
 * Do more lists still pay? The model is learned again from an eighth, a quarter and a half of its lists, each as the job learns from
 * all of them, and every one is measured on the same later lists, of which none has learned.
 */
import { ServiceError } from '../../errors.ts';
import { bootstrapDifference, type Interval, intervalText } from '../../math/bootstrap.ts';
import { mixedSeed, seededRandom } from '../../math/random.ts';
import { baselineScores, clustersOf, intervalsOf, ndcgByContender } from '../measures/holdout-report.ts';
import { listScorer } from './linear-trainer.ts';
import { type LogData, pickLists } from './log-data.ts';
import { learnFrom, type Learned, type LearningSettings } from './log-training.ts';
import { rowCount } from './ranking-data.ts';

/** Each is the half of the next, and part of it. */
const SHARES = [1 / 8, 1 / 4, 1 / 2, 1] as const;

export interface CurvePoint {
  /** Of the lists that the model learns from. */
  readonly share: number;
  readonly lists: number;
  /** Of these lists, that were likely seen and taught something. */
  readonly rows: number;
  /** 0: these lists prefer no item to another, and nothing was learned. */
  readonly pairs: number;
  readonly c: number | null;
  readonly ndcg10: Interval | null;
  /** Difference to the share before, list by list. */
  readonly gain: Interval | null;
}

type CurveWord = 'pays' | 'not resolved' | 'worse';

export interface LearningCurve {
  readonly points: readonly CurvePoint[];
  /** NDCG@10 of the same later lists in the order in which they were served, and in any order. */
  readonly baselines: Readonly<Record<'asServed' | 'shuffled', Interval>>;
  /** Whether the last doubling helped. Its interval is over later lists; another seed draws another half. */
  readonly word: CurveWord;
  readonly says: string;
}

export interface CurveSettings {
  readonly seed: number;
  readonly onShare?: (share: number) => void;
}

/** What a curve shows of a model. `rows`: that it learned from. */
interface LearnedShare extends Pick<Learned, 'model' | 'c'> {
  readonly rows: number;
}

/** `whole` is what was learned from all of `early`. Throws RANKER_NO_PAIRS where no later list has an action, JOB_STOPPED. */
export function learningCurve(
  early: LogData,
  holdout: LogData,
  whole: Pick<Learned, 'model' | 'training' | 'c'>,
  settings: LearningSettings & CurveSettings,
): Promise<LearningCurve> {
  const told = ({ model, c, training }: typeof whole): LearnedShare => ({ model, c, rows: rowCount(training) });
  return curveOver(clustersOf(early), holdout, told(whole), settings, async (lists) => {
    if (settings.chooseSettings?.signal?.aborted) throw new ServiceError('JOB_STOPPED');
    return told(await learnFrom(pickLists(early, lists), settings));
  });
}

/**
 * The curve of lists that may lie elsewhere. `truths` has one for each list that `whole` learned from. Lists that share their truth
 * (one query, one user's home feeds, one owner of a replay) are drawn together, and `learn` learns from them alone.
 */
export async function curveOver(
  truths: readonly string[],
  holdout: LogData,
  whole: LearnedShare,
  settings: CurveSettings,
  learn: (lists: readonly number[]) => Promise<LearnedShare>,
): Promise<LearningCurve> {
  const { asServed, shuffled } = baselineScores(holdout, settings.seed);
  const { asServed: served, ...chance } = ndcgByContender(holdout, { asServed, shuffled });
  const measured = Array.from(served, (_, list) => list).filter((list) => !Number.isNaN(served[list]));
  if (measured.length === 0)
    throw new ServiceError('RANKER_NO_PAIRS', { reason: 'no later list has an action: --learning-curve has nothing to judge by' });
  const clusters = clustersOf(holdout);
  const pick = <T>(of: ArrayLike<T>): T[] => measured.map((list) => of[list]);
  const points: CurvePoint[] = [];
  let before: Float64Array | null = null;
  for (const { share, lists } of drawnShares(truths, settings.seed)) {
    settings.onShare?.(share);
    const learned = share < 1 ? await orNone(() => learn(lists)) : whole;
    const values: Float64Array | null = learned && ndcgByContender(holdout, { it: listScorer(holdout, learned.model.features) }).it;
    points.push({
      share,
      lists: lists.length,
      rows: learned?.rows ?? 0,
      pairs: learned?.model.pairs ?? 0,
      c: learned?.c ?? null,
      ndcg10: values && intervalsOf({ values }, settings.seed, clusters).values,
      gain: values && before && bootstrapDifference(pick(values), pick(before), settings.seed, pick(clusters)),
    });
    before = values;
  }
  const { asServed: ofServed, shuffled: ofChance } = intervalsOf({ asServed: served, ...chance }, settings.seed, clusters);
  return { points, baselines: { asServed: ofServed, shuffled: ofChance }, ...wordOf(points) };
}

async function orNone(learn: () => Promise<LearnedShare>): Promise<LearnedShare | null> {
  try {
    return await learn();
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'RANKER_NO_PAIRS') return null;
    throw error;
  }
}

/** Nested: truths stand in one order drawn by the seed, and a share takes them from the front until it has its lists. */
export function drawnShares(
  truths: readonly string[],
  seed: number,
): readonly { readonly share: number; readonly lists: readonly number[] }[] {
  const members = new Map<string, number[]>();
  for (const [list, truth] of truths.entries()) {
    const others = members.get(truth);
    if (others) others.push(list);
    else members.set(truth, [list]);
  }
  const order = seededRandom(mixedSeed(seed, 'learning curve')).shuffled([...members.values()]);
  return SHARES.map((share) => {
    const lists: number[] = [];
    for (const truth of order) if (lists.length < share * truths.length) lists.push(...truth);
    return { share, lists: lists.sort((a, b) => a - b) };
  });
}

/** An interval that contains 0 resolves nothing. */
function wordOf(points: readonly CurvePoint[]): Pick<LearningCurve, 'word' | 'says'> {
  const { gain, ndcg10 } = points[points.length - 1];
  if (!gain) return { word: 'not resolved', says: 'Not resolved whether more lists pay: half of them prefer no item to another.' };
  const change = `${gain.mean < 0 ? '' : '+'}${gain.mean.toFixed(4)} ${intervalText(gain)}`;
  const on = `${ndcg10?.queries ?? 0} later lists`;
  if (gain.low > 0) return { word: 'pays', says: `More lists still pay: the last doubling changed NDCG@10 by ${change} on ${on}.` };
  if (gain.high < 0) return { word: 'worse', says: `More lists did harm: the last doubling changed NDCG@10 by ${change} on ${on}.` };
  return {
    word: 'not resolved',
    says: `Not resolved whether more lists pay: the last doubling changed NDCG@10 by ${change} on ${on}.`,
  };
}

/** The curve for people. */
export function curveLines({ points, baselines, says }: LearningCurve): readonly string[] {
  const { asServed, shuffled } = baselines;
  return [
    `Learning curve, NDCG@10 on ${asServed.queries} later lists (as served ${asServed.mean.toFixed(4)}, shuffled ${shuffled.mean.toFixed(4)}):`,
    ...points.map(({ share, lists, pairs, ndcg10, gain }) => {
      const of = share < 1 ? `1/${1 / share}` : 'all';
      const head = `  ${of.padEnd(4)} ${String(lists).padStart(8)} lists ${String(pairs).padStart(10)} pairs `;
      if (!ndcg10) return `${head} nothing to learn from`;
      const change = gain ? `  ${gain.mean < 0 ? '' : '+'}${gain.mean.toFixed(4)} ${intervalText(gain)} over half of it` : '';
      return `${head} ${ndcg10.mean.toFixed(4)} ${intervalText(ndcg10)}${change}`;
    }),
    `  ${says}`,
  ];
}
