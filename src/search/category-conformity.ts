import type { PinColumns } from '../catalog/pins/pin-columns.ts';

/** What the results' categories say. */
interface Conformity {
  /** The category of most results, null when none has one. */
  readonly category: string | null;
  /** The largest share of the labelled results in one category; null when too few are labelled to tell. */
  readonly share: number | null;
}

/** Labelled results below which conformity says nothing, for or against: labels may simply be sparse. */
const LABELLED_MIN = 5;

/**
 * Category conformity (paper, section 7): the largest share of results in one category. A result counts for its heaviest
 * category; results without any are left out. Ties go to the earlier category.
 */
export function categoryConformity(pinIndexes: ArrayLike<number>, columns: PinColumns, depth = 50): Conformity {
  const counts = new Map<number, number>();
  let labelled = 0;
  for (let r = 0; r < Math.min(depth, pinIndexes.length); r++) {
    const category = heaviestCategory(pinIndexes[r], columns);
    if (category < 0) continue;
    labelled++;
    counts.set(category, (counts.get(category) ?? 0) + 1);
  }
  let best = -1;
  for (const [category, count] of counts) {
    const most = counts.get(best) ?? 0;
    if (count > most || (count === most && category < best)) best = category;
  }
  if (best < 0) return { category: null, share: null };
  const share = (counts.get(best) as number) / labelled;
  return { category: columns.categoryNames[best], share: labelled >= LABELLED_MIN ? share : null };
}

/** Ordinal of a pin's heaviest category, -1 without one; ties go to the lower ordinal. */
export function heaviestCategory(pinIndex: number, { categories }: PinColumns): number {
  const { start, length, ordinals, weights } = categories;
  let best = -1;
  let weight = 0;
  for (let i = start[pinIndex]; i < start[pinIndex] + length[pinIndex]; i++) {
    if (weights[i] <= weight) continue;
    best = ordinals[i];
    weight = weights[i];
  }
  return best;
}

/** Whether a pin belongs to a category at all. */
export function inCategory(pinIndex: number, category: number, { categories }: PinColumns): boolean {
  const { start, length, ordinals, weights } = categories;
  for (let i = start[pinIndex]; i < start[pinIndex] + length[pinIndex]; i++) {
    if (ordinals[i] === category) return weights[i] > 0;
  }
  return false;
}
