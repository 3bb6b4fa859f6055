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

/**
 * The approximate twin over short float embeddings (hnswlib), squared L2. Its recall is measured against an exact scan,
 * never assumed. hnswlib-node compiles on every machine, so it is optional.
 * Throws INDEX_UNAVAILABLE when the package is not installed.
 */
export class HnswIndex implements NeighborIndex<Float32Array> {
  readonly name = 'hnsw';
  readonly exact = false;
  private readonly index: Hnsw.HierarchicalNSW;
  private readonly dimensions: number;
  private count = 0;

  /** Room for `capacity` embeddings of `dimensions` floats. */
  constructor(dimensions: number, capacity: number, options: HnswOptions = DEFAULT_HNSW) {
    const { HierarchicalNSW } = loadHnsw();
    this.dimensions = dimensions;
    this.index = new HierarchicalNSW('l2', dimensions);
    this.index.initIndex(capacity, options.links, options.buildBreadth, options.seed);
    this.index.setEf(options.searchBreadth);
  }

  /** Candidates of the searches from now on. */
  set searchBreadth(breadth: number) {
    this.index.setEf(breadth);
  }

  add(pinIndex: number, embedding: Float32Array): void {
    this.expectLength(embedding);
    this.index.addPoint(Array.from(embedding), pinIndex);
    this.count++;
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

function loadHnsw(): typeof Hnsw {
  try {
    return createRequire(import.meta.url)('hnswlib-node') as typeof Hnsw;
  } catch (error) {
    const reason = `hnswlib-node is not installed (npm install hnswlib-node needs a C++ toolchain): ${reasonOf(error)}`;
    throw new ServiceError('INDEX_UNAVAILABLE', { index: 'hnsw', reason }, error);
  }
}
