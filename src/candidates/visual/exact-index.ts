import { SCAN_SLOT_BYTES } from '../../features/code-table.ts';
import { ownSlot, SLOTS } from '../../features/scratch-slots.ts';
import type { CodeTable } from '../../features/visual-features.ts';
import { TopKHeap } from '../../math/top-k.ts';
import { wasmKernel } from '../../worker-url.ts';
import type { Accept, NeighborIndex, Neighbors } from './neighbor-index.ts';

type Scan = (codes: number, bytes: number, query: number, first: number, last: number, bound: number, hits: number) => number;

/** Rows of one call into WebAssembly: their hits fit the slot beside the query, and their codes the second-level cache. */
const CHUNK_ROWS = 512;
const QUERY_BYTES = SCAN_SLOT_BYTES - CHUNK_ROWS * 8;

/** Codes of a multiple of this have a quicker way (hamming.wat). */
const STRETCH_BYTES = 512;

/**
 * The exact Hamming scan: every code of the table is compared, nothing is missed. Codes stay where they are, in the
 * shared memory of the table; memory beyond them is one scratch slot. `slot` distinguishes threads that scan one table.
 */
export class ExactIndex implements NeighborIndex<Uint32Array> {
  readonly name = 'exact-hamming';
  readonly exact = true;
  private readonly table: CodeTable;
  private readonly scan: Scan;
  private readonly slot: number;
  private readonly slotWords: Uint32Array;

  constructor(table: CodeTable, slot = ownSlot() ?? 0) {
    const bytes = table.words * 4;
    if (slot < 0 || slot >= SLOTS || table.byteOffset < (slot + 1) * SCAN_SLOT_BYTES)
      throw new RangeError(`slot: the table has room for ${table.byteOffset / SCAN_SLOT_BYTES} scans, got slot ${slot}`);
    if (bytes > QUERY_BYTES) throw new RangeError(`bits: at most ${QUERY_BYTES * 8} can be scanned, got ${table.bits}`);
    this.table = table;
    this.slot = slot * SCAN_SLOT_BYTES;
    this.slotWords = new Uint32Array(table.memory.buffer, this.slot, SCAN_SLOT_BYTES / 4);
    const instance = new WebAssembly.Instance(wasmKernel(import.meta.url, './hamming.wasm'), {
      table: { memory: table.memory },
    });
    this.scan = (bytes % STRETCH_BYTES === 0 ? instance.exports.scanStretches : instance.exports.scan) as Scan;
  }

  search(query: Uint32Array, k: number, accept?: Accept): Neighbors {
    return this.searchRows([query], k, 0, this.table.capacity, accept)[0];
  }

  /** Several queries in one pass over the codes: each chunk is read from memory once for all of them. */
  searchBatch(queries: readonly Uint32Array[], k: number, accept?: Accept): Neighbors[] {
    return this.searchRows(queries, k, 0, this.table.capacity, accept);
  }

  /** The same over rows `first .. last`, for threads that share a table. */
  searchRows(queries: readonly Uint32Array[], k: number, first: number, last: number, accept?: Accept): Neighbors[] {
    const group = Math.max(1, Math.floor(QUERY_BYTES / (this.table.words * 4)));
    const found: Neighbors[] = [];
    for (let q = 0; q < queries.length; q += group) found.push(...this.searchGroup(queries.slice(q, q + group), k, first, last, accept));
    return found;
  }

  private searchGroup(queries: readonly Uint32Array[], k: number, first: number, last: number, accept: Accept | undefined): Neighbors[] {
    const { words } = this.table;
    const best = queries.map(() => new Nearest(k, this.table, accept));
    queries.forEach((query, q) => {
      if (query.length !== words) throw new RangeError(`query: expected ${words} words, got ${query.length}`);
      this.slotWords.set(query, q * words);
    });
    for (let from = first; from < last && k > 0; from += CHUNK_ROWS) {
      const to = Math.min(last, from + CHUNK_ROWS);
      for (let q = 0; q < queries.length; q++) this.scanChunk(q, from, to, best[q]);
    }
    return best.map((nearest) => nearest.drain());
  }

  private scanChunk(q: number, from: number, to: number, nearest: Nearest): void {
    if (nearest.bound < 0) return;
    const { byteOffset, words } = this.table;
    const count = this.scan(byteOffset, words * 4, this.slot + q * words * 4, from, to, nearest.bound, this.slot + QUERY_BYTES);
    const hits = this.slotWords;
    for (let h = QUERY_BYTES / 4; h < QUERY_BYTES / 4 + 2 * count; h += 2) nearest.offer(hits[h], hits[h + 1]);
  }
}

/** The best k so far, and the largest distance that may still enter. */
class Nearest {
  /** -1: nothing may enter any more. */
  bound: number;
  private readonly heap: TopKHeap;
  private readonly counts: Uint32Array;
  private readonly k: number;
  private readonly has: Uint8Array;
  private readonly accept: Accept | undefined;
  private within = 0;

  constructor(k: number, table: CodeTable, accept: Accept | undefined) {
    this.k = k;
    this.has = table.has;
    this.accept = accept;
    this.bound = table.words * 32;
    this.heap = new TopKHeap(Math.min(k, table.capacity));
    this.counts = new Uint32Array(this.bound + 1);
  }

  offer(pinIndex: number, distance: number): void {
    if (distance > this.bound || this.has[pinIndex] === 0) return;
    if (this.accept !== undefined && !this.accept(pinIndex)) return;
    this.heap.offer(pinIndex, -distance);
    this.counts[distance]++;
    this.within++;
    // Rows come in ascending order: once k lie within the bound, a later row at the bound itself comes too late.
    while (this.within >= this.k) this.within -= this.counts[this.bound--];
  }

  drain(): Neighbors {
    const { ids, scores } = this.heap.drain();
    for (let n = 0; n < scores.length; n++) scores[n] = 0 - scores[n];
    return { pinIndexes: ids, distances: scores };
  }
}
