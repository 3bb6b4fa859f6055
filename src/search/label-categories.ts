import type { PinColumns } from '../catalog/pin-columns.ts';
import { heaviestCategory } from './category-conformity.ts';

/** Which categories the pictures that hold a kind of object are of: label -> category ordinal -> share of those pictures. */
export type LabelCategories = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** A picture and the kinds of object in it. */
export interface LabelledPin {
  readonly pinIndex: number;
  readonly labels: readonly string[];
}

/** Counts each picture once per label, by its heaviest category; pictures without a category say nothing. */
export function labelCategories(pins: Iterable<LabelledPin>, columns: PinColumns): LabelCategories {
  const counts = new Map<string, Map<number, number>>();
  for (const { pinIndex, labels } of pins) {
    const category = heaviestCategory(pinIndex, columns);
    if (category < 0) continue;
    for (const label of new Set(labels)) {
      const known = counts.get(label) ?? new Map<number, number>();
      known.set(category, (known.get(category) ?? 0) + 1);
      counts.set(label, known);
    }
  }
  for (const known of counts.values()) {
    const total = [...known.values()].reduce((sum, count) => sum + count, 0);
    for (const [category, count] of known) known.set(category, count / total);
  }
  return counts;
}

/** Results looked at: nearer ones say more about the crop than the fifty of conformity. */
const DEPTH = 20;
/** Labelled results below which nothing is said. */
const LABELLED_MIN = 5;

/**
 * How well results agree with what the detector said: the mean over the first 20 labelled results of P(their category |
 * the detection's label). Conformity asks whether results agree with each other, and a belt found on trousers has results
 * that agree very well, on trousers. Null when too few are labelled, or the label was never seen.
 *
 * Worked case: shoes stand in 3/4 fashion and 1/4 sports pictures; of 20 results 10 are fashion, 10 art: 0.375.
 */
export function labelAgreement(label: string, pinIndexes: ArrayLike<number>, columns: PinColumns, known: LabelCategories): number | null {
  const shares = known.get(label);
  if (!shares) return null;
  let sum = 0;
  let labelled = 0;
  for (let r = 0; r < pinIndexes.length && labelled < DEPTH; r++) {
    const category = heaviestCategory(pinIndexes[r], columns);
    if (category < 0) continue;
    labelled++;
    sum += shares.get(category) ?? 0;
  }
  return labelled < LABELLED_MIN ? null : sum / labelled;
}
