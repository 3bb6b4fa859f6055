/** Our measures of a ranker on graded lists: one value per list where it has one, and their means with intervals. */
import { bootstrapMean, type Clusters, type Interval } from '../../math/bootstrap.ts';
import { listCount, type RankingData } from '../training/ranking-data.ts';
import { averagePrecision, gradesByScore, kendallTau, ndcg, pairwiseAccuracy, precision, reciprocalRank } from './ranking-metrics.ts';

/** Each gives the value of one list, null where the list has none. */
const MEASURES = {
  'ndcg@1': (list: ScoredList) => ndcg(list.ranked, 1),
  'ndcg@5': (list: ScoredList) => ndcg(list.ranked, 5),
  'ndcg@10': (list: ScoredList) => ndcg(list.ranked, 10),
  'ndcg@25': (list: ScoredList) => ndcg(list.ranked, 25),
  'ndcg@10 linear gain': (list: ScoredList) => ndcg(list.ranked, 10, 'linear'),
  map: (list: ScoredList) => averagePrecision(list.ranked),
  mrr: (list: ScoredList) => reciprocalRank(list.ranked),
  'precision@5': (list: ScoredList) => precision(list.ranked, 5),
  'precision@10': (list: ScoredList) => precision(list.ranked, 10),
  'pairwise accuracy': (list: ScoredList) => pairwiseAccuracy(list.grades, list.scores),
  'kendall tau': (list: ScoredList) => kendallTau(list.grades, list.scores),
} as const;

interface ScoredList {
  readonly grades: ArrayLike<number>;
  readonly scores: ArrayLike<number>;
  readonly ranked: readonly number[];
}

/** `measures`: by name the mean over the lists that have a value, with a bootstrap interval. */
interface Evaluation {
  readonly measures: Readonly<Record<string, Interval>>;
  readonly lists: number;
  /** Lists in which nothing is relevant: no measure can tell an order of them from another. */
  readonly listsWithoutPositive: number;
}

/** Every measure over all lists; each list that has no value for a measure is left out of it. Absent clusters: a query is one list. */
export function evaluateScores(
  data: RankingData,
  scoresOf: (list: number) => ArrayLike<number>,
  seed: number,
  clusters?: Clusters,
): Evaluation {
  const values = new Map(Object.keys(MEASURES).map((name) => [name, { list: [] as number[], value: [] as number[] }]));
  let listsWithoutPositive = 0;
  for (let list = 0; list < listCount(data); list++) {
    const grades = data.grades.subarray(data.listStart[list], data.listStart[list + 1]);
    const scores = scoresOf(list);
    const scored = { grades, scores, ranked: gradesByScore(grades, scores) };
    if (!grades.some((grade) => grade > 0)) listsWithoutPositive++;
    for (const [name, measure] of Object.entries(MEASURES)) {
      const value = measure(scored);
      if (value === null) continue;
      values.get(name)?.value.push(value);
      values.get(name)?.list.push(list);
    }
  }
  const measures = Object.fromEntries(
    [...values].map(([name, { list, value }]) => [name, bootstrapMean(value, seed, clusters && list.map((one) => clusters[one]))]),
  );
  return { measures, lists: listCount(data), listsWithoutPositive };
}

/** NDCG@k per list; NaN where a list has no positive. */
export function ndcgPerList(data: RankingData, k: number, scoresOf: (list: number) => ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: listCount(data) }, (_, list) => {
    const grades = data.grades.subarray(data.listStart[list], data.listStart[list + 1]);
    return ndcg(gradesByScore(grades, scoresOf(list)), k) ?? Number.NaN;
  });
}
