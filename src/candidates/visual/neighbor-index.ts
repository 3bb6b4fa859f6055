import { TopKHeap } from '../../math/top-k.ts';

/** Nearest first; equal distances stand in ascending pin index. */
export interface Neighbors {
  readonly pinIndexes: Int32Array;
  readonly distances: Float64Array;
}

/** Which pins may be found; absent: all that the index holds. */
export type Accept = (pinIndex: number) => boolean;

/**
 * Finds the pins nearest to a query. `Q` is a packed binary code (Hamming distance, bits) or a float embedding (squared
 * L2 of unit vectors). An exact index is the truth that approximate ones are measured against.
 */
export interface NeighborIndex<Q> {
  readonly name: string;
  readonly exact: boolean;
  /** The nearest `k` accepted pins, fewer when there are fewer. Throws RangeError when the query has another length. */
  search(query: Q, k: number, accept?: Accept): Neighbors | Promise<Neighbors>;
}

/** Share of the true neighbors that were found, over several queries. */
export function recallOf(found: readonly Neighbors[], truth: readonly Neighbors[]): number {
  let hits = 0;
  let wanted = 0;
  for (let q = 0; q < truth.length; q++) {
    const ids = new Set(found[q].pinIndexes);
    for (const id of truth[q].pinIndexes) if (ids.has(id)) hits++;
    wanted += truth[q].pinIndexes.length;
  }
  return wanted === 0 ? 1 : hits / wanted;
}

/** One list of several that cover different pins: nearest `k`, equal distances by ascending pin. */
export function mergedNeighbors(parts: readonly Neighbors[], k: number): Neighbors {
  let total = 0;
  for (const part of parts) total += part.pinIndexes.length;
  const heap = new TopKHeap(Math.min(k, total));
  for (const { pinIndexes, distances } of parts) for (let n = 0; n < pinIndexes.length; n++) heap.offer(pinIndexes[n], -distances[n]);
  const { ids, scores } = heap.drain();
  return { pinIndexes: ids, distances: scores.map((score) => 0 - score) };
}
