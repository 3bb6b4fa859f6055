/**
 * The measures of LETOR 4.0 as its evaluation script (March 2009) computes them, so that published tables can be compared:
 * ties keep file order; gain 2^label - 1; discount 1 at positions 1 and 2, then 1 / log2(position); relevant means label 1
 * or more; queries without a relevant item score 0 and stay in every mean; a list shorter than k adds 0 to NDCG@k.
 */
import { type RankingData, listCount } from '../training/ranking-data.ts';

/** Means over all queries. */
interface Letor4Measures {
  readonly map: number;
  readonly meanNdcg: number;
  /** By k = 1 .. 10. */
  readonly ndcg: Readonly<Record<string, number>>;
  readonly p: Readonly<Record<string, number>>;
  readonly queries: number;
}

const POSITIONS = 10;

/** `scoresOf` gives one score per row of a list. */
export function letor4Measures(data: RankingData, scoresOf: (list: number) => ArrayLike<number>): Letor4Measures {
  const queries = listCount(data);
  const ndcgSums = new Float64Array(POSITIONS);
  const precisionSums = new Float64Array(POSITIONS);
  let map = 0;
  let meanNdcg = 0;
  for (let list = 0; list < queries; list++) {
    const ranked = rankedGrades(data, list, scoresOf(list));
    const curve = ndcgCurve(ranked);
    const precisions = precisionCurve(ranked);
    map += averagePrecision(ranked);
    meanNdcg += curve.length > 0 ? curve.reduce((sum, value) => sum + value, 0) / curve.length : 0;
    for (let k = 0; k < POSITIONS; k++) {
      ndcgSums[k] += curve[k] ?? 0;
      precisionSums[k] += precisions[k];
    }
  }
  return {
    map: map / queries,
    meanNdcg: meanNdcg / queries,
    ndcg: byPosition(ndcgSums, queries),
    p: byPosition(precisionSums, queries),
    queries,
  };
}

function rankedGrades(data: RankingData, list: number, scores: ArrayLike<number>): readonly number[] {
  const grades = data.grades.subarray(data.listStart[list], data.listStart[list + 1]);
  const order = Array.from(grades, (_, row) => row).sort((a, b) => scores[b] - scores[a] || a - b);
  return order.map((row) => grades[row]);
}

/** NDCG at every position of the list; all 0 when nothing is relevant. */
function ndcgCurve(ranked: readonly number[]): readonly number[] {
  const found = dcgCurve(ranked);
  const ideal = dcgCurve([...ranked].sort((a, b) => b - a));
  return found.map((value, at) => (ideal[at] > 0 ? value / ideal[at] : 0));
}

function dcgCurve(ranked: readonly number[]): readonly number[] {
  let sum = 0;
  return ranked.map((grade, at) => {
    sum += (2 ** grade - 1) / (at < 1 ? 1 : Math.log2(at + 1));
    return sum;
  });
}

function precisionCurve(ranked: readonly number[]): readonly number[] {
  let relevant = 0;
  return Array.from({ length: POSITIONS }, (_, at) => {
    if (ranked[at] >= 1) relevant++;
    return relevant / (at + 1);
  });
}

function averagePrecision(ranked: readonly number[]): number {
  let relevant = 0;
  let sum = 0;
  ranked.forEach((grade, at) => {
    if (grade >= 1) sum += ++relevant / (at + 1);
  });
  return relevant > 0 ? sum / relevant : 0;
}

function byPosition(sums: Float64Array, queries: number): Record<string, number> {
  return Object.fromEntries(Array.from(sums, (sum, at) => [String(at + 1), sum / queries]));
}
