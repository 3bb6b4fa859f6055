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

const HEAD_BYTES = 8;

/** Items of zeros, to be filled in: their columns lie as in the blob, which is then there already. */
export function blankItems(count: number, sourceNames: readonly string[], rows: Matrix): ServedItems {
  const bytes = new ArrayBuffer(offsetsOf(count, sourceNames.length).end);
  new Uint32Array(bytes, 0, 2).set([count, sourceNames.length]);
  return itemsOver(bytes, count, sourceNames, rows);
}

/** The items blob; the feature rows are not in it. Columns may be longer than `count`. */
export function encodeItems(items: ServedItems): Uint8Array {
  const known = kept.get(items);
  if (known) return known.items;
  if (lieAsBlob(items)) return new Uint8Array(items.scores.buffer);
  const { count, sourceNames } = items;
  const sources = sourceNames.length;
  const blank = blankItems(count, sourceNames, items.rows);
  blank.scores.set(items.scores.subarray(0, count));
  blank.pinIndexes.set(items.pinIndexes.subarray(0, count));
  blank.retrievedRanks.set(items.retrievedRanks.subarray(0, count));
  blank.propensities.set(items.propensities.subarray(0, count));
  blank.sourceScores.set(items.sourceScores.subarray(0, count * sources));
  blank.positions.set(items.positions.subarray(0, count));
  return new Uint8Array(blank.scores.buffer);
}

/** Items from their blob, over a copy of its bytes. Throws RangeError when it holds another number of sources. */
export function decodeItems(blob: Uint8Array, sourceNames: readonly string[], rows: Matrix): ServedItems {
  const bytes = aligned(blob);
  const [count, sources] = new Uint32Array(bytes, 0, 2);
  if (sources !== sourceNames.length) {
    throw new RangeError(`items blob: expected ${sourceNames.length} sources, got ${sources}`);
  }
  return itemsOver(bytes, count, sourceNames, rows);
}

/** Columns over the bytes of a blob, behind its head. */
function itemsOver(bytes: ArrayBuffer, count: number, sourceNames: readonly string[], rows: Matrix): ServedItems {
  const sources = sourceNames.length;
  const at = offsetsOf(count, sources);
  return {
    count,
    sourceNames,
    rows,
    scores: new Float64Array(bytes, HEAD_BYTES, count),
    pinIndexes: new Int32Array(bytes, at.pinIndexes, count),
    retrievedRanks: new Int32Array(bytes, at.retrievedRanks, count),
    propensities: new Float32Array(bytes, at.propensities, count),
    sourceScores: new Float32Array(bytes, at.sourceScores, count * sources),
    positions: new Uint16Array(bytes, at.positions, count),
  };
}

/** Whether the columns lie side by side as `itemsOver` lays them. */
function lieAsBlob({
  count,
  sourceNames,
  scores,
  pinIndexes,
  retrievedRanks,
  propensities,
  sourceScores,
  positions,
}: ServedItems): boolean {
  const { buffer } = scores;
  const at = offsetsOf(count, sourceNames.length);
  return (
    buffer.byteLength === at.end &&
    scores.byteOffset === HEAD_BYTES &&
    pinIndexes.buffer === buffer &&
    pinIndexes.byteOffset === at.pinIndexes &&
    retrievedRanks.buffer === buffer &&
    retrievedRanks.byteOffset === at.retrievedRanks &&
    propensities.buffer === buffer &&
    propensities.byteOffset === at.propensities &&
    sourceScores.buffer === buffer &&
    sourceScores.byteOffset === at.sourceScores &&
    positions.buffer === buffer &&
    positions.byteOffset === at.positions
  );
}

/** Where each column begins; scores stand right behind the head. */
function offsetsOf(count: number, sources: number) {
  const pinIndexes = HEAD_BYTES + 8 * count;
  const retrievedRanks = pinIndexes + 4 * count;
  const propensities = retrievedRanks + 4 * count;
  const sourceScores = propensities + 4 * count;
  const positions = sourceScores + 4 * count * sources;
  return { pinIndexes, retrievedRanks, propensities, sourceScores, positions, end: positions + 2 * count };
}

/** Where rows are encoded before their length is known; grows to the longest. */
let rowWords = new Uint32Array(1 << 12);

/** The rows blob; column names are kept elsewhere. */
export function encodeRows(rows: Matrix): Uint8Array {
  const known = kept.get(rows);
  if (known) return known.rows;
  const { columns } = rows;
  const bits = new Uint32Array(rows.data.buffer, rows.data.byteOffset, rows.rows * columns);
  const bitmapWords = (columns + 31) >>> 5;
  const longest = 2 + rows.rows * (bitmapWords + columns);
  if (rowWords.length < longest) rowWords = new Uint32Array(longest);
  const out = rowWords;
  out[0] = rows.rows;
  out[1] = columns;
  let at = 2;
  for (let next = 0; next < bits.length;) {
    let value = at + bitmapWords;
    for (let from = 0; from < columns; from += 32) {
      const width = Math.min(32, columns - from);
      let set = 0;
      for (let c = 0; c < width; c++, next++) {
        const word = bits[next];
        if (word === 0) continue;
        set |= 1 << c;
        out[value++] = word;
      }
      out[at++] = set;
    }
    at = value;
  }
  return new Uint8Array(out.buffer.slice(0, 4 * at));
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
