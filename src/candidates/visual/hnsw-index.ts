import { createRequire } from 'node:module';
import type * as Hnsw from 'hnswlib-node';
import { reasonOf, ServiceError } from '../../errors.ts';
import type { Accept, NeighborIndex, Neighbors } from './neighbor-index.ts';

/** What the graph costs and gives; `docs/PARAMETERS.md`. */
export interface HnswOptions {
  /** Links per node: memory and recall grow with it. */
  readonly links: number;
  /** Candidates while building. */
  readonly buildBreadth: number;
  /** Candidates while searching; recall and time grow with it. */
  readonly searchBreadth: number;
  readonly seed: number;
}

export const DEFAULT_HNSW: HnswOptions = { links: 24, buildBreadth: 200, searchBreadth: 200, seed: 1 };

/** `l2`: squared Euclidean distance; `ip`: 1 - inner product. */
export type HnswSpace = 'l2' | 'ip';

/**
 * The approximate twin over float embeddings (hnswlib). Its recall is measured against an exact scan, never assumed.
 * hnswlib-node compiles on every machine, so it is optional.
 * Throws INDEX_UNAVAILABLE when the package is not installed.
 */
export class HnswIndex implements NeighborIndex<Float32Array> {
  readonly name = 'hnsw';
  readonly exact = false;
  private readonly index: Hnsw.HierarchicalNSW;
  private readonly dimensions: number;

  private constructor(index: Hnsw.HierarchicalNSW, dimensions: number, searchBreadth: number) {
    this.index = index;
    this.dimensions = dimensions;
    index.setEf(searchBreadth);
  }

  /** Room for `capacity` embeddings of `dimensions` floats. */
  static make(dimensions: number, capacity: number, options: HnswOptions = DEFAULT_HNSW, space: HnswSpace = 'l2'): HnswIndex {
    const index = new (loadHnsw().HierarchicalNSW)(space, dimensions);
    index.initIndex(capacity, options.links, options.buildBreadth, options.seed);
    return new HnswIndex(index, dimensions, options.searchBreadth);
  }

  /** A graph that `save` wrote. The file is trusted: the caller has checked its digest. */
  static async open(path: string, dimensions: number, searchBreadth: number, space: HnswSpace = 'l2'): Promise<HnswIndex> {
    const index = new (loadHnsw().HierarchicalNSW)(space, dimensions);
    await index.readIndex(path);
    return new HnswIndex(index, dimensions, searchBreadth);
  }

  async save(path: string): Promise<void> {
    await this.index.writeIndex(path);
  }

  /** Candidates of the searches from now on. */
  set searchBreadth(breadth: number) {
    this.index.setEf(breadth);
  }

  get count(): number {
    return this.index.getCurrentCount();
  }

  add(pinIndex: number, embedding: Float32Array): void {
    this.expectLength(embedding);
    this.index.addPoint(Array.from(embedding), pinIndex);
  }

  search(query: Float32Array, k: number, accept?: Accept): Neighbors {
    this.expectLength(query);
    const wanted = Math.min(k, this.count);
    if (wanted === 0) return { pinIndexes: new Int32Array(0), distances: new Float64Array(0) };
    const found = this.index.searchKnn(Array.from(query), wanted, accept);
    const order = found.neighbors.map((_, n) => n);
    order.sort((a, b) => found.distances[a] - found.distances[b] || found.neighbors[a] - found.neighbors[b]);
    return {
      pinIndexes: Int32Array.from(order, (n) => found.neighbors[n]),
      distances: Float64Array.from(order, (n) => found.distances[n]),
    };
  }

  private expectLength(embedding: Float32Array): void {
    if (embedding.length !== this.dimensions)
      throw new RangeError(`embedding: expected ${this.dimensions} numbers, got ${embedding.length}`);
  }
}

/** Why no graph can be made here, with the way out; null where it can. */
export function whyNoGraph(): string | null {
  try {
    loadHnsw();
    return null;
  } catch (error) {
    return reasonOf(error);
  }
}

function loadHnsw(): typeof Hnsw {
  try {
    return createRequire(import.meta.url)('hnswlib-node') as typeof Hnsw;
  } catch (error) {
    const reason = `hnswlib-node is not there; npm install hnswlib-node, or npm rebuild hnswlib-node, compiles it and needs a C++ toolchain (${firstLine(reasonOf(error))})`;
    throw new ServiceError('INDEX_UNAVAILABLE', { index: 'hnsw', reason }, error);
  }
}

function firstLine(text: string): string {
  return text.split('\n')[0];
}
