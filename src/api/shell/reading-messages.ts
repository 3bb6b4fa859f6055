/** What the writing process and the reading processes say to each other. */
import { type ServedList, sharedNames } from '../../catalog/log/served-list.ts';
import type { PinNames } from '../../catalog/log/sent-list.ts';
import type { Config } from '../../config.ts';
import type { ErrorCode } from '../../errors.ts';
import { FEATURE_COLUMNS } from '../../ranker/scoring/feature-table.ts';

/** From the writer: what to serve, and when to end. */
export type WriterWord =
  | {
      readonly kind: 'serve';
      readonly config: Config;
      readonly dataFolder: string;
      readonly writer: string;
      /** Lists are to come with the ids of their pins. */
      readonly byId: boolean;
    }
  | { readonly kind: 'stop' };

/** What a ServiceError is made of: errors lose their class between processes. */
interface Refusal {
  readonly code: ErrorCode;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** From a reader: that it hears (what was said before is lost), where it listens, lists it has served, its metrics, or why it could not begin. */
export type ReaderWord =
  | { readonly kind: 'hearing' }
  | { readonly kind: 'listening'; readonly address: string }
  | { readonly kind: 'lists'; readonly lists: readonly ServedList[]; readonly names: readonly PinNames[] | null }
  | { readonly kind: 'metrics'; readonly metrics: object }
  | { readonly kind: 'failed'; readonly reason: string; readonly refused: Refusal | null };

/** The names of the feature columns are known on both sides: they stay at home. */
export function packedList(list: ServedList): ServedList {
  return { ...list, items: { ...list.items, rows: { ...list.items.rows, names: [] } } };
}

/** The list as it was, its source names shared with others. */
export function unpackedList(list: ServedList): ServedList {
  const { items } = list;
  return { ...list, items: { ...items, sourceNames: sharedNames(items.sourceNames), rows: { ...items.rows, names: FEATURE_COLUMNS } } };
}
