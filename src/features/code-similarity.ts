/** Similarity of codes = 1 - Hamming / bits, of a few codes with the codes of some pins. */
import { SCAN_SLOT_BYTES } from './code-table.ts';
import { ownSlot } from './scratch-slots.ts';
import type { CodeTable } from './visual-features.ts';
import { wasmKernel } from '../worker-url.ts';

type Distances = (codes: number, bytes: number, queries: number, last: number, rows: number, count: number, out: number) => void;

/** A call fills the thread's scratch slot, runs and reads it without letting go. */
const CHUNK_ROWS = 1024;
export const CODES_AT_ONCE = 4;
/** Behind the distances a word stays free. */
const DISTANCES_OFFSET = SCAN_SLOT_BYTES - CHUNK_ROWS * CODES_AT_ONCE * 4 - 16;
const ROWS_OFFSET = DISTANCES_OFFSET - CHUNK_ROWS * 4;

/**
 * `outs[c][i]` is the similarity of code c with that of `pinIndexes[i]`, for every i below the length of the first of `outs`; NaN
 * where the pin has no code. At most `CODES_AT_ONCE` codes: they are compared in one pass, because fetching the pins' codes is
 * what costs.
 */
export function similaritiesTo(
  codes: readonly Uint32Array[],
  table: CodeTable,
  pinIndexes: Int32Array,
  outs: readonly Float32Array[],
): void {
  worthOfDistances(codes, table, pinIndexes, similarityByDistance(table.bits), outs);
}

/** The same, with what a distance is worth in place of the similarity: entry d of `worth` for distance d, 0 .. `table.bits`. */
export function worthOfDistances(
  codes: readonly Uint32Array[],
  table: CodeTable,
  pinIndexes: Int32Array,
  worth: Float32Array,
  outs: readonly Float32Array[],
): void {
  if (codes.length === 0) return;
  if (codes.length > CODES_AT_ONCE) throw new RangeError(`codes: expected at most ${CODES_AT_ONCE}, got ${codes.length}`);
  for (const code of codes)
    if (code.length !== table.words) throw new RangeError(`code: expected ${table.words} words, got ${code.length}`);
  const { has } = table;
  const distances = fastDistances(table) ?? plainDistances(table);
  const [{ length }] = outs;
  for (let first = 0; first < length; first += CHUNK_ROWS) {
    const count = Math.min(CHUNK_ROWS, length - first);
    const found = distances(codes, pinIndexes, first, count);
    for (let c = 0; c < codes.length; c++) {
      const out = outs[c];
      for (let i = 0, at = c; i < count; i++, at += codes.length) out[first + i] = worth[found[at]];
    }
    for (let i = first; i < first + count; i++) if (has[pinIndexes[i]] !== 1) for (const out of outs) out[i] = Number.NaN;
  }
}

const similarities = new Map<number, Float32Array>();

function similarityByDistance(bits: number): Float32Array {
  let worth = similarities.get(bits);
  if (!worth) similarities.set(bits, (worth = Float32Array.from({ length: bits + 1 }, (_, distance) => 1 - distance / bits)));
  return worth;
}

/** Hamming distance of `code` and the words of `codes` from `at` on (Warren, figure 5-2); written out to keep the loop free of calls. */
export function plainDistance(code: Uint32Array, codes: Uint32Array, at: number): number {
  let distance = 0;
  for (let i = 0; i < code.length; i++) {
    let v = code[i] ^ codes[at + i];
    v -= (v >>> 1) & 0x55555555;
    v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
    distance += Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  return distance;
}

/** Distances of `count` pins from `pinIndexes[first]` on, those of a pin side by side. The next call writes over them. Do not read them of a pin without a code. */
type TableDistances = (codes: readonly Uint32Array[], pinIndexes: Int32Array, first: number, count: number) => ArrayLike<number>;

function plainDistances(table: CodeTable): TableDistances {
  return (codes, pinIndexes, first, count) =>
    Array.from({ length: count * codes.length }, (_, at) => {
      const pin = pinIndexes[first + Math.floor(at / codes.length)];
      return plainDistance(codes[at % codes.length], table.codes, pin * table.words);
    });
}

const byTable = new WeakMap<CodeTable, TableDistances | null>();

/** The fast twin, bound to a table; null where it cannot run: threads without a slot, odd code lengths, no room for scratch. */
function fastDistances(table: CodeTable): TableDistances | null {
  let fast = byTable.get(table);
  if (fast === undefined) {
    const bytes = table.words * 4;
    const slot = ownSlot();
    const fits =
      bytes % 32 === 0 && bytes * CODES_AT_ONCE <= ROWS_OFFSET && slot !== null && table.byteOffset >= (slot + 1) * SCAN_SLOT_BYTES;
    fast = fits ? bound(table, slot * SCAN_SLOT_BYTES) : null;
    byTable.set(table, fast);
  }
  return fast;
}

function bound({ memory, byteOffset, words, capacity }: CodeTable, scratch: number): TableDistances {
  const instance = new WebAssembly.Instance(wasmKernel(import.meta.url, './code-distances.wasm'), { table: { memory } });
  const distances = instance.exports.distances as Distances;
  const queries = new Uint32Array(memory.buffer, scratch, words * CODES_AT_ONCE);
  const rows = new Int32Array(memory.buffer, scratch + ROWS_OFFSET, CHUNK_ROWS);
  const found = new Int32Array(memory.buffer, scratch + DISTANCES_OFFSET, CHUNK_ROWS * CODES_AT_ONCE);
  return (codes, pinIndexes, first, count) => {
    for (let c = 0; c < codes.length; c++) queries.set(codes[c], c * words);
    // A table ends soon after the last pin with a picture; a pin behind its end has no code, and nothing is read for it.
    for (let i = 0; i < count; i++) rows[i] = pinIndexes[first + i] < capacity ? pinIndexes[first + i] : 0;
    const last = scratch + codes.length * words * 4;
    distances(byteOffset, words * 4, scratch, last, scratch + ROWS_OFFSET, count, scratch + DISTANCES_OFFSET);
    return found;
  };
}
