/**
 * The short codes of fc8 of many pins, for nets that put one out (`fc8_code`): rows of 1 and -1, kept as bits. The cosine of two
 * rows is 1 - 2 Hamming / length, to the bit that of class-scores.ts, in an eighth of its memory.
 */
import type { ArtifactFile } from '../catalog/artifacts/artifact-file.ts';
import { packBits } from '../math/bits.ts';
import { worthOfDistances } from './code-similarity.ts';
import { allocateCodeTable, grownCodeTable, readCodes } from './code-table.ts';
import type { ClassScoreTable, CodeTable } from './visual-features.ts';

export class ClassSigns implements ClassScoreTable {
  readonly length: number;
  readonly isResident = true;
  /** Replaced by a larger one as pins arrive. */
  private table: CodeTable;
  private readonly cosineByDistance: Float32Array;

  /** `file` holds `signs` (pins x words) and `has`; null: everything is fresh. `filled`: another thread's rows of the same file. */
  constructor(length: number, file: ArtifactFile | null, pins: number, filled: CodeTable | null = null) {
    this.length = length;
    this.cosineByDistance = Float32Array.from({ length: length + 1 }, (_, distance) => (length - 2 * distance) / length);
    this.table = filled ?? allocateCodeTable(length, pins + Math.max(1024, pins >> 2));
    if (file && filled === null) readCodes(file, 'signs', this.table);
  }

  /** For other threads of this process that open the same artifact. */
  get shared(): CodeTable {
    return this.table;
  }

  cosines(query: Float32Array, pinIndexes: Int32Array, count: number, out: Float32Array): void {
    const { length } = this;
    if (query.length !== length) throw new RangeError(`query: expected ${length} class scores, got ${query.length}`);
    worthOfDistances([packBits(query)], this.table, pinIndexes, this.cosineByDistance, [out.subarray(0, count)]);
  }

  scoresOf(pinIndex: number): Float32Array | null {
    const { has, codes, words } = this.table;
    return has[pinIndex] === 1 ? signRow(codes, pinIndex * words, this.length) : null;
  }

  put(pinIndex: number, scores: Float32Array | null): void {
    const { capacity, words } = this.table;
    if (pinIndex >= capacity) this.table = grownCodeTable(this.table, Math.max(pinIndex + 1, Math.ceil(capacity * 1.5)));
    if (scores) this.table.codes.set(packBits(scores), pinIndex * words);
    this.table.has[pinIndex] = scores ? 1 : 0;
  }
}

/** The row of `length` whose bits begin at word `at`. */
export function signRow(signs: Uint32Array, at: number, length: number): Float32Array<ArrayBuffer> {
  const row = new Float32Array(length);
  for (let i = 0; i < length; i++) row[i] = (signs[at + (i >>> 5)] >>> (i & 31)) & 1 ? 1 : -1;
  return row;
}
