/** Sparse rows over one pool: row r is `ordinals[start[r] .. start[r] + length[r])`, ascending, with their weights. */
export interface SparseRows {
  readonly start: Uint32Array;
  readonly length: Uint16Array;
  readonly ordinals: Uint32Array;
  readonly weights: Float32Array;
}

/** Where rows of one or several kinds put their entries. Kinds that share a pool and are set together lie side by side. */
export class SparsePool {
  ordinals = new Uint32Array(1024);
  weights = new Float32Array(1024);
  end = 0;

  /** Appends entries in the order given; returns where they begin. */
  append(entries: readonly (readonly [number, number])[]): number {
    const start = this.end;
    if (start + entries.length > this.ordinals.length) this.grow(start + entries.length);
    for (const [ordinal, weight] of entries) {
      this.ordinals[this.end] = ordinal;
      this.weights[this.end++] = weight;
    }
    return start;
  }

  /** Everything there is, for `restore`. Views, not copies. */
  parts(): { readonly ordinals: Uint32Array; readonly weights: Float32Array } {
    return { ordinals: this.ordinals.subarray(0, this.end), weights: this.weights.subarray(0, this.end) };
  }

  /** Takes over the parts of another pool; they belong to this one from now on. */
  restore({ ordinals, weights }: { readonly ordinals: Uint32Array<ArrayBuffer>; readonly weights: Float32Array<ArrayBuffer> }): void {
    this.ordinals = ordinals;
    this.weights = weights;
    this.end = ordinals.length;
  }

  private grow(needed: number): void {
    const entries = Math.max(needed, 1024, this.ordinals.length * 2);
    this.ordinals = copied(this.ordinals, new Uint32Array(entries));
    this.weights = copied(this.weights, new Float32Array(entries));
  }
}

/** Sparse rows that grow: a row that is set again is written at the pool's end, the old place is left behind. */
export class GrowingSparseRows implements SparseRows {
  start = new Uint32Array(256);
  length = new Uint16Array(256);
  private readonly pool: SparsePool;

  constructor(pool: SparsePool = new SparsePool()) {
    this.pool = pool;
  }

  get ordinals(): Uint32Array {
    return this.pool.ordinals;
  }

  get weights(): Float32Array {
    return this.pool.weights;
  }

  /** Sets a row; entries in any order, ordinals without repeats. */
  set(row: number, entries: readonly (readonly [number, number])[]): void {
    if (row >= this.start.length) this.growRows(row + 1);
    const sorted = entries.length > 1 ? [...entries].sort((a, b) => a[0] - b[0]) : entries;
    this.start[row] = this.pool.append(sorted);
    this.length[row] = sorted.length;
  }

  /** Where the first `rows` rows lie in the pool, for `restore`. Views, not copies. */
  parts(rows: number): { readonly start: Uint32Array; readonly length: Uint16Array } {
    return { start: this.start.subarray(0, rows), length: this.length.subarray(0, rows) };
  }

  /** Takes over the parts of other rows, whose pool was restored too. */
  restore({ start, length }: { readonly start: Uint32Array<ArrayBuffer>; readonly length: Uint16Array<ArrayBuffer> }): void {
    this.start = start;
    this.length = length;
  }

  private growRows(needed: number): void {
    const rows = Math.max(needed, this.start.length * 2);
    this.start = copied(this.start, new Uint32Array(rows));
    this.length = copied(this.length, new Uint16Array(rows));
  }
}

/** Copies `from` to the beginning of `to`. */
export function copied<T extends { set(from: T): void }>(from: T, to: T): T {
  to.set(from);
  return to;
}
