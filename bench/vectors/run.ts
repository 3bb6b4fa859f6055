/** What do graphs over imported vectors cost, and what do they find? See the README beside this file. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GraphDraft } from '../../src/candidates/vectors/graph-draft.ts';
import { buildGraph, measureGraph, writeVectors } from '../../src/candidates/vectors/vector-build.ts';
import { vectorFolder, VectorSet, type VectorTable } from '../../src/candidates/vectors/vector-set.ts';
import { DEFAULT_HNSW, type HnswOptions } from '../../src/candidates/visual/hnsw-index.ts';
import { seededRandom } from '../../src/math/random.ts';
import { SILENT } from '../../src/progress.ts';
import { flagsOf } from '../flags.ts';

interface Settings {
  readonly options: HnswOptions;
  readonly breadths: readonly number[];
  readonly queries: number;
  readonly ks: readonly number[];
  /** Where a build that is stopped leaves what it has; null: it starts from nothing. */
  readonly draft: string | null;
  readonly stopAfterSeconds: number;
}

export async function run({ argv }: { argv: readonly string[]; json: boolean }): Promise<Record<string, unknown>> {
  const { links, buildBreadth, breadth, queries, k, draft, stopAfter, dimensions, count } = flagsOf(argv, {
    links: DEFAULT_HNSW.links,
    buildBreadth: DEFAULT_HNSW.buildBreadth,
    breadth: [100, 200, 400],
    queries: 200,
    k: [10, 100],
    draft: '',
    stopAfter: 0,
    dimensions: 64,
    count: [100_000],
  });
  const settings: Settings = {
    options: { ...DEFAULT_HNSW, links, buildBreadth },
    breadths: breadth,
    queries,
    ks: k,
    draft: draft || null,
    stopAfterSeconds: stopAfter,
  };
  const sets: Awaited<ReturnType<typeof measured>>[] = [];
  for (const size of count) sets.push(await measured(generated(size, dimensions), settings));
  return { vectors: 'generated', links, buildBreadth, sets };
}

async function measured(table: VectorTable, { options, breadths, queries, ks, draft: place, stopAfterSeconds }: Settings) {
  const draft = place === null ? undefined : new GraphDraft(place, table, options);
  const signal = stopAfterSeconds > 0 ? AbortSignal.timeout(1000 * stopAfterSeconds) : new AbortController().signal;
  const root = mkdtempSync(join(tmpdir(), 'related-pins-vectors-'));
  try {
    const cpu = process.cpuUsage();
    const built = await timed(() => buildGraph(table, options, { progress: SILENT, signal }, draft));
    const { user, system } = process.cpuUsage(cpu);
    const { index, resumedRows } = built.value;
    const graphs = breadths.map((searchBreadth) => {
      index.searchBreadth = searchBreadth;
      return { searchBreadth, ...measureGraph(table, index, queries, ks) };
    });
    const folder = vectorFolder(root, 'bench');
    const saved = await timed(() => writeVectors(folder, table, { index, options }, { name: 'bench', source: 'generated' }));
    const loaded = await timed(() => VectorSet.open(folder));
    const graph = loaded.value?.metadata.graph?.file ?? '';
    return {
      count: table.pinIndexes.length,
      dimensions: table.dimensions,
      resumedRows,
      buildSeconds: built.seconds,
      buildCpuSeconds: (user + system) / 1e6,
      saveSeconds: saved.seconds,
      loadSeconds: loaded.seconds,
      vectorBytes: statSync(join(folder.folder, `${saved.value}.bin`)).size,
      graphBytes: statSync(join(folder.folder, graph)).size,
      graphs,
    };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function timed<T>(work: () => Promise<T>): Promise<{ value: T; seconds: number }> {
  const startedAt = performance.now();
  const value = await work();
  return { value, seconds: (performance.now() - startedAt) / 1000 };
}

const CLUSTERS = 200;
const MEANING = 24;

/** Unit vectors: soft clusters in the first dimensions, noise in the rest. */
function generated(count: number, dimensions: number): VectorTable {
  const random = seededRandom(1);
  const centres = Array.from({ length: CLUSTERS }, () => Float32Array.from({ length: MEANING }, () => random.normal()));
  const data = new Float32Array(count * dimensions);
  for (let row = 0; row < count; row++) {
    const centre = random.pick(centres);
    const at = row * dimensions;
    let squares = 0;
    for (let d = 0; d < dimensions; d++) {
      data[at + d] = d < MEANING ? centre[d] + 0.7 * random.normal() : 0.15 * random.normal();
      squares += data[at + d] ** 2;
    }
    for (let d = 0; d < dimensions; d++) data[at + d] /= Math.sqrt(squares);
  }
  return { metric: 'cosine', dimensions, pinIndexes: Int32Array.from({ length: count }, (_, row) => row), data };
}
