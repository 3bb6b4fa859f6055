/**
 * Which scratch space of a shared table is whose. WebAssembly sees one memory, so what a kernel is given and what it finds
 * lie in the memory of the table; threads that share a table must not write to the same place.
 *
 *   0             the main thread
 *   1 .. 7        threads of one scan (ExactIndexPool)
 *   8 .. 8 + 255  threads that answer requests
 */
import { isMainThread } from 'node:worker_threads';

/** Threads that scan a table, the caller among them. */
export const SCAN_SLOTS = 8;
/** As many as there may be reading threads. */
const READER_SLOTS = 256;
export const SLOTS = SCAN_SLOTS + READER_SLOTS;

let own: number | null = isMainThread ? 0 : null;

/** The slot of this thread; null: it has none, and may use no scratch space of a table that others use. */
export function ownSlot(): number | null {
  return own;
}

/** Gives this thread the place of a reader, 0 .. 255. @throws RangeError where there are no more. */
export function scratchOfReader(reader: number): void {
  if (reader < 0 || reader >= READER_SLOTS) throw new RangeError(`reader: expected 0..${READER_SLOTS - 1}, got ${reader}`);
  own = SCAN_SLOTS + reader;
}
