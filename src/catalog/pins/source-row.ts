import type { RejectionReason } from './rejection.ts';

export type CatalogKind = 'pins' | 'boards' | 'saves';

/** One row as a reader found it: a raw record, or why it could not be read. */
export interface SourceRow {
  readonly line: number;
  readonly value?: unknown;
  readonly reason?: RejectionReason;
  /** The beginning of a row that could not be read. */
  readonly text?: string;
}
