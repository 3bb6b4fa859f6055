/**
 * Features that one thread has loaded and others of the process read and keep up in place. Each thread takes in every row that
 * is written to the store; two that write the same row write the same bytes. A thread whose table becomes too small goes on
 * with a larger one of its own.
 */
import type { CodeTable } from './visual-features.ts';

export interface SharedFeatures {
  /** Net and digest of the artifact that the tables were read from: whoever opens another one does not take them. */
  readonly of: string;
  readonly image: CodeTable;
  /** Of the class scores; null while they are read from the file, and where there are signs. */
  readonly scores: WebAssembly.Memory | null;
  /** Of a net with a short code of fc8, in place of its scores; null for others. */
  readonly signs: CodeTable | null;
}

export type SharedTables = readonly SharedFeatures[];

export const NO_TABLES: SharedTables = [];
