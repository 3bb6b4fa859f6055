/** What the writing thread and the reading threads say to each other. */
import { type ServedList, sharedNames } from '../../catalog/log/served-list.ts';
import type { PinNames } from '../../catalog/log/sent-list.ts';
import type { Config } from '../../config.ts';
import type { ErrorCode } from '../../errors.ts';
import type { SharedTables } from '../../features/shared-tables.ts';
import { FEATURE_COLUMNS } from '../../ranker/scoring/feature-table.ts';

/** What a reader is started with. Any message that follows asks it to end. */
export interface ReaderOrder {
  /** Its port is the one that all readers share; 0: the first of them picks one. */
  readonly config: Config;
  readonly dataFolder: string;
  /** The path of the socket to which it passes on what it does not answer. */
  readonly writer: string;
  /** Lists are to come with the ids of their pins. */
  readonly byId: boolean;
  /** Tables that another thread has loaded. */
  readonly tables: SharedTables;
  /** Its place among the readers that are there, from 0: no two have the same. */
  readonly slot: number;
}

/** What a ServiceError is made of: errors lose their class between threads. */
interface Refusal {
  readonly code: ErrorCode;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** From a reader: where it listens and what tables it has, lists it has served, its metrics, or why it could not begin. */
export type ReaderWord =
  | { readonly kind: 'listening'; readonly address: string; readonly tables: SharedTables }
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
