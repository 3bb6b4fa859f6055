/** One line of a LETOR (SVMlight) file, read from bytes: `label qid:Q 1:v 2:v ... # comment`. */

const SPACE = 32;
const COLON = 58;
const HASH = 35;
/** Columns each have a name and a weight; more than these are hashes or ids, not features. */
const INDEX_MAX = 1_000_000;
/** Powers of ten that a double holds exactly. */
const POWERS = Array.from({ length: 23 }, (_, power) => 10 ** power);

/** What the last line said: `length` pairs of index (ascending) and value. Arrays are reused from line to line. */
export class LetorLine {
  label = 0;
  /** Empty when the line has none. */
  queryId = '';
  length = 0;
  indexes = new Uint32Array(64);
  values = new Float64Array(64);
  private bytes: Uint8Array = new Uint8Array(0);
  private at = 0;
  private end = 0;

  /** Reads bytes from..to (without the line break). Returns false for an empty line; throws the reason as RangeError. */
  read(bytes: Uint8Array, from: number, to: number): boolean {
    this.bytes = bytes;
    this.at = from;
    this.end = to;
    this.length = 0;
    this.queryId = '';
    if (!this.more()) return false;
    this.label = this.number('label');
    if (!(this.label >= 0)) throw new RangeError(`the label is ${this.label}; labels are 0 or more`);
    while (this.more()) this.entry();
    return true;
  }

  /** Skips white space; false at the end or at a comment. */
  private more(): boolean {
    while (this.at < this.end && this.bytes[this.at] <= SPACE) this.at++;
    return this.at < this.end && this.bytes[this.at] !== HASH;
  }

  private entry(): void {
    const { bytes } = this;
    if (bytes[this.at] > 57) return this.query();
    let index = 0;
    const from = this.at;
    while (this.at < this.end && bytes[this.at] >= 48 && bytes[this.at] <= 57) index = index * 10 + bytes[this.at++] - 48;
    if (this.at === from || bytes[this.at] !== COLON) throw new RangeError(`"${this.token(from)}" is not index:value`);
    if (index > INDEX_MAX) throw new RangeError(`the index ${index} is beyond ${INDEX_MAX}; number the columns from 1 on`);
    this.at++;
    if (this.length > 0 && this.indexes[this.length - 1] >= index)
      throw new RangeError(`index ${index} comes after ${this.indexes[this.length - 1]}; indexes must ascend`);
    const value = this.number(`value of ${index}`);
    if (!Number.isFinite(Math.fround(value)))
      throw new RangeError(`the value of column ${index} is ${value}, beyond what 32 bits hold; normalize or scale the column`);
    if (value !== 0 && Math.fround(value) === 0)
      throw new RangeError(`the value of column ${index} is ${value}, too small for 32 bits; scale the column, or write 0`);
    if (this.length === this.indexes.length) this.grow();
    this.indexes[this.length] = index;
    this.values[this.length++] = value;
  }

  private query(): void {
    const from = this.at;
    const token = this.token(from);
    if (!token.startsWith('qid:') || token.length === 4) throw new RangeError(`"${token}" is not index:value`);
    this.queryId = token.slice(4);
    this.at = this.tokenEnd(from);
  }

  /** A finite number up to the next white space; the usual short decimals without making a string. */
  private number(what: string): number {
    const { bytes } = this;
    const from = this.at;
    const negative = bytes[this.at] === 45;
    if (negative) this.at++;
    let mantissa = 0;
    let digits = 0;
    let decimals = -1;
    for (; this.at < this.end; this.at++) {
      const digit = bytes[this.at] - 48;
      if (digit >= 0 && digit <= 9) {
        mantissa = mantissa * 10 + digit;
        digits++;
        if (decimals >= 0) decimals++;
      } else if (bytes[this.at] === 46 && decimals < 0) decimals = 0;
      else break;
    }
    const ended = this.at >= this.end || bytes[this.at] <= SPACE;
    // 15 digits and a power of ten up to 22 are exact doubles, so one division rounds correctly (Clinger 1990).
    if (ended && digits > 0 && digits <= 15 && decimals <= 22) {
      const value = decimals > 0 ? mantissa / POWERS[decimals] : mantissa;
      return negative ? -value : value;
    }
    const token = this.token(from);
    this.at = this.tokenEnd(from);
    const value = token === '' ? Number.NaN : Number(token);
    if (!Number.isFinite(value)) throw new RangeError(`the ${what} is "${token}", not a finite number`);
    return value;
  }

  private token(from: number): string {
    return Buffer.from(this.bytes.subarray(from, this.tokenEnd(from))).toString('utf8');
  }

  /** In bytes: a letter may have several. */
  private tokenEnd(from: number): number {
    let to = from;
    while (to < this.end && this.bytes[to] > SPACE) to++;
    return to;
  }

  private grow(): void {
    const indexes = new Uint32Array(this.indexes.length * 2);
    const values = new Float64Array(this.values.length * 2);
    indexes.set(this.indexes);
    values.set(this.values);
    this.indexes = indexes;
    this.values = values;
  }
}
