/** Two images and their distance in bits, and whether they are known to show the same product. */
export interface KnownPair {
  readonly distance: number;
  readonly same: boolean;
}

/** A distance in bits and what it is worth on the pairs at hand. */
export interface ExactProductRule {
  /** Distances up to this are called the same product. */
  readonly distanceMax: number;
  readonly precision: number;
  /** Of all pairs that show the same product, also those that no search brought up: share up to the distance. */
  readonly recall: number;
  readonly pairs: number;
}

/**
 * Fits the exact-product rule: the largest distance at which pairs up to it are the same product with at least
 * `precisionMin`. Null where no distance is that precise.
 *
 * Given    pairs      what searches brought up
 *          sameCount  pairs of the same product that there are; those missing among `pairs` count as missed
 */
export function fitExactProduct(pairs: readonly KnownPair[], sameCount: number, precisionMin = 0.95): ExactProductRule | null {
  const sorted = [...pairs].sort((a, b) => a.distance - b.distance);
  let same = 0;
  let rule: ExactProductRule | null = null;
  for (const [i, pair] of sorted.entries()) {
    if (pair.same) same++;
    const lastOfItsDistance = sorted[i + 1]?.distance !== pair.distance;
    const precision = same / (i + 1);
    if (lastOfItsDistance && same > 0 && precision >= precisionMin) {
      rule = { distanceMax: pair.distance, precision, recall: same / sameCount, pairs: pairs.length };
    }
  }
  return rule;
}

/** What a distance is worth on pairs it was not fitted on; precision 1 where it calls none the same, recall 0 where none is. */
export function judgeExactProduct(pairs: readonly KnownPair[], sameCount: number, distanceMax: number): ExactProductRule {
  const near = pairs.filter(({ distance }) => distance <= distanceMax);
  const right = near.filter(({ same }) => same).length;
  return {
    distanceMax,
    precision: near.length === 0 ? 1 : right / near.length,
    recall: sameCount === 0 ? 0 : right / sameCount,
    pairs: pairs.length,
  };
}
