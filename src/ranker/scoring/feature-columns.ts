/**
 * The ranking features of all candidates of a request, column by column: a feature writes its values one after the other,
 * and scoring reads whole columns. Columns that nobody asked for are zero in every row and cost nothing. What leaves a
 * request (the log's rows, explanations, other models) is copied out row by row.
 */
import type { Matrix } from '../../math/matrix.ts';

/** Rows are made room for in steps of this many. */
const ROW_STEP = 256;
const PAGE_BYTES = 65_536;

/** Where things lie in `memory`, in bytes: scratch for scoring, a score per row, the columns. */
export const TERM_BYTES = 32;
const TERMS_MAX = 1024;
export const SCORES_OFFSET = TERM_BYTES * TERMS_MAX;

/** Float32 columns in the order of `names`, in a memory that the SIMD kernel reads. Throws RangeError for more than 1,024 names. */
export class FeatureColumns {
  readonly names: readonly string[];
  /** Rows of the request at hand. */
  rows = 0;
  /** Rows there is room for, a multiple of 8. */
  capacity = 0;
  /** Replaced by a larger one when a request has more rows than any before. */
  memory: WebAssembly.Memory = new WebAssembly.Memory({ initial: 0 });
  private views: readonly Float32Array[] = [];
  private readonly used: Uint8Array;

  constructor(names: readonly string[], rows = 0) {
    this.names = names;
    this.used = new Uint8Array(names.length);
    if (names.length > TERMS_MAX) throw new RangeError(`names: expected at most ${TERMS_MAX}, got ${names.length}`);
    this.begin(rows);
  }

  /** Empties all columns and makes room. */
  begin(rows: number): void {
    this.rows = rows;
    this.used.fill(0);
    if (rows > this.capacity || this.capacity === 0) this.grow(Math.ceil((rows + 1) / ROW_STEP) * ROW_STEP);
  }

  private grow(capacity: number): void {
    const { names } = this;
    const offset = SCORES_OFFSET + capacity * 8;
    const pages = Math.ceil((offset + capacity * names.length * 4) / PAGE_BYTES);
    this.capacity = capacity;
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.views = names.map((_, c) => new Float32Array(this.memory.buffer, offset + c * capacity * 4, capacity));
  }

  /** The values of a column, `rows` of them and room behind; zeroed when first asked for. */
  column(column: number): Float32Array {
    const values = this.views[column];
    if (this.used[column] === 0) {
      this.used[column] = 1;
      values.fill(0, 0, this.rows);
    }
    return values;
  }

  /** Whether anybody asked for a column: if not, it is zero in every row. */
  isUsed(column: number): boolean {
    return this.used[column] === 1;
  }

  /** 0 in a column that nobody asked for. */
  valueAt(row: number, column: number): number {
    return this.used[column] === 1 ? this.views[column][row] : 0;
  }

  /** Copies of some rows, in the order given. */
  pickedRows(rows: ArrayLike<number>): Matrix {
    const { names, used, views } = this;
    const columns = names.length;
    const data = new Float32Array(rows.length * columns);
    for (let c = 0; c < columns; c++) {
      if (used[c] === 0) continue;
      const values = views[c];
      for (let i = 0; i < rows.length; i++) data[i * columns + c] = values[rows[i]];
    }
    return { rows: rows.length, columns, names, data };
  }

  /** A copy of all rows. */
  matrix(): Matrix {
    return this.pickedRows(Array.from({ length: this.rows }, (_, row) => row));
  }
}
