/** The factor of the golden ratio (Knuth, volume 3, 6.4): spreads groups that lie close together. */
const SPREAD = 0x9e3779b1;

/**
 * The near-duplicate groups a merge has taken, and the row of each: open addressing, at most half full, small enough to stay
 * in the processor's caches, where a mark for every pin of the catalogue would not.
 */
export class TakenGroups {
  private keys = new Int32Array(1024);
  private rows = new Int32Array(1024);
  private mask = 1023;
  private shift = 22;

  /** Empties the table and makes room for so many groups. */
  begin(groups: number): void {
    if (groups * 2 > this.keys.length) {
      const bits = Math.ceil(Math.log2(groups * 2));
      this.keys = new Int32Array(2 ** bits);
      this.rows = new Int32Array(2 ** bits);
      this.mask = 2 ** bits - 1;
      this.shift = 32 - bits;
    }
    this.keys.fill(-1);
  }

  take(group: number, row: number): void {
    const slot = this.slotOf(group);
    this.keys[slot] = group;
    this.rows[slot] = row;
  }

  has(group: number): boolean {
    return this.keys[this.slotOf(group)] === group;
  }

  /** The row a group was taken with, -1 when it was not. */
  rowOf(group: number): number {
    const slot = this.slotOf(group);
    return this.keys[slot] === group ? this.rows[slot] : -1;
  }

  private slotOf(group: number): number {
    const { keys, mask } = this;
    let slot = Math.imul(group, SPREAD) >>> this.shift;
    while (keys[slot] !== -1 && keys[slot] !== group) slot = (slot + 1) & mask;
    return slot;
  }
}
