import { SCAN_SLOTS } from '../../features/scratch-slots.ts';
import type { CodeTable } from '../../features/visual-features.ts';
import { OrderedWorker } from '../../ordered-worker.ts';
import { workerUrl } from '../../worker-url.ts';
import type { ScanRequest } from './exact-index-worker.ts';
import { mergedNeighbors, type NeighborIndex, type Neighbors } from './neighbor-index.ts';

/**
 * The exact scan on several threads: each takes an equal share of the rows, the nearest of all shares are the answer,
 * the same as one thread's. The event loop stays free. The table must not move while the pool is open.
 */
export class ExactIndexPool implements NeighborIndex<Uint32Array> {
  readonly name = 'exact-hamming-pool';
  readonly exact = true;
  private readonly table: CodeTable;
  private readonly workers: readonly OrderedWorker<ScanRequest, Neighbors[]>[];

  /** At most seven threads: the eighth slot is the caller's own. */
  constructor(table: CodeTable, threads: number) {
    if (threads < 1 || threads >= SCAN_SLOTS) throw new RangeError(`threads: expected 1..${SCAN_SLOTS - 1}, got ${threads}`);
    this.table = table;
    this.workers = Array.from(
      { length: threads },
      (_, t) => new OrderedWorker(workerUrl(import.meta.url, './exact-index-worker.ts'), { table, slot: t + 1 }),
    );
  }

  async search(query: Uint32Array, k: number): Promise<Neighbors> {
    return (await this.searchBatch([query], k))[0];
  }

  /** Several queries in one pass over the codes. */
  async searchBatch(queries: readonly Uint32Array[], k: number): Promise<Neighbors[]> {
    const share = Math.ceil(this.table.capacity / this.workers.length);
    const parts = await Promise.all(
      this.workers.map((worker, t) => worker.ask({ queries, k, first: t * share, last: Math.min(this.table.capacity, (t + 1) * share) })),
    );
    return queries.map((_, q) =>
      mergedNeighbors(
        parts.map((part) => part[q]),
        k,
      ),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.close()));
  }
}
