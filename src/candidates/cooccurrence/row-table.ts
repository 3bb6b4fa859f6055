/** The factor of the golden ratio (Knuth, volume 3, 6.4): spreads numbers that lie close together. */
export const SPREAD = 0x9e3779b1;
/** Slots of the smallest table, as a power of two. */
const MIN_BITS = 10;

/**
 * Which row a pin, or a near-duplicate group, has in a list: open addressing, at most half full, small enough to stay in the
 * processor's caches, where a mark for every pin of the catalogue would not.
 */
export class RowTable {
  /** A key and its row side by side, so that both are in one line of the cache. */
  private slots = new Int32Array(2 << MIN_BITS);
  private mask = (1 << MIN_BITS) - 1;
  private shift = 32 - MIN_BITS;

  /** Empties the table and makes room for so many keys. */
  begin(keys: number): void {
    const bits = Math.max(MIN_BITS, Math.ceil(Math.log2(keys * 2)));
    if (2 << bits > this.slots.length) this.slots = new Int32Array(2 << bits);
    this.mask = (1 << bits) - 1;
    this.shift = 32 - bits;
    this.slots.fill(-1, 0, 2 << bits);
  }

  /** `key` is not negative. */
  set(key: number, row: number): void {
    const slot = this.slotOf(key);
    this.slots[slot] = key;
    this.slots[slot + 1] = row;
  }

  /** The row of a key; one that is not here gets `row`. */
  claim(key: number, row: number): number {
    const slot = this.slotOf(key);
    if (this.slots[slot] === key) return this.slots[slot + 1];
    this.slots[slot] = key;
    this.slots[slot + 1] = row;
    return row;
  }

  has(key: number): boolean {
    return this.slots[this.slotOf(key)] === key;
  }

  /** The row of a key, -1 for one that is not here. */
  rowOf(key: number): number {
    const slot = this.slotOf(key);
    return this.slots[slot] === key ? this.slots[slot + 1] : -1;
  }

  private slotOf(key: number): number {
    const { slots, mask } = this;
    let at = Math.imul(key, SPREAD) >>> this.shift;
    while (slots[2 * at] !== -1 && slots[2 * at] !== key) at = (at + 1) & mask;
    return 2 * at;
  }
}
