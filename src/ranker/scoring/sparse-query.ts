import type { SparseRows } from '../../catalog/pins/pin-columns.ts';

/** The factor of the golden ratio (Knuth, volume 3, 6.4): spreads ordinals that lie close together. */
export const SPREAD = 0x9e3779b1;
const SLOTS_MIN = 512;

/**
 * The sparse row of a query as a table that others are looked up in: open addressing, at most a quarter full, and small, so
 * that it stays in the processor's first cache however many words the catalogue has. Nearly every look-up ends at a free slot.
 */
export class SparseQuery {
  /** Ordinal in each slot, -1 in a free one. */
  keys = new Int32Array(SLOTS_MIN).fill(-1);
  weights = new Float32Array(SLOTS_MIN);
  /** An ordinal's first slot is its product with SPREAD, shifted right by this. */
  shift = 32 - Math.log2(SLOTS_MIN);
  /** 0: the query has no entries, or there is no query. */
  size = 0;

  /** Takes over a row; row -1 is empty. */
  take({ start, length, ordinals, weights }: SparseRows, row: number): void {
    this.keys.fill(-1);
    this.size = row < 0 ? 0 : length[row];
    if (this.size * 4 > this.keys.length) this.grow();
    for (let e = row < 0 ? 0 : start[row], end = e + this.size; e < end; e++) {
      const slot = this.slotOf(ordinals[e]);
      this.keys[slot] = ordinals[e];
      this.weights[slot] = weights[e];
    }
  }

  /** The slot an ordinal stands in, or the free one where it would. */
  slotOf(ordinal: number): number {
    const { keys, shift } = this;
    const mask = keys.length - 1;
    let slot = Math.imul(ordinal, SPREAD) >>> shift;
    while (keys[slot] !== -1 && keys[slot] !== ordinal) slot = (slot + 1) & mask;
    return slot;
  }

  private grow(): void {
    const slots = 2 ** Math.ceil(Math.log2(this.size * 4));
    this.keys = new Int32Array(slots).fill(-1);
    this.weights = new Float32Array(slots);
    this.shift = 32 - Math.log2(slots);
  }
}
