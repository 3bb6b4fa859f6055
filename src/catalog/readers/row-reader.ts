/** What the readers of file formats have in common: rows in chunks, and where to go on after each chunk. */
import type { RecordShape } from '../pins/records.ts';
import type { SourceRow } from '../pins/upsert.ts';

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

/** Streams the rows of a file from a place on; memory stays flat however long the file is. */
export type RowReader = (file: string, shape: RecordShape, from: Position) => AsyncIterable<RowChunk>;
