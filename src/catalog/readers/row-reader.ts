/** What the readers of file formats have in common: rows in chunks, and where to go on after each chunk. */
import { reasonOf, ServiceError } from '../../errors.ts';
import type { SourceRow } from '../pins/source-row.ts';
import type { FieldNames } from './field-names.ts';

/** A place between two rows. `byte` is used where the format allows to jump, `rows` where rows are counted. */
export interface Position {
  readonly byte: number;
  readonly rows: number;
  /** The last line before the place. */
  readonly line: number;
}

export const BEGINNING: Position = { byte: 0, rows: 0, line: 0 };

export interface RowChunk {
  readonly rows: readonly SourceRow[];
  /** Where the row after this chunk begins. */
  readonly next: Position;
}

/**
 * Streams the rows of a file from a place on; memory stays flat however long the file is. Where reading can't go on, all
 * rows before are given first, then `unreadable` is thrown with the line.
 */
export type RowReader = (file: string, names: FieldNames, from: Position) => AsyncIterable<RowChunk>;

/** The refusal of a file from `line` on. */
export function unreadable(file: string, format: string, line: number, error: unknown): ServiceError {
  const reason = `${reasonOf(error)}${line > 0 ? ` (line ${line})` : ''}`;
  return new ServiceError('CATALOG_FILE_UNREADABLE', { file, format, reason, line }, error);
}
