/** Similarity of codes = 1 - Hamming / bits, of one code with the codes of some pins. */
import { SCAN_SLOT_BYTES } from './code-table.ts';
import { ownSlot } from './scratch-slots.ts';
import type { CodeTable } from './visual-features.ts';
import { wasmKernel } from '../worker-url.ts';

type Distances = (codes: number, bytes: number, query: number, rows: number, count: number, out: number) => void;

/** A call fills the thread's scratch slot, runs and reads it without letting go. */
const CHUNK_ROWS = 4096;
/** Behind the distances a word stays free. */
const DISTANCES_OFFSET = SCAN_SLOT_BYTES - CHUNK_ROWS * 4 - 16;
const ROWS_OFFSET = DISTANCES_OFFSET - CHUNK_ROWS * 4;

/** `out[i]` for `pinIndexes[i]`, for every i below `out.length`; NaN where the pin has no code. */
export function similaritiesTo(code: Uint32Array, table: CodeTable, pinIndexes: Int32Array, out: Float32Array): void {
  if (code.length !== table.words) throw new RangeError(`code: expected ${table.words} words, got ${code.length}`);
  const fast = fastDistances(table);
  if (fast) fast(code, pinIndexes, out);
  else for (let i = 0; i < out.length; i++) out[i] = plainDistance(code, table.codes, pinIndexes[i] * table.words);
  const { bits, has } = table;
  for (let i = 0; i < out.length; i++) if (has[pinIndexes[i]] !== 1) out[i] = Number.NaN;
  for (let i = 0; i < out.length; i++) out[i] = 1 - out[i] / bits;
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

type TableDistances = (code: Uint32Array, pinIndexes: Int32Array, out: Float32Array) => void;

const byTable = new WeakMap<CodeTable, TableDistances | null>();

/** The SIMD twin, bound to a table; null where it cannot run: threads without a slot, odd code lengths, no room for scratch. */
function fastDistances(table: CodeTable): TableDistances | null {
  let fast = byTable.get(table);
  if (fast === undefined) {
    const bytes = table.words * 4;
    const slot = ownSlot();
    const fits = bytes % 16 === 0 && bytes <= ROWS_OFFSET && slot !== null && table.byteOffset >= (slot + 1) * SCAN_SLOT_BYTES;
    fast = fits ? bound(table, slot * SCAN_SLOT_BYTES) : null;
    byTable.set(table, fast);
  }
  return fast;
}

function bound(table: CodeTable, scratch: number): TableDistances {
  const { memory, byteOffset, words, capacity } = table;
  const instance = new WebAssembly.Instance(wasmKernel(import.meta.url, './code-distances.wasm'), { table: { memory } });
  const distances = instance.exports.distances as Distances;
  const query = new Uint32Array(memory.buffer, scratch, words);
  const rows = new Int32Array(memory.buffer, scratch + ROWS_OFFSET, CHUNK_ROWS);
  const found = new Int32Array(memory.buffer, scratch + DISTANCES_OFFSET, CHUNK_ROWS);
  return (code, pinIndexes, out) => {
    query.set(code);
    for (let first = 0; first < out.length; first += CHUNK_ROWS) {
      const count = Math.min(CHUNK_ROWS, out.length - first);
      rows.set(pinIndexes.subarray(first, first + count));
      // A table ends soon after the last pin with a picture; a pin behind its end has no code, and nothing is read for it.
      for (let i = 0; i < count; i++) if (rows[i] >= capacity) rows[i] = 0;
      distances(byteOffset, words * 4, scratch, scratch + ROWS_OFFSET, count, scratch + DISTANCES_OFFSET);
      for (let i = 0; i < count; i++) out[first + i] = found[i];
    }
  };
}
