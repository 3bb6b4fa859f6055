import type { ArtifactFile } from '../catalog/artifacts/artifact-file.ts';
import { wordsOf } from '../math/bits.ts';
import { SLOTS } from './scratch-slots.ts';
import type { CodeTable } from './visual-features.ts';

/** Memory before the first code: scratch space of the scans, a slot per thread (query codes in, hits out). Unused, it takes no room. */
export const SCAN_SLOT_BYTES = 65_536;
const CODES_OFFSET = SCAN_SLOT_BYTES * SLOTS;
const PAGE_BYTES = 65_536;
/** Codes read from a file at a time: a mebibyte, which stays in the cache until it is copied. */
const BLOCK_WORDS = 1 << 18;

/**
 * An empty table for `capacity` codes of `bits` bits in shared memory of its own, readable by WebAssembly and by worker
 * threads. Memory: the codes, one byte a row, and 64 KiB of scratch per thread that uses it.
 * Throws RangeError beyond the 4 GiB that WebAssembly can address.
 */
export function allocateCodeTable(bits: number, capacity: number): CodeTable {
  const words = wordsOf(bits);
  const bytes = CODES_OFFSET + capacity * words * 4;
  const pages = Math.ceil(bytes / PAGE_BYTES);
  if (pages > 65_536) throw new RangeError(`${capacity} codes of ${bits} bits need ${bytes} bytes, over 4 GiB`);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  return {
    bits,
    words,
    capacity,
    codes: new Uint32Array(memory.buffer, CODES_OFFSET, capacity * words),
    has: new Uint8Array(new SharedArrayBuffer(capacity)),
    memory,
    byteOffset: CODES_OFFSET,
  };
}

/** The same codes with room for more. */
export function grownCodeTable(table: CodeTable, capacity: number): CodeTable {
  const grown = allocateCodeTable(table.bits, capacity);
  grown.codes.set(table.codes);
  grown.has.set(table.has);
  return grown;
}

/** Fills a table with the codes of an artifact's array `name`, and with `has`. Block by block, because files can't be read into shared memory directly; one block for all, because new memory costs as much as the copy. */
export function readCodes(file: ArtifactFile, name: string, table: CodeTable): void {
  table.has.set(file.read('has') as Uint8Array);
  const length = file.lengthOf(name);
  const block = new Uint32Array(Math.min(BLOCK_WORDS, length));
  for (let from = 0; from < length; from += block.length) {
    const some = block.subarray(0, Math.min(block.length, length - from));
    file.readInto(name, from, some);
    table.codes.set(some, from);
  }
}
