import type { Accept, Neighbors } from '../../src/candidates/visual/neighbor-index.ts';
import type { CodeTable } from '../../src/features/visual-features.ts';
import { hammingAt } from '../../src/math/bits.ts';
import { TopKHeap } from '../../src/math/top-k.ts';

/** The plain twin of the scan: the same answer by one loop. */
export function plainNeighbors(table: CodeTable, query: Uint32Array, k: number, accept?: Accept): Neighbors {
  const heap = new TopKHeap(Math.min(k, table.capacity));
  for (let row = 0; row < table.capacity; row++) {
    if (table.has[row] === 0 || (accept && !accept(row))) continue;
    heap.offer(row, -hammingAt(table.codes, row * table.words, query, 0, table.words));
  }
  const { ids, scores } = heap.drain();
  return { pinIndexes: ids, distances: scores.map((score) => 0 - score) };
}
