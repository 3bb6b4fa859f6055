/** How much of the truth does a graph over short embeddings find, and how fast? See the README beside this file. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DEFAULT_HNSW, HnswIndex } from '../../src/candidates/visual/hnsw-index.ts';
import { type Neighbors, recallOf } from '../../src/candidates/visual/neighbor-index.ts';
import { seededRandom } from '../../src/math/random.ts';
import { TopKHeap } from '../../src/math/top-k.ts';
import { normalized } from '../../src/math/vector.ts';
import { InferencePool } from '../../src/vision/inference-pool.ts';
import { flagsOf } from '../flags.ts';

interface Settings {
  readonly queries: number;
  readonly ks: readonly number[];
  readonly breadths: readonly number[];
  readonly links: number;
}

export async function run({ argv }: { argv: readonly string[]; json: boolean }): Promise<Record<string, unknown>> {
  const { net, images, dimensions, count, k, breadth, ...rest } = flagsOf(argv, {
    queries: 200,
    k: [10, 50],
    breadth: [50, 100, 200, 400],
    links: DEFAULT_HNSW.links,
    images: '',
    net: 'data/nets/visual',
    dimensions: 128,
    count: [20_000],
  });
  const settings: Settings = { ...rest, ks: k, breadths: breadth };
  if (images !== '') {
    const rows = await embeddings(resolve(net), resolve(images));
    return { vectors: 'of a net', sets: [measure(rows, settings)] };
  }
  const sets = count.map((size) => measure(generated(size, dimensions), settings));
  return { vectors: 'generated', sets };
}

function measure(rows: readonly Float32Array[], { queries, ks, breadths, links }: Settings) {
  const dimensions = rows[0].length;
  const asked = Array.from({ length: Math.min(queries, rows.length) }, (_, q) =>
    Math.floor((q * rows.length) / Math.min(queries, rows.length)),
  );
  const most = Math.max(...ks);
  const exact = timed(asked.map((q) => () => scan(rows, rows[q], most)));
  const startedAt = performance.now();
  const index = HnswIndex.make(dimensions, rows.length, { ...DEFAULT_HNSW, links });
  rows.forEach((row, pin) => index.add(pin, row));
  const buildSeconds = (performance.now() - startedAt) / 1000;
  const graphs = breadths.map((searchBreadth) => {
    index.searchBreadth = searchBreadth;
    const answers = timed(asked.map((q) => () => index.search(rows[q], most)));
    const recall = Object.fromEntries(
      ks.map((k) => [
        k,
        recallOf(
          answers.results.map((one) => firstOf(one, k)),
          exact.results.map((one) => firstOf(one, k)),
        ),
      ]),
    );
    return { searchBreadth, recall, milliseconds: answers.median, speedUp: exact.median / answers.median };
  });
  return { count: rows.length, dimensions, links, queries: asked.length, exactMilliseconds: exact.median, buildSeconds, graphs };
}

function timed<T>(work: readonly (() => T)[]): { results: T[]; median: number } {
  const times: number[] = [];
  const results = work.map((one) => {
    const startedAt = performance.now();
    const result = one();
    times.push(performance.now() - startedAt);
    return result;
  });
  return { results, median: times.sort((a, b) => a - b)[times.length >> 1] };
}

const firstOf = ({ pinIndexes, distances }: Neighbors, k: number): Neighbors => ({
  pinIndexes: pinIndexes.subarray(0, k),
  distances: distances.subarray(0, k),
});

/** All compared: the truth. Squared L2 of unit vectors is 2 - 2 x the inner product. */
function scan(rows: readonly Float32Array[], query: Float32Array, k: number): Neighbors {
  const heap = new TopKHeap(Math.min(k, rows.length));
  rows.forEach((row, pin) => {
    let sum = 0;
    for (let i = 0; i < row.length; i++) sum += row[i] * query[i];
    heap.offer(pin, sum);
  });
  const { ids, scores } = heap.drain();
  return { pinIndexes: ids, distances: scores.map((score) => 2 - 2 * score) };
}

const CLUSTERS = 200;
const MEANING = 24;

function generated(count: number, dimensions: number): Float32Array[] {
  const random = seededRandom(1);
  const draw = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());
  const centres = Array.from({ length: CLUSTERS }, () => draw(MEANING));
  return Array.from({ length: count }, () => {
    const centre = random.pick(centres);
    const row = draw(dimensions);
    for (let i = 0; i < dimensions; i++) row[i] = i < MEANING ? centre[i] + 0.7 * row[i] : 0.15 * row[i];
    return normalized(row);
  });
}

/** The short embedding of every photo, or fc6 where the net has none. */
async function embeddings(net: string, images: string): Promise<Float32Array[]> {
  const pool = new InferencePool({ workers: 1 });
  const files = photosIn(images);
  const rows: Float32Array[] = [];
  for (let from = 0; from < files.length; from += 64) {
    const found = await pool.layers(
      net,
      files.slice(from, from + 64).map((file) => ({ bytes: readFileSync(file) })),
    );
    for (const one of found) if (one.ok) rows.push(normalized(one.layers?.embedding ?? one.fc6));
  }
  await pool.close();
  return rows;
}

function photosIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? photosIn(path) : /\.(jpe?g|png|webp)$/i.test(entry.name) ? [path] : [];
  });
}
