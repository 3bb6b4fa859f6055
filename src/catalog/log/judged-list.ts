import type { ServedItems, Surface } from './served-list.ts';

/** What a person did with an item, as a grade: save > long click > click > closeup > seen. */
export const GRADES = { save: 4, longClick: 3, click: 2, closeup: 1, impression: 0 } as const;

/**
 * A served list and what happened to its items: the training example of the ranker. `grades[i]` is the best action on
 * item i within the attribution window (0: seen, or not returned: see `items.positions`).
 */
export interface JudgedList {
  readonly recommendationId: string;
  readonly at: number;
  readonly surface: Surface;
  readonly queryPinIndex: number;
  readonly userId: string | null;
  readonly arm: string | null;
  readonly modelVersion: string;
  readonly shuffled: boolean;
  readonly items: ServedItems;
  readonly grades: Uint8Array;
}
