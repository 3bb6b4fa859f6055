/**
 * How good an order is. Ranks come from scores with ties ranked pessimistically: among equal scores the worse grade stands
 * first, so that a ranker that says nothing gains nothing. Formulas: DESIGN section 7; Jarvelin and Kekalainen 2002 (NDCG).
 */

/** `exponential`: gain 2^grade - 1 (ours). `linear`: gain = grade (Jarvelin and Kekalainen). */
type Gain = 'exponential' | 'linear';

/** Grades in the order of the scores, best score first. */
export function gradesByScore(grades: ArrayLike<number>, scores: ArrayLike<number>): number[] {
  const order = Array.from({ length: grades.length }, (_, item) => item);
  order.sort((a, b) => scores[b] - scores[a] || grades[a] - grades[b]);
  return order.map((item) => grades[item]);
}

/**
 * NDCG@k of grades in ranked order: gain over log2(1 + rank), divided by the best possible. Null without a positive grade:
 * such lists are left out and counted. A hidden item (grade below 0) earns nothing, as one that was seen.
 * Grades 0, 4 ranked so: (15 / log2(3)) / 15 = 0.6309.
 */
export function ndcg(ranked: readonly number[], k: number, gain: Gain = 'exponential'): number | null {
  const ideal = dcg(
    [...ranked].sort((a, b) => b - a),
    k,
    gain,
  );
  return ideal > 0 ? dcg(ranked, k, gain) / ideal : null;
}

function dcg(ranked: readonly number[], k: number, gain: Gain): number {
  let sum = 0;
  for (let at = 0; at < Math.min(k, ranked.length); at++) {
    const grade = Math.max(0, ranked[at]);
    const value = gain === 'exponential' ? 2 ** grade - 1 : grade;
    if (value !== 0) sum += value / Math.log2(at + 2);
  }
  return sum;
}

/** Mean over the relevant items of the precision at their rank; null without a relevant item (grade 1 or more). */
export function averagePrecision(ranked: readonly number[]): number | null {
  let relevant = 0;
  let sum = 0;
  ranked.forEach((grade, at) => {
    if (grade >= 1) sum += ++relevant / (at + 1);
  });
  return relevant > 0 ? sum / relevant : null;
}

/** 1 / rank of the first relevant item; null without one. */
export function reciprocalRank(ranked: readonly number[]): number | null {
  const at = ranked.findIndex((grade) => grade >= 1);
  return at < 0 ? null : 1 / (at + 1);
}

/** Share of relevant items among the first k (a shorter list counts as filled up with others); null without a relevant item. */
export function precision(ranked: readonly number[], k: number): number | null {
  if (!ranked.some((grade) => grade >= 1)) return null;
  return ranked.slice(0, k).filter((grade) => grade >= 1).length / k;
}

/** Share of pairs with different grades that are in the right order; equal scores are not. Null without such a pair. */
export function pairwiseAccuracy(grades: ArrayLike<number>, scores: ArrayLike<number>): number | null {
  let pairs = 0;
  let right = 0;
  for (let i = 0; i < grades.length; i++) {
    for (let j = 0; j < grades.length; j++) {
      if (grades[i] <= grades[j]) continue;
      pairs++;
      if (scores[i] > scores[j]) right++;
    }
  }
  return pairs > 0 ? right / pairs : null;
}

/** Kendall's tau-b of two scorings of the same items: 1 same order, -1 reversed; null when one of them ties everything. */
export function kendallTau(a: ArrayLike<number>, b: ArrayLike<number>): number | null {
  if (a.length !== b.length) throw new RangeError(`scores: lengths differ, ${a.length} and ${b.length}`);
  let agreement = 0;
  let untiedA = 0;
  let untiedB = 0;
  for (let i = 0; i < a.length; i++) {
    for (let j = i + 1; j < a.length; j++) {
      const da = Math.sign(a[i] - a[j]);
      const db = Math.sign(b[i] - b[j]);
      agreement += da * db;
      untiedA += da * da;
      untiedB += db * db;
    }
  }
  return untiedA > 0 && untiedB > 0 ? agreement / Math.sqrt(untiedA * untiedB) : null;
}
