import { describe, expect, it } from 'vitest';
import { ExactIndex } from '../../src/candidates/visual/exact-index.ts';
import { ExactIndexPool } from '../../src/candidates/visual/exact-index-pool.ts';
import { HnswIndex } from '../../src/candidates/visual/hnsw-index.ts';
import { type NeighborIndex, type Neighbors, recallOf } from '../../src/candidates/visual/neighbor-index.ts';
import { ServiceError } from '../../src/errors.ts';
import { allocateCodeTable } from '../../src/features/code-table.ts';
import { LanceIndex, whyNoLance } from '../../bench/lance/lance-index.ts';
import { seededRandom } from '../../src/math/random.ts';
import { temporaryFolder } from '../world.ts';

interface Implementation {
  readonly name: string;
  /** An index over `count` random points, and the queries' truth by brute force. */
  make(count: number): Made | Promise<Made>;
}

interface Made {
  readonly index: NeighborIndex<never>;
  readonly queries: never[];
  truth(query: never, k: number): Neighbors;
}

const DIMENSIONS = 16;

function sorted(distances: Float64Array, k: number): Neighbors {
  const order = Array.from(distances, (_, pin) => pin).sort((a, b) => distances[a] - distances[b] || a - b);
  const best = order.slice(0, k);
  return { pinIndexes: Int32Array.from(best), distances: Float64Array.from(best, (pin) => distances[pin]) };
}

async function codes(
  count: number,
  open: (table: ReturnType<typeof allocateCodeTable>) => NeighborIndex<Uint32Array> | Promise<NeighborIndex<Uint32Array>>,
) {
  const random = seededRandom(1);
  const table = allocateCodeTable(128, count);
  for (let w = 0; w < table.codes.length; w++) table.codes[w] = random.integer(2 ** 32);
  table.has.fill(1);
  const queries = Array.from({ length: 20 }, () => Uint32Array.from({ length: 4 }, () => random.integer(2 ** 32)));
  const truth = (query: Uint32Array, k: number): Neighbors => {
    const distances = new Float64Array(count);
    for (let row = 0; row < count; row++)
      for (let bit = 0; bit < 128; bit++) distances[row] += ((table.codes[row * 4 + (bit >> 5)] ^ query[bit >> 5]) >>> (bit & 31)) & 1;
    return sorted(distances, k);
  };
  return { index: await open(table), queries, truth };
}

function embeddings(count: number) {
  const random = seededRandom(2);
  const point = (): Float32Array => Float32Array.from({ length: DIMENSIONS }, () => random.normal());
  const points = Array.from({ length: count }, point);
  const index = HnswIndex.make(DIMENSIONS, count);
  points.forEach((embedding, pin) => index.add(pin, embedding));
  const truth = (query: Float32Array, k: number): Neighbors =>
    sorted(
      Float64Array.from(points, (embedding) => embedding.reduce((sum, value, i) => sum + (value - query[i]) ** 2, 0)),
      k,
    );
  return { index, queries: Array.from({ length: 20 }, point), truth };
}

const hnswMissing = ((): string | null => {
  try {
    HnswIndex.make(2, 1);
    return null;
  } catch (error) {
    return error instanceof ServiceError ? error.message : String(error);
  }
})();

const lanceMissing = whyNoLance();

const implementations: readonly (Implementation & { readonly missing?: string | null })[] = [
  { name: 'exact', make: (count) => codes(count, (table) => new ExactIndex(table)) as never },
  { name: 'exact pool', make: (count) => codes(count, (table) => new ExactIndexPool(table, 2)) as never },
  { name: 'hnsw', make: (count) => embeddings(count) as never, missing: hnswMissing },
  {
    name: `lance${lanceMissing === null ? '' : ' (skipped: no @lancedb/lancedb here)'}`,
    make: (count) => codes(count, (table) => LanceIndex.make(temporaryFolder(), table, count < 100 ? 1 : 4, 4)) as never,
    missing: lanceMissing,
  },
];

describe.each(implementations)('neighbor index: $name', ({ name, make, missing }) => {
  it.skipIf(missing)('finds the nearest, nearest first', async () => {
    const { index, queries, truth } = await make(800);
    const found: Neighbors[] = [];
    for (const query of queries) found.push(await index.search(query, 10));
    const expected = queries.map((query) => truth(query, 10));
    expect(recallOf(found, expected)).toBeGreaterThanOrEqual(index.exact ? 1 : 0.99);
    if (index.exact) expect(found).toEqual(expected);
    for (const { distances } of found) expect([...distances]).toEqual([...distances].sort((a, b) => a - b));
  });

  it.skipIf(missing)('finds all there is when asked for more', async () => {
    const { index, queries } = await make(30);
    expect((await index.search(queries[0], 100)).pinIndexes.length).toBe(30);
  });

  // A function can't go to the threads of the pool, so its search takes none.
  it.skipIf(missing || name === 'exact pool')('finds among what is accepted only', async () => {
    const { index, queries } = await make(200);
    const { pinIndexes } = await index.search(queries[0], 10, (pin) => pin % 20 === 3);
    expect([...pinIndexes].sort((a, b) => a - b)).toEqual([3, 23, 43, 63, 83, 103, 123, 143, 163, 183]);
  });

  it.skipIf(missing)('refuses a query of another length', async () => {
    const { index } = await make(5);
    await expect(async () => index.search(new Uint32Array(99) as never, 1)).rejects.toThrow();
  });
});
