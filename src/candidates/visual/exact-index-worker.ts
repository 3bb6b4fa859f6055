/** Scans its share of a code table on a thread of its own; the codes are shared memory, only answers travel. */
import { parentPort, workerData } from 'node:worker_threads';
import type { CodeTable } from '../../features/visual-features.ts';
import { ExactIndex } from './exact-index.ts';

export interface ScanRequest {
  readonly queries: readonly Uint32Array[];
  readonly k: number;
  readonly first: number;
  readonly last: number;
}

const { table, slot } = workerData as { table: CodeTable; slot: number };
const index = new ExactIndex(table, slot);

parentPort?.on('message', ({ queries, k, first, last }: ScanRequest) => {
  parentPort?.postMessage(index.searchRows(queries, k, first, last));
});
