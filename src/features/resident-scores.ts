/** Class scores of many pins in memory that WebAssembly can read, and their dot products with a query. */
import { existsSync, readFileSync } from 'node:fs';
import { assetUrl } from '../worker-url.ts';

const PAGE_BYTES = 65_536;
/** Floats of a row are filled up to a multiple of this. */
const GROUP = 16;
/** Rows asked for in one call of the kernel; more are asked for in turns. */
const CHUNK_ROWS = 4096;

type Dots = (base: number, bytes: number, query: number, rows: number, count: number, out: number) => void;

/** Rows 0 .. `rows` of `length` class scores each; zero until set. */
export class ResidentScores {
  readonly rows: number;
  readonly length: number;
  private readonly width: number;
  private readonly base: number;
  private readonly values: Float32Array;
  private readonly query: Float32Array;
  private readonly asked: Int32Array;
  private readonly found: Float32Array;
  private readonly dotsOf: Dots | null;

  /** @throws RangeError beyond the 4 GiB that WebAssembly can address. */
  constructor(rows: number, length: number) {
    this.rows = rows;
    this.length = length;
    this.width = Math.ceil(length / GROUP) * GROUP;
    const queryAt = 64;
    const askedAt = queryAt + this.width * 4;
    const foundAt = askedAt + CHUNK_ROWS * 4;
    this.base = foundAt + CHUNK_ROWS * 4;
    const pages = Math.ceil((this.base + rows * this.width * 4) / PAGE_BYTES);
    if (pages > 65_536) throw new RangeError(`${rows} rows of ${length} class scores are over 4 GiB`);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.values = new Float32Array(memory.buffer, this.base, rows * this.width);
    this.query = new Float32Array(memory.buffer, queryAt, this.width);
    this.asked = new Int32Array(memory.buffer, askedAt, CHUNK_ROWS);
    this.found = new Float32Array(memory.buffer, foundAt, CHUNK_ROWS);
    this.dotsOf = kernelOver(memory);
  }

  /** Sets rows from `first` on from scores that stand row after row. */
  set(first: number, scores: Float32Array): void {
    const { length, width, values } = this;
    for (let at = 0, to = first * width; at < scores.length; at += length, to += width) values.set(scores.subarray(at, at + length), to);
  }

  row(row: number): Float32Array {
    return this.values.slice(row * this.width, row * this.width + this.length);
  }

  /** Dot products of `query` with these rows; every index must be below `rows`. */
  dots(query: Float32Array, rows: Int32Array, count: number, out: Float32Array): void {
    this.query.set(query);
    for (let first = 0; first < count; first += CHUNK_ROWS) {
      const some = Math.min(CHUNK_ROWS, count - first);
      this.asked.set(rows.subarray(first, first + some));
      if (this.dotsOf) this.dotsOf(this.base, this.width * 4, 64, this.asked.byteOffset, some, this.found.byteOffset);
      else for (let i = 0; i < some; i++) this.found[i] = plainDot(this.query, this.values, this.asked[i] * this.width);
      out.set(this.found.subarray(0, some), first);
    }
  }
}

/** Four groups of four sums in single precision: the plain twin of class-cosines.wat. */
export function plainDot(query: Float32Array, values: Float32Array, at: number): number {
  const sums = new Float32Array(GROUP);
  for (let i = 0; i < query.length; i++) sums[i % GROUP] += Math.fround(values[at + i] * query[i]);
  const { fround } = Math;
  const lane = (l: number): number => fround(fround(sums[l] + sums[4 + l]) + fround(sums[8 + l] + sums[12 + l]));
  return fround(fround(lane(0) + lane(1)) + fround(lane(2) + lane(3)));
}

let module: WebAssembly.Module | null | undefined;

/** Null where the kernel was not built. */
function kernelOver(memory: WebAssembly.Memory): Dots | null {
  const url = assetUrl(import.meta.url, './class-cosines.wasm');
  if (module === undefined) module = existsSync(url) ? new WebAssembly.Module(readFileSync(url)) : null;
  return module === null ? null : (new WebAssembly.Instance(module, { scores: { memory } }).exports.dots as Dots);
}
