/** From rows of a file to vectors that serve: checked, sorted by pin, their graph built and measured, all swapped in at once. */
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { ArtifactFolder } from '../../catalog/artifacts/artifact-folder.ts';
import { digestOfFile } from '../../catalog/artifacts/digest.ts';
import { noteOf } from '../../catalog/artifacts/verified-file.ts';
import { ServiceError } from '../../errors.ts';
import type { Progress } from '../../progress.ts';
import { syncFile } from '../../swapped-file.ts';
import { HnswIndex, type HnswOptions } from '../visual/hnsw-index.ts';
import { type Neighbors, recallOf } from '../visual/neighbor-index.ts';
import type { GraphDraft } from './graph-draft.ts';
import {
  exactNearest,
  type GraphFile,
  graphNearest,
  spaceOf,
  type VectorMetadata,
  type VectorMetric,
  type VectorTable,
} from './vector-set.ts';
import { type VectorRow, vectorsUnreadable } from './vector-rows.ts';

/** How a build is watched and stopped. */
export interface BuildWatch {
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Unknown ids that are named, and characters of each. */
const NAMED_MAX = 5;
const NAMED_LENGTH_MAX = 80;
/** Of a vector under `dot`: then no inner product leaves the range of 32-bit numbers. */
const DOT_LENGTH_MAX = 1e19;
/** Rows, and points of a graph, between two looks at whether to stop. */
const PIECE = 1000;

export interface CollectedVectors {
  readonly table: VectorTable;
  readonly read: number;
  /** Rows of pins that the catalogue does not have: left out. */
  readonly unknown: number;
  readonly unknownIds: readonly string[];
  /** Rows of a pin that came again: the last one counts. */
  readonly repeated: number;
  /** Vectors of zeros, which have no cosine: left out under that metric. */
  readonly zeros: number;
}

/**
 * Reads all rows. `indexOf` gives a pin's index, below 0 for an unknown id.
 * @throws CATALOG_FILE_UNREADABLE for a vector of another length than the first, or that holds what is no finite number, or whose
 * inner products would be none; JOB_STOPPED.
 */
export async function collectVectors(
  file: string,
  rows: AsyncIterable<VectorRow>,
  metric: VectorMetric,
  indexOf: (id: string) => number,
  { progress, signal }: BuildWatch,
): Promise<CollectedVectors> {
  const growing = new GrowingTable();
  const counts = { read: 0, unknown: 0, repeated: 0, zeros: 0 };
  const unknownIds: string[] = [];
  progress.start('reading vectors', 0);
  for await (const { line, id, vector } of rows) {
    if (counts.read++ % PIECE === 0) {
      progress.update(counts.read);
      if (signal.aborted) throw new ServiceError('JOB_STOPPED');
    }
    growing.dimensions ??= vector.length;
    const problem = problemOf(vector, growing.dimensions, metric);
    if (problem !== null) throw vectorsUnreadable(file, line, `the vector of pin ${shortened(id)} ${problem}`);
    const pin = indexOf(id);
    if (pin < 0) {
      if (counts.unknown++ < NAMED_MAX) unknownIds.push(shortened(id));
      continue;
    }
    const scale = metric === 'cosine' ? 1 / lengthOf(vector) : 1;
    if (!Number.isFinite(scale)) counts.zeros++;
    else if (growing.put(pin, vector, scale)) counts.repeated++;
  }
  progress.stop();
  return { table: { metric, ...growing.sorted() }, ...counts, unknownIds };
}

function shortened(id: string): string {
  return id.length <= NAMED_LENGTH_MAX ? id : `${id.slice(0, NAMED_LENGTH_MAX)}...`;
}

function problemOf(vector: ArrayLike<number>, dimensions: number, metric: VectorMetric): string | null {
  if (vector.length !== dimensions || dimensions === 0) return `has ${vector.length} numbers, the first one has ${dimensions}`;
  for (let d = 0; d < dimensions; d++)
    if (typeof vector[d] !== 'number' || !Number.isFinite(Math.fround(vector[d])))
      return `holds ${String(vector[d])} at place ${d + 1}, which is no number of 32 bits`;
  const length = metric === 'dot' ? lengthOf(vector) : 0;
  return length > DOT_LENGTH_MAX ? `has the length ${length}; inner products need at most ${DOT_LENGTH_MAX}, so scale the vectors` : null;
}

function lengthOf(vector: ArrayLike<number>): number {
  let squares = 0;
  for (let d = 0; d < vector.length; d++) squares += vector[d] ** 2;
  return Math.sqrt(squares);
}

/** Rows as they come, in room that doubles. */
class GrowingTable {
  dimensions: number | null = null;
  private data = new Float32Array(0);
  private readonly rowOf = new Map<number, number>();

  /** Whether the pin had a vector already, which this one replaces. */
  put(pin: number, vector: ArrayLike<number>, scale: number): boolean {
    const width = vector.length;
    const known = this.rowOf.get(pin);
    const row = known ?? this.rowOf.size;
    if ((row + 1) * width > this.data.length) {
      const larger = new Float32Array(Math.max(PIECE * width, 2 * this.data.length));
      larger.set(this.data);
      this.data = larger;
    }
    for (let d = 0; d < width; d++) this.data[row * width + d] = vector[d] * scale;
    this.rowOf.set(pin, row);
    return known !== undefined;
  }

  /** In ascending order of the pins. */
  sorted(): Pick<VectorTable, 'dimensions' | 'pinIndexes' | 'data'> {
    const dimensions = this.dimensions ?? 0;
    const pinIndexes = Int32Array.from(this.rowOf.keys()).sort();
    const data = new Float32Array(pinIndexes.length * dimensions);
    pinIndexes.forEach((pin, to) => {
      const from = (this.rowOf.get(pin) ?? 0) * dimensions;
      data.set(this.data.subarray(from, from + dimensions), to * dimensions);
    });
    return { dimensions, pinIndexes, data };
  }
}

/** Vectors of pins, each once and of one length, as a table. */
export function sortedTable(
  metric: VectorMetric,
  rows: Iterable<{ readonly pinIndex: number; readonly embedding: Float32Array }>,
): VectorTable {
  const growing = new GrowingTable();
  for (const { pinIndex, embedding } of rows) {
    growing.dimensions ??= embedding.length;
    growing.put(pinIndex, embedding, 1);
  }
  return { metric, ...growing.sorted() };
}

interface BuiltGraph {
  readonly index: HnswIndex;
  /** Rows taken over from a build that was stopped. */
  readonly resumedRows: number;
}

/**
 * The graph over a table. With a draft, a build that is stopped leaves what it has, and this one goes on from there.
 * Throws INDEX_UNAVAILABLE without the package, JOB_STOPPED.
 */
export async function buildGraph(
  table: VectorTable,
  options: HnswOptions,
  { progress, signal }: BuildWatch,
  draft?: GraphDraft,
): Promise<BuiltGraph> {
  const { dimensions, pinIndexes, data } = table;
  const begun = await draft?.open();
  const index = begun?.index ?? HnswIndex.make(dimensions, pinIndexes.length, options, spaceOf(table.metric));
  const resumedRows = begun?.rows ?? 0;
  progress.start('building the graph', pinIndexes.length);
  for (let row = resumedRows; row < pinIndexes.length; row++) {
    index.add(pinIndexes[row], data.subarray(row * dimensions, (row + 1) * dimensions));
    if (row % PIECE !== 0) continue;
    progress.update(row);
    await setImmediate();
    if (!signal.aborted) continue;
    await draft?.save(index, row + 1);
    throw new ServiceError('JOB_STOPPED');
  }
  progress.stop();
  return { index, resumedRows };
}

export interface GraphRecall {
  readonly queries: number;
  /** Share of the k true nearest pins that the graph finds, by k; the pin itself does not count. */
  readonly recall: Readonly<Record<string, number>>;
  /** Median time of a query, in milliseconds. */
  readonly graphMs: number;
  readonly exactMs: number;
}

/** How much of the exact scan's answer a graph finds, for pins spread evenly over the table. */
export function measureGraph(table: VectorTable, graph: HnswIndex, queries: number, ks: readonly number[]): GraphRecall {
  const { pinIndexes, data, dimensions, metric } = table;
  const asked = Math.min(queries, pinIndexes.length);
  const most = Math.min(Math.max(...ks), pinIndexes.length - 1);
  const answers = { graph: [] as Neighbors[], exact: [] as Neighbors[] };
  const times = { graph: [] as number[], exact: [] as number[] };
  for (let q = 0; q < asked; q++) {
    const row = Math.floor((q * pinIndexes.length) / asked);
    const query = data.subarray(row * dimensions, (row + 1) * dimensions);
    const timed = (way: 'graph' | 'exact', search: () => Neighbors): void => {
      const startedAt = performance.now();
      const found = search();
      times[way].push(performance.now() - startedAt);
      answers[way].push(without(found, pinIndexes[row]));
    };
    timed('exact', () => exactNearest(table, query, most + 1));
    timed('graph', () => graphNearest(graph, metric, query, most + 1));
  }
  const at = (found: readonly Neighbors[], k: number): Neighbors[] => found.map((one) => firstOf(one, k));
  const recall = ks.filter((k) => k <= most).map((k) => [k, recallOf(at(answers.graph, k), at(answers.exact, k))] as const);
  return { queries: asked, recall: Object.fromEntries(recall), graphMs: median(times.graph), exactMs: median(times.exact) };
}

function without({ pinIndexes, distances }: Neighbors, pin: number): Neighbors {
  const others = (_: number, at: number): boolean => pinIndexes[at] !== pin;
  return { distances: distances.filter(others), pinIndexes: pinIndexes.filter((other) => other !== pin) };
}

function firstOf({ pinIndexes, distances }: Neighbors, k: number): Neighbors {
  return { pinIndexes: pinIndexes.subarray(0, k), distances: distances.subarray(0, k) };
}

function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[times.length >> 1] ?? 0;
}

/** Writes a table and its graph as the next version of a name. A reader sees the old version or the new one with its graph. */
export async function writeVectors(
  folder: ArtifactFolder,
  table: VectorTable,
  graph: { readonly index: HnswIndex; readonly options: HnswOptions } | null,
  about: Pick<VectorMetadata, 'name' | 'source' | 'net'>,
): Promise<string> {
  const { metric, dimensions, pinIndexes, data } = table;
  const file = graph && (await saveGraph(folder.folder, graph.index, graph.options));
  const what = { ...about, metric, dimensions, vectors: pinIndexes.length, importedAt: new Date().toISOString(), graph: file };
  const version = folder.write(what satisfies VectorMetadata, { pinIndexes, data });
  pruneGraphs(folder);
  return version;
}

/** Under its digest, so that no version ever finds another one's graph. */
async function saveGraph(folder: string, index: HnswIndex, { links, buildBreadth, searchBreadth }: HnswOptions): Promise<GraphFile> {
  mkdirSync(folder, { recursive: true });
  const draft = join(folder, `graph.${process.pid}.tmp`);
  try {
    await index.save(draft);
    const { digest } = digestOfFile(draft);
    const file = `graph-${digest}.hnsw`;
    syncFile(draft);
    renameSync(draft, join(folder, file));
    return { file, digest, links, buildBreadth, searchBreadth };
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Removes the graphs that no version on disk names. */
function pruneGraphs(folder: ArtifactFolder): void {
  const named = new Set(
    folder.versions().map((version) => {
      const file = folder.open(version);
      const metadata = file?.metadata as VectorMetadata | undefined;
      file?.close();
      return metadata?.graph?.file;
    }),
  );
  const graphs = readdirSync(folder.folder).filter((name) => /^graph-[0-9a-f]{16}\.hnsw$/.test(name));
  for (const name of graphs.filter((graph) => !named.has(graph)))
    for (const path of [join(folder.folder, name), noteOf(join(folder.folder, name))]) rmSync(path, { force: true });
}
