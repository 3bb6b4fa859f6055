/** A model beside its baselines on the same held-out lists: as served, as retrieved, shuffled, and other models. */
import { truthOf } from '../../catalog/log/judged-list.ts';
import { seededRandom } from '../../math/random.ts';
import { bootstrapLift, bootstrapMean, type Clusters, type Interval } from '../../math/bootstrap.ts';
import type { LogData } from '../training/log-data.ts';
import { listMatrix, sliceLists } from '../training/ranking-data.ts';
import { gradesByScore, ndcg } from './ranking-metrics.ts';

/** Scores of the items of a held-out list. */
export type ListScores = (list: number) => ArrayLike<number>;

/** Scores that put items in the order in which they were shown, were retrieved, or stand by chance. */
export function baselineScores(data: LogData, seed: number): Readonly<Record<'asServed' | 'asRetrieved' | 'shuffled', ListScores>> {
  const random = seededRandom(seed);
  const chance = Float64Array.from(data.grades, () => random.next());
  const span = (list: number): [number, number] => [data.listStart[list], data.listStart[list + 1]];
  return {
    asServed: (list) => Float64Array.from(data.positions.subarray(...span(list)), (position) => -position),
    asRetrieved: (list) => Float64Array.from(data.retrievedRanks.subarray(...span(list)), (rank) => -rank),
    shuffled: (list) => chance.subarray(...span(list)),
  };
}

/** NDCG@k of every list by contender; NaN where a list has no positive. */
export function ndcgByContender(
  data: LogData,
  contenders: Readonly<Record<string, ListScores>>,
  k = 10,
): Readonly<Record<string, Float64Array>> {
  const grades = (list: number): Float32Array => data.grades.subarray(data.listStart[list], data.listStart[list + 1]);
  return Object.fromEntries(
    Object.entries(contenders).map(([name, scores]) => [
      name,
      Float64Array.from(data.lists, (_, list) => ndcg(gradesByScore(grades(list), scores(list)), k) ?? Number.NaN),
    ]),
  );
}

/** The truth that each list shares with others: the clusters of its intervals. */
export function clustersOf({ lists }: Pick<LogData, 'lists'>): readonly string[] {
  return lists.map(truthOf);
}

/** Mean with interval per contender, over the lists that have a positive. */
export function intervalsOf(
  values: Readonly<Record<string, Float64Array>>,
  seed: number,
  clusters?: Clusters,
): Readonly<Record<string, Interval>> {
  return Object.fromEntries(Object.entries(values).map(([name, lists]) => [name, meanOfMeasured(lists, seed, clusters)]));
}

/** Of the lists that have a value; NaN: none. */
function meanOfMeasured(values: Float64Array, seed: number, clusters: Clusters | undefined): Interval {
  const measured = Array.from(values, (_, list) => list).filter((list) => !Number.isNaN(values[list]));
  const of = clusters && measured.map((list) => clusters[list]);
  return bootstrapMean(
    measured.map((list) => values[list]),
    seed,
    of,
  );
}

/** The lists of one segment; `low` and `high`: 95 % bootstrap interval. */
export interface SegmentLift {
  readonly segment: string;
  /** Relative lift of the mean. */
  readonly lift: number;
  readonly low: number;
  readonly high: number;
  readonly queries: number;
}

/** Lift of a over b in each segment, the greatest first; a list may lie in several segments. */
export function liftBySegment(
  a: Float64Array,
  b: Float64Array,
  segmentsOf: (list: number) => readonly string[],
  seed: number,
  clusters?: Clusters,
): readonly SegmentLift[] {
  const members = new Map<string, number[]>();
  for (let list = 0; list < a.length; list++) {
    if (Number.isNaN(a[list]) || Number.isNaN(b[list])) continue;
    for (const segment of segmentsOf(list)) members.set(segment, [...(members.get(segment) ?? []), list]);
  }
  return [...members]
    .map(([segment, lists]) => {
      const pick = (values: Float64Array): number[] => lists.map((list) => values[list]);
      const of = clusters && lists.map((list) => clusters[list]);
      const { mean, low, high } = bootstrapLift(pick(a), pick(b), seed, of);
      return { segment, lift: mean, low, high, queries: lists.length };
    })
    .sort((x, y) => y.lift - x.lift || (x.segment < y.segment ? -1 : 1));
}

/** `dominant object` or `no dominant object`, from the logged rows. */
export function objectSegment(data: LogData, list: number): readonly string[] {
  const column = data.names.indexOf('query-has-dominant-object');
  const { data: values, rows, columns } = listMatrix(data, list);
  return [rows > 0 && column >= 0 && values[column] > 0 && columns > 0 ? 'dominant object' : 'no dominant object'];
}

/** For each candidate source: NDCG@k among the items it proposed. */
export function ndcgBySource(data: LogData, scores: ListScores, k: number, seed: number): Readonly<Record<string, Interval>> {
  const columns = data.names.flatMap((name, column) => (name.startsWith('from-') ? [{ name, column }] : []));
  return Object.fromEntries(
    columns.map(({ name, column }) => {
      const values = Float64Array.from(data.lists, (_, list) => ndcgOfSource(data, list, scores(list), column, k) ?? Number.NaN);
      return [name.slice('from-'.length), meanOfMeasured(values, seed, clustersOf(data))];
    }),
  );
}

function ndcgOfSource(data: LogData, list: number, scores: ArrayLike<number>, column: number, k: number): number | null {
  const { data: rows, columns } = listMatrix(data, list);
  const grades = sliceLists(data, list, list + 1).grades;
  const of = Array.from(grades, (_, row) => row).filter((row) => rows[row * columns + column] > 0);
  return ndcg(
    gradesByScore(
      of.map((row) => grades[row]),
      of.map((row) => scores[row]),
    ),
    k,
  );
}
