/**
 * What lists ask of every candidate, a record of 32 bytes per pin: a second copy of the pin columns for code that reads many
 * pins that lie anywhere. In columns a candidate costs a cache line and a page of each of eleven arrays; here it is half
 * a line, and the processor waits for memory once (docs/SCALE.md has the figures).
 *
 *   bytes 0 createdAt f64 | 8 saves u32 | 12 domain i32 | 16 group i32 | 20 first sparse entry u32
 *         24 categories u16 | 26 annotations u16 | 28 title words u16 | 30 flags u16
 *
 * The sparse entries of a pin stand in the pool one kind after the other, in this order.
 */
const RECORD_BYTES = 32;

/** Where a field stands in a record, counted in elements of its own array. */
export const SAVES = 2;
export const DOMAIN = 3;
export const GROUP = 4;
export const FIRST_ENTRY = 5;
export const CATEGORY_COUNT = 12;
export const ANNOTATION_COUNT = 13;
export const TITLE_COUNT = 14;
export const FLAGS = 15;

interface PinRecord {
  readonly createdAt: number;
  readonly saves: number;
  readonly domain: number;
  readonly group: number;
  readonly flags: number;
  readonly firstEntry: number;
  readonly categories: number;
  readonly annotations: number;
  readonly titleTerms: number;
}

/** Records of pins 0, 1, ... Arrays are replaced by longer ones as pins arrive: read them through the object each time. */
export class PinRecords {
  /** Record r at 4 r. */
  reals = new Float64Array(0);
  /** Record r at 8 r; counts and flags are not negative, so signed words serve for all. */
  words = new Int32Array(0);
  /** Record r at 16 r. */
  halves = new Uint16Array(0);

  set(pinIndex: number, record: PinRecord): void {
    if ((pinIndex + 1) * 8 > this.words.length) this.grow(pinIndex + 1);
    const { reals, words, halves } = this;
    reals[pinIndex * 4] = record.createdAt;
    words[pinIndex * 8 + SAVES] = record.saves;
    words[pinIndex * 8 + DOMAIN] = record.domain;
    words[pinIndex * 8 + GROUP] = record.group;
    words[pinIndex * 8 + FIRST_ENTRY] = record.firstEntry;
    halves[pinIndex * 16 + CATEGORY_COUNT] = record.categories;
    halves[pinIndex * 16 + ANNOTATION_COUNT] = record.annotations;
    halves[pinIndex * 16 + TITLE_COUNT] = record.titleTerms;
    halves[pinIndex * 16 + FLAGS] = record.flags;
  }

  /** Makes room for so many pins at once. */
  reserve(pins: number): void {
    if (pins * 8 > this.words.length) this.resize(pins);
  }

  private grow(needed: number): void {
    this.resize(Math.max(needed, 256, (this.words.length / 8) * 2));
  }

  private resize(pins: number): void {
    const bytes = new ArrayBuffer(pins * RECORD_BYTES);
    const words = new Int32Array(bytes);
    words.set(this.words);
    this.words = words;
    this.reals = new Float64Array(bytes);
    this.halves = new Uint16Array(bytes);
  }
}
