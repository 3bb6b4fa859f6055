import { replayGroupOf } from './replayed-list.ts';
import type { ServedItems, Surface } from './served-list.ts';

/** What a person did with an item, as a grade: save > long click > click > closeup > seen > hidden. */
export const GRADES = { save: 4, longClick: 3, click: 2, closeup: 1, impression: 0, hide: -1 } as const;
/** A grade for each type of event; `impression` is that of an item that was seen and left alone. */
export type Grades = Readonly<Record<keyof typeof GRADES, number>>;

/**
 * A served list and what happened to its items: the training example of the ranker. `grades[i]` is the best action on
 * item i within the attribution window (0: seen, or not returned: see `items.positions`), or below 0 for an item that was hidden.
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
  readonly grades: Float32Array;
}

/**
 * Names the truth of a list. Lists of one name are no independent witnesses: those of a query; without a query, those of a user; of
 * a replay, those of the owner whose boards were left out.
 */
export function truthOf(list: Pick<JudgedList, 'recommendationId' | 'queryPinIndex' | 'userId'>): string {
  const { queryPinIndex, userId, recommendationId } = list;
  const group = replayGroupOf(recommendationId);
  if (group !== null) return `replay ${group}`;
  return queryPinIndex < 0 ? `user ${userId ?? recommendationId}` : `query ${queryPinIndex}`;
}
