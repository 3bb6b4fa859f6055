/** Orders all rows of a list at once, where a heap of as many as there are would take five times as long. */

/** Bits of a key that one pass sorts by. */
const DIGIT_BITS = 11;
const BINS = 1 << DIGIT_BITS;
const PASSES = 3;
/** The key of zero, whatever its sign. */
const ZERO_KEY = 0x7fff_ffff;
/** Rows with the same key, up to which each is put in its place by hand. */
const SHORT_RUN = 8;

/**
 * The first `count` rows of parallel arrays, best first: score down, then id up (the tie rule of the whole project). Throws
 * RangeError for a NaN score.
 *
 * Radix sort (Knuth, volume 3, 5.2.5) by scores rounded to 32 bits, which keeps their order; rows whose rounded scores agree
 * are then ordered by the scores themselves.
 */
export function rowsBestFirst(ids: Int32Array, scores: Float64Array, count: number): Int32Array {
  const keys = keysOf(ids, scores, count);
  const rows = sortedByKey(keys, count);
  const order = (a: number, b: number): number => scores[b] - scores[a] || ids[a] - ids[b];
  for (let first = 0, end: number; first < count; first = end) {
    for (end = first + 1; end < count && keys[rows[end]] === keys[rows[first]];) end++;
    if (end - first > SHORT_RUN) rows.subarray(first, end).sort(order);
    else if (end - first > 1) insertionSort(rows, first, end, order);
  }
  return rows;
}

/** Unsigned numbers that grow as scores fall. */
function keysOf(ids: Int32Array, scores: Float64Array, count: number): Uint32Array {
  const bits = new Uint32Array(new Float32Array(scores.subarray(0, count)).buffer);
  for (let row = 0; row < count; row++) {
    if (scores[row] !== scores[row]) throw new RangeError(`score of id ${ids[row]} is NaN`);
    if (bits[row] <= ZERO_KEY) bits[row] = ZERO_KEY - bits[row];
    else if (bits[row] === ZERO_KEY + 1) bits[row] = ZERO_KEY;
  }
  return bits;
}

function sortedByKey(keys: Uint32Array, count: number): Int32Array {
  const starts = new Uint32Array(PASSES * BINS);
  for (let row = 0; row < count; row++)
    for (let pass = 0; pass < PASSES; pass++) starts[pass * BINS + ((keys[row] >>> (pass * DIGIT_BITS)) & (BINS - 1))]++;
  let rows = new Int32Array(count);
  let sorted = new Int32Array(count);
  for (let row = 0; row < count; row++) rows[row] = row;
  for (let pass = 0; pass < PASSES; pass++) {
    const first = pass * BINS;
    for (let bin = first, start = 0; bin < first + BINS; bin++) {
      const size = starts[bin];
      starts[bin] = start;
      start += size;
    }
    for (let at = 0; at < count; at++) sorted[starts[first + ((keys[rows[at]] >>> (pass * DIGIT_BITS)) & (BINS - 1))]++] = rows[at];
    [rows, sorted] = [sorted, rows];
  }
  return rows;
}

function insertionSort(rows: Int32Array, first: number, end: number, order: (a: number, b: number) => number): void {
  for (let at = first + 1; at < end; at++) {
    const row = rows[at];
    let to = at;
    for (; to > first && order(rows[to - 1], row) > 0; to--) rows[to] = rows[to - 1];
    rows[to] = row;
  }
}
