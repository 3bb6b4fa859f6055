/** The factor of the golden ratio (Knuth, volume 3, 6.4): spreads numbers that lie close together. */
const SPREAD = 0x9e3779b1;

/**
 * Which row a pin, or a near-duplicate group, has in a list: open addressing, at most half full, small enough to stay in the
 * processor's caches, where a mark for every pin of the catalogue would not.
 */
export class RowTable {
  private keys = new Int32Array(1024);
  private rows = new Int32Array(1024);
  private mask = 1023;
  private shift = 22;

  /** Empties the table and makes room for so many keys. */
  begin(keys: number): void {
    if (keys * 2 > this.keys.length) {
      const bits = Math.ceil(Math.log2(keys * 2));
      this.keys = new Int32Array(2 ** bits);
      this.rows = new Int32Array(2 ** bits);
      this.mask = 2 ** bits - 1;
      this.shift = 32 - bits;
    }
    this.keys.fill(-1);
  }

  /** `key` is not negative. */
  set(key: number, row: number): void {
    const slot = this.slotOf(key);
    this.keys[slot] = key;
    this.rows[slot] = row;
  }

  /** The row of a key; one that is not here gets `row`. */
  claim(key: number, row: number): number {
    const slot = this.slotOf(key);
    if (this.keys[slot] === key) return this.rows[slot];
    this.keys[slot] = key;
    this.rows[slot] = row;
    return row;
  }

  has(key: number): boolean {
    return this.keys[this.slotOf(key)] === key;
  }

  /** The row of a key, -1 for one that is not here. */
  rowOf(key: number): number {
    const slot = this.slotOf(key);
    return this.keys[slot] === key ? this.rows[slot] : -1;
  }

  private slotOf(key: number): number {
    const { keys, mask } = this;
    let slot = Math.imul(key, SPREAD) >>> this.shift;
    while (keys[slot] !== -1 && keys[slot] !== key) slot = (slot + 1) & mask;
    return slot;
  }
}
