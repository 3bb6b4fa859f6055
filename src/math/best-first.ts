/** Bits of a key that one pass sorts by. */
const DIGIT_BITS = 11;
const BINS = 1 << DIGIT_BITS;
const PASSES = 3;
/** Of the first digit. */
const FIRST_SHIFT = 32 - DIGIT_BITS;
/** The key of zero, whatever its sign. */
const ZERO_KEY = 0x7fff_ffff;
/** Rows with the same key, up to which each is put in its place by hand. */
const SHORT_RUN = 8;

/**
 * Rows of parallel arrays, best first, as far as they are asked for: score down, then id up (the tie rule of the whole project).
 *
 * Radix sort (Knuth, volume 3, 5.2.5) by scores rounded to 32 bits, which keeps their order: of the rows that fall into
 * the best bins of the first digit, as many bins as hold what is asked for. Rows whose rounded scores agree are then ordered by the scores
 * themselves. Memory is kept from one list to the next.
 */
export class BestFirst {
  /** In order up to what was asked for. */
  rows = new Int32Array(0);
  private ids: Int32Array = new Int32Array(0);
  private scores: Float64Array = new Float64Array(0);
  private count = 0;
  /** Unsigned numbers that grow as scores fall. */
  private keys = new Uint32Array(0);
  private rounded = new Float32Array(0);
  private readonly binSizes = new Int32Array(BINS);
  private ordered = 0;
  /** The first bin whose rows are not in order yet. */
  private bin = 0;

  /** The first `count` rows; the arrays stay as they are until the next call. Throws RangeError for a NaN score. */
  begin(ids: Int32Array, scores: Float64Array, count: number): void {
    if (count > this.keys.length) {
      this.keys = new Uint32Array(count);
      this.rounded = new Float32Array(this.keys.buffer);
      this.rows = new Int32Array(count);
    }
    this.ids = ids;
    this.scores = scores;
    this.count = count;
    this.ordered = 0;
    this.bin = 0;
    const { keys, rounded, binSizes } = this;
    binSizes.fill(0);
    for (let row = 0; row < count; row++) {
      const score = scores[row];
      if (score !== score) throw new RangeError(`score of id ${ids[row]} is NaN`);
      rounded[row] = score;
      const bits = keys[row];
      const key = bits <= ZERO_KEY ? ZERO_KEY - bits : bits === ZERO_KEY + 1 ? ZERO_KEY : bits;
      keys[row] = key;
      binSizes[key >>> FIRST_SHIFT]++;
    }
  }

  /** Puts at least the best `wanted` rows in their places; all of them where there are fewer. Each time twice as many, so that rows are gone through seldom. */
  upTo(wanted: number): void {
    const { keys, rows, binSizes, ordered: first, bin } = this;
    if (Math.min(wanted, this.count) <= first) return;
    const enough = Math.min(Math.max(wanted, 2 * first), this.count);
    let end = first;
    let endBin = bin;
    while (end < enough) end += binSizes[endBin++];
    for (let row = 0, at = first; at < end; row++) {
      const own = keys[row] >>> FIRST_SHIFT;
      if (own >= bin && own < endBin) rows[at++] = row;
    }
    this.sort(first, end);
    this.ordered = end;
    this.bin = endBin;
  }

  private sort(from: number, to: number): void {
    const { keys, ids, scores, rows } = this;
    sortByKey(keys, rows.subarray(from, to));
    const order = (a: number, b: number): number => scores[b] - scores[a] || ids[a] - ids[b];
    for (let first = from, end: number; first < to; first = end) {
      for (end = first + 1; end < to && keys[rows[end]] === keys[rows[first]];) end++;
      if (end - first > SHORT_RUN) rows.subarray(first, end).sort(order);
      else if (end - first > 1) insertionSort(rows, first, end, order);
    }
  }
}

function sortByKey(keys: Uint32Array, rows: Int32Array): void {
  const starts = new Uint32Array(PASSES * BINS);
  for (const row of rows) for (let pass = 0; pass < PASSES; pass++) starts[pass * BINS + digitOf(keys[row], pass)]++;
  let [from, to]: [Int32Array, Int32Array] = [rows, new Int32Array(rows.length)];
  for (let pass = 0; pass < PASSES; pass++) {
    const first = pass * BINS;
    for (let bin = first, start = 0; bin < first + BINS; bin++) {
      const size = starts[bin];
      starts[bin] = start;
      start += size;
    }
    for (let at = 0; at < rows.length; at++) to[starts[first + digitOf(keys[from[at]], pass)]++] = from[at];
    [from, to] = [to, from];
  }
  // An odd number of passes ends in the other array.
  rows.set(from);
}

function digitOf(key: number, pass: number): number {
  return (key >>> (pass * DIGIT_BITS)) & (BINS - 1);
}

function insertionSort(rows: Int32Array, first: number, end: number, order: (a: number, b: number) => number): void {
  for (let at = first + 1; at < end; at++) {
    const row = rows[at];
    let to = at;
    for (; to > first && order(rows[to - 1], row) > 0; to--) rows[to] = rows[to - 1];
    rows[to] = row;
  }
}
