/** Sparse rows over one pool: row r is `ordinals[start[r] .. start[r] + length[r])`, ascending, with their weights. */
export interface SparseRows {
  readonly start: Uint32Array;
  readonly length: Uint16Array;
  readonly ordinals: Uint32Array;
  readonly weights: Float32Array;
}

/** Sparse rows whose memory is given away. */
export interface OwnedRows {
  readonly start: Uint32Array<ArrayBuffer>;
  readonly length: Uint16Array<ArrayBuffer>;
  readonly ordinals: Uint32Array<ArrayBuffer>;
  readonly weights: Float32Array<ArrayBuffer>;
}

/** Sparse rows that grow: a row that is set again is written at the pool's end, the old place is left behind. */
export class GrowingSparseRows implements SparseRows {
  start = new Uint32Array(256);
  length = new Uint16Array(256);
  ordinals = new Uint32Array(1024);
  weights = new Float32Array(1024);
  private end = 0;

  /** Sets a row; entries in any order, ordinals without repeats. */
  set(row: number, entries: readonly (readonly [number, number])[]): void {
    if (row >= this.start.length) this.growRows(row + 1);
    if (this.end + entries.length > this.ordinals.length) this.growPool(this.end + entries.length);
    const sorted = entries.length > 1 ? [...entries].sort((a, b) => a[0] - b[0]) : entries;
    this.start[row] = this.end;
    this.length[row] = sorted.length;
    for (const [ordinal, weight] of sorted) {
      this.ordinals[this.end] = ordinal;
      this.weights[this.end++] = weight;
    }
  }

  /** The first `rows` rows and the pool, for `restore`. Views, not copies. */
  parts(rows: number): SparseRows {
    const { start, length, ordinals, weights, end } = this;
    return { start: start.subarray(0, rows), length: length.subarray(0, rows), ordinals: ordinals.subarray(0, end), weights: weights.subarray(0, end) };
  }

  /** Takes over the parts of other rows; they belong to this from now on. */
  restore({ start, length, ordinals, weights }: OwnedRows): void {
    this.start = start;
    this.length = length;
    this.ordinals = ordinals;
    this.weights = weights;
    this.end = ordinals.length;
  }

  private growRows(needed: number): void {
    const rows = Math.max(needed, this.start.length * 2);
    this.start = copied(this.start, new Uint32Array(rows));
    this.length = copied(this.length, new Uint16Array(rows));
  }

  private growPool(needed: number): void {
    const entries = Math.max(needed, 1024, this.ordinals.length * 2);
    this.ordinals = copied(this.ordinals, new Uint32Array(entries));
    this.weights = copied(this.weights, new Float32Array(entries));
  }
}

/** Copies `from` to the beginning of `to`. */
export function copied<T extends { set(from: T): void }>(from: T, to: T): T {
  to.set(from);
  return to;
}
