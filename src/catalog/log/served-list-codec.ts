/**
 * Served items as two blobs. All numbers are little-endian, in the order written here.
 *
 *   items  u32 count, u32 sources; f64 scores[count]; i32 pinIndexes[count]; i32 retrievedRanks[count];
 *          f32 propensities[count]; f32 sourceScores[count x sources]; u16 positions[count]
 *   rows   u32 count, u32 columns; for each row a bitmap of ceil(columns / 32) words (bit c set: column c is not
 *          zero), then the set columns' float32 values in column order
 *
 * A row of 110 ranking features of which 20 are set takes 16 + 80 bytes instead of 440. Values come back to the bit,
 * -0 and NaN included: what is tested is the bit pattern, not the number.
 */
import type { Matrix } from '../../math/matrix.ts';
import type { ServedItems } from './served-list.ts';

interface Encoded {
  readonly items: Uint8Array;
  readonly rows: Uint8Array;
}

const kept = new WeakMap<object, Encoded>();

/** Remembers the blobs of items that will be written again and again. */
export function keepEncoded(items: ServedItems, blob: Uint8Array, rows: Uint8Array): void {
  kept.set(items, { items: blob, rows });
  kept.set(items.rows, { items: blob, rows });
}

/** The items blob; the feature rows are not in it. Columns may be longer than `count`. */
export function encodeItems(items: ServedItems): Uint8Array {
  const known = kept.get(items);
  if (known) return known.items;
  const { count, sourceNames } = items;
  const sources = sourceNames.length;
  const bytes = new ArrayBuffer(8 + count * (8 + 4 + 4 + 4 + 4 * sources + 2));
  new Uint32Array(bytes, 0, 2).set([count, sources]);
  let at = 8;
  new Float64Array(bytes, at, count).set(items.scores.subarray(0, count));
  at += 8 * count;
  new Int32Array(bytes, at, count).set(items.pinIndexes.subarray(0, count));
  at += 4 * count;
  new Int32Array(bytes, at, count).set(items.retrievedRanks.subarray(0, count));
  at += 4 * count;
  new Float32Array(bytes, at, count).set(items.propensities.subarray(0, count));
  at += 4 * count;
  new Float32Array(bytes, at, count * sources).set(items.sourceScores.subarray(0, count * sources));
  at += 4 * count * sources;
  new Uint16Array(bytes, at, count).set(items.positions.subarray(0, count));
  return new Uint8Array(bytes);
}

/** Items from their blob, over a copy of its bytes. Throws RangeError when it holds another number of sources. */
export function decodeItems(blob: Uint8Array, sourceNames: readonly string[], rows: Matrix): ServedItems {
  const bytes = aligned(blob);
  const [count, sources] = new Uint32Array(bytes, 0, 2);
  if (sources !== sourceNames.length) {
    throw new RangeError(`items blob: expected ${sourceNames.length} sources, got ${sources}`);
  }
  let at = 8;
  const take = (width: number, values: number): number => {
    const start = at;
    at += width * values;
    return start;
  };
  return {
    count,
    sourceNames,
    rows,
    scores: new Float64Array(bytes, take(8, count), count),
    pinIndexes: new Int32Array(bytes, take(4, count), count),
    retrievedRanks: new Int32Array(bytes, take(4, count), count),
    propensities: new Float32Array(bytes, take(4, count), count),
    sourceScores: new Float32Array(bytes, take(4, count * sources), count * sources),
    positions: new Uint16Array(bytes, take(2, count), count),
  };
}

/** The rows blob; column names are kept elsewhere. */
export function encodeRows(rows: Matrix): Uint8Array {
  const known = kept.get(rows);
  if (known) return known.rows;
  const { columns } = rows;
  const bits = new Uint32Array(rows.data.buffer, rows.data.byteOffset, rows.rows * columns);
  const bitmapWords = (columns + 31) >>> 5;
  let set = 0;
  for (let i = 0; i < bits.length; i++) if (bits[i] !== 0) set++;
  const out = new Uint32Array(2 + rows.rows * bitmapWords + set);
  out[0] = rows.rows;
  out[1] = columns;
  let at = 2;
  for (let row = 0; row < rows.rows; row++) {
    let value = at + bitmapWords;
    for (let column = 0; column < columns; column++) {
      const word = bits[row * columns + column];
      if (word === 0) continue;
      out[at + (column >>> 5)] |= 1 << (column & 31);
      out[value++] = word;
    }
    at = value;
  }
  return new Uint8Array(out.buffer);
}

/** Rows from their blob. Throws RangeError when it holds another number of columns. */
export function decodeRows(blob: Uint8Array, names: readonly string[]): Matrix {
  const words = new Uint32Array(aligned(blob));
  const [rowCount, columns] = words;
  if (columns !== names.length) throw new RangeError(`rows blob: expected ${names.length} columns, got ${columns}`);
  const bitmapWords = (columns + 31) >>> 5;
  // Before anything is made of that size: a few bytes could ask for gigabytes.
  if (words.length < 2 + rowCount * bitmapWords)
    throw new RangeError(`rows blob: it is too short for ${rowCount} rows of ${columns} columns`);
  const bits = new Uint32Array(rowCount * columns);
  let at = 2;
  for (let row = 0; row < rowCount; row++) {
    let value = at + bitmapWords;
    for (let column = 0; column < columns; column++) {
      if (words[at + (column >>> 5)] & (1 << (column & 31))) bits[row * columns + column] = words[value++];
    }
    at = value;
  }
  return { rows: rowCount, columns, names, data: new Float32Array(bits.buffer) };
}

/** A copy that starts at a buffer's beginning, so that typed arrays can be laid over it. */
function aligned(blob: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(blob.byteLength);
  new Uint8Array(copy).set(blob);
  return copy;
}
