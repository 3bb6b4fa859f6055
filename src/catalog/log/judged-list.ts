import { replayGroupOf } from './replayed-list.ts';
import type { ServedItems, Surface } from './served-list.ts';

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
