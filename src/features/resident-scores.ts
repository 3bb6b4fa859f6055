/** Class scores of many pins in memory that WebAssembly can read, and their dot products with a query. */
import { ownSlot, SLOTS } from './scratch-slots.ts';
import { wasmKernel } from '../worker-url.ts';
import { type ScoreBytes } from './score-bytes.ts';

const PAGE_BYTES = 65_536;
/** Rows begin at cache lines. */
const LINE_BYTES = 64;
/** The sum of squares at the end of a row. */
const SQUARES_BYTES = 4;
/** Rows asked for in one call of the kernel; more are asked for in turns. */
const CHUNK_ROWS = 4096;
/** In place of the sum of squares where a pin has no scores. */
export const ABSENT = -1;

type Dots = (base: number, bytes: number, query: number, rows: number, count: number, out: number) => void;

/** Rows 0 .. `rows` of `length` class scores each, as bytes with their sum of squares; absent until set. */
export class ResidentScores {
  readonly rows: number;
  readonly length: number;
  /** Shared: other threads may be given it. */
  readonly memory: WebAssembly.Memory;
  private readonly rowBytes: number;
  private readonly base: number;
  private readonly bytes: Int8Array;
  private readonly words: Int32Array;
  private readonly query: Int16Array;
  private readonly asked: Int32Array;
  private readonly found: Int32Array;
  private readonly dotsOf: Dots;

  /** `filled`: the memory of another thread's rows, as many and as long. @throws RangeError beyond the 4 GiB that WebAssembly can address. */
  constructor(rows: number, length: number, filled: WebAssembly.Memory | null = null) {
    this.rows = rows;
    this.length = length;
    this.rowBytes = Math.ceil((length + SQUARES_BYTES) / LINE_BYTES) * LINE_BYTES;
    const slotBytes = this.rowBytes * 2 + CHUNK_ROWS * 12;
    this.base = LINE_BYTES + SLOTS * slotBytes;
    const queryAt = LINE_BYTES + (ownSlot() ?? 0) * slotBytes;
    const askedAt = queryAt + this.rowBytes * 2;
    const foundAt = askedAt + CHUNK_ROWS * 4;
    const pages = Math.ceil((this.base + rows * this.rowBytes) / PAGE_BYTES);
    if (pages > 65_536) throw new RangeError(`${rows} rows of ${length} class scores are over 4 GiB`);
    const memory = (this.memory = filled ?? new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }));
    this.bytes = new Int8Array(memory.buffer, this.base, rows * this.rowBytes);
    this.words = new Int32Array(memory.buffer, this.base, (rows * this.rowBytes) / 4);
    this.query = new Int16Array(memory.buffer, queryAt, this.rowBytes);
    this.asked = new Int32Array(memory.buffer, askedAt, CHUNK_ROWS);
    this.found = new Int32Array(memory.buffer, foundAt, CHUNK_ROWS * 2);
    this.dotsOf = kernelOver(memory);
    if (filled === null) for (let row = 0; row < rows; row++) this.words[this.squaresAt(row)] = ABSENT;
  }

  /** Sets a row; null: the pin has no scores. */
  set(row: number, scores: ScoreBytes | null): void {
    if (scores) this.bytes.set(scores.bytes, row * this.rowBytes);
    this.words[this.squaresAt(row)] = scores ? scores.squares : ABSENT;
  }

  /** A copy of a row's bytes; null where the pin has none. */
  row(row: number): Int8Array | null {
    if (this.words[this.squaresAt(row)] === ABSENT) return null;
    return this.bytes.slice(row * this.rowBytes, row * this.rowBytes + this.length);
  }

  /** Dot product with `query` and sum of squares (or ABSENT) of each row into `out`, in pairs; every index must be below `rows`. */
  dots(query: Int8Array, rows: Int32Array, count: number, out: Int32Array): void {
    this.query.set(query);
    for (let first = 0; first < count; first += CHUNK_ROWS) {
      const some = Math.min(CHUNK_ROWS, count - first);
      this.asked.set(rows.subarray(first, first + some));
      this.dotsOf(this.base, this.rowBytes, this.query.byteOffset, this.asked.byteOffset, some, this.found.byteOffset);
      out.set(this.found.subarray(0, 2 * some), 2 * first);
    }
  }

  private squaresAt(row: number): number {
    return ((row + 1) * this.rowBytes) / 4 - 1;
  }
}

function kernelOver(memory: WebAssembly.Memory): Dots {
  return new WebAssembly.Instance(wasmKernel(import.meta.url, './class-cosines.wasm'), { scores: { memory } }).exports.dots as Dots;
}
