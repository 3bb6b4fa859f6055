import type { PairWeights, PreferenceLists } from '../../src/ranker/training/preference-sums.ts';

/** One preference: `better` should stand above `worse`; both are row indexes of one list. */
export interface PreferencePair {
  readonly better: number;
  readonly worse: number;
  readonly weight: number;
}

/** Every preference pair, written out: the plain twin of the sums in preference-sums.ts, for its tests and for exports. */
export function* preferencePairs(lists: PreferenceLists, weights: PairWeights = {}): Generator<PreferencePair> {
  const { start, levels, levelCount } = lists;
  for (let list = 0; list + 1 < start.length; list++) {
    for (let i = start[list]; i < start[list + 1]; i++) {
      for (let j = start[list]; j < start[list + 1]; j++) {
        if (levels[i] <= levels[j]) continue;
        const grades = weights.grades ? weights.grades[levels[i] * levelCount + levels[j]] : 1;
        yield {
          better: i,
          worse: j,
          weight: (weights.list?.[list] ?? 1) * (weights.better?.[i] ?? 1) * (weights.worse?.[j] ?? 1) * grades,
        };
      }
    }
  }
}

/** The Rank-SVM objective by enumerating pairs: what rank-svm.ts minimizes without writing them out. `prior` absent: 0. */
export function pairwiseObjective(
  rows: ArrayLike<number>,
  columns: number,
  w: ArrayLike<number>,
  lists: PreferenceLists,
  c: number,
  weights: PairWeights = {},
  prior?: ArrayLike<number>,
): number {
  const score = (row: number): number => {
    let sum = 0;
    for (let column = 0; column < columns; column++) sum += rows[row * columns + column] * w[column];
    return sum;
  };
  let objective = 0;
  for (let column = 0; column < columns; column++) objective += (w[column] - (prior?.[column] ?? 0)) ** 2 / 2;
  for (const { better, worse, weight } of preferencePairs(lists, weights))
    objective += c * weight * Math.max(0, 1 - score(better) + score(worse)) ** 2;
  return objective;
}
