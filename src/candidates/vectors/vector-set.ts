/**
 * Vectors of pins: one artifact `vectors-NAME` per name, replaced as a whole, and beside it the graph (HNSW) that finds neighbors in
 * it. Another program made them (`import-vectors`), or a visual net that gives short vectors (`extract-features`). Resident: the vectors as 32-bit floats, and the graph with a copy of its own.
 *
 *   cosine   vectors are scaled to length 1 when they are imported; score = cosine
 *   dot      vectors stand as they came; score = inner product
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ArtifactFile } from '../../catalog/artifacts/artifact-file.ts';
import { ArtifactFolder } from '../../catalog/artifacts/artifact-folder.ts';
import { digestOfFile } from '../../catalog/artifacts/digest.ts';
import { noteVerified, verifiedDigest } from '../../catalog/artifacts/verified-file.ts';
import { ServiceError } from '../../errors.ts';
import { TopKHeap } from '../../math/top-k.ts';
import { HnswIndex, type HnswSpace, whyNoGraph } from '../visual/hnsw-index.ts';
import type { Accept, Neighbors } from '../visual/neighbor-index.ts';

export const VECTOR_METRICS = ['cosine', 'dot'] as const;
export type VectorMetric = (typeof VECTOR_METRICS)[number];

const FORMAT = 1;
/** Folders of artifacts that hold vectors begin so; the name follows. */
export const VECTORS_KIND = 'vectors-';

/** The set of the serving net's own vectors goes by this name, whichever net that is. */
export const NET_VECTORS = 'net';
const NET_PLACE = /^net-[0-9a-f]{12}$/;

/** Whose own vectors a set holds, and up to which write of the feature store. */
interface NetOfVectors {
  readonly digest: string;
  readonly netKey: string;
  readonly sequence: number;
}

/** The graph of a version: its file lies in the same folder. */
export interface GraphFile {
  readonly file: string;
  /** xxhash64 of the whole file. */
  readonly digest: string;
  readonly links: number;
  readonly buildBreadth: number;
  readonly searchBreadth: number;
}

export interface VectorMetadata {
  readonly name: string;
  readonly metric: VectorMetric;
  readonly dimensions: number;
  readonly vectors: number;
  /** Name of the file they came from, or of the net. */
  readonly source: string;
  /** Absent: they were imported. */
  readonly net?: NetOfVectors;
  readonly importedAt: string;
  /** Null: neighbors are found by comparing all. */
  readonly graph: GraphFile | null;
}

export function vectorFolder(artifacts: string, name: string): ArtifactFolder {
  return new ArtifactFolder(artifacts, `${VECTORS_KIND}${name}`, FORMAT);
}

/** Under which name a net's own vectors lie: those of several nets lie side by side. */
export function netVectorPlace(digest: string): string {
  return `${NET_VECTORS}-${digest.slice(0, 12)}`;
}

/** Whether a name stands for the vectors of a net, so that none may be imported under it. */
export function isOfNet(name: string): boolean {
  return name === NET_VECTORS || NET_PLACE.test(name);
}

/** Names of the sets that lie in a folder, in alphabetical order. */
export function vectorNames(artifacts: string): { readonly imported: readonly string[]; readonly ofNets: readonly string[] } {
  if (!existsSync(artifacts)) return { imported: [], ofNets: [] };
  const folders = readdirSync(artifacts).filter((name) => name.startsWith(VECTORS_KIND) && existsSync(join(artifacts, name, 'CURRENT')));
  const names = folders.map((name) => name.slice(VECTORS_KIND.length)).sort();
  return { imported: names.filter((name) => !isOfNet(name)), ofNets: names.filter(isOfNet) };
}

/** How the graph measures distance under a metric. */
export function spaceOf(metric: VectorMetric): HnswSpace {
  return metric === 'cosine' ? 'l2' : 'ip';
}

/** The vectors of pins; row r of `data`, at r x dimensions, is that of pin `pinIndexes[r]`. */
export interface VectorTable {
  readonly metric: VectorMetric;
  readonly dimensions: number;
  /** Ascending. */
  readonly pinIndexes: Int32Array<ArrayBuffer>;
  readonly data: Float32Array<ArrayBuffer>;
}

/** All vectors compared with one: scores by the metric, the greatest first; the truth that the graph is measured against. */
export function exactNearest({ dimensions, pinIndexes, data }: VectorTable, query: Float32Array, k: number, accept?: Accept): Neighbors {
  const heap = new TopKHeap(Math.min(k, pinIndexes.length));
  for (let row = 0, at = 0; row < pinIndexes.length; row++, at += dimensions) {
    if (accept && !accept(pinIndexes[row])) continue;
    let sum = 0;
    for (let d = 0; d < dimensions; d++) sum += data[at + d] * query[d];
    if (sum >= heap.threshold) heap.offer(pinIndexes[row], sum);
  }
  const { ids, scores } = heap.drain();
  return { pinIndexes: ids, distances: scores };
}

/** The same through a graph: what it calls distance becomes the score. */
export function graphNearest(graph: HnswIndex, metric: VectorMetric, query: Float32Array, k: number, accept?: Accept): Neighbors {
  const { pinIndexes, distances } = graph.search(query, k, accept);
  return { pinIndexes, distances: distances.map((distance) => (metric === 'cosine' ? 1 - distance / 2 : 1 - distance)) };
}

export class VectorSet implements VectorTable {
  readonly name: string;
  readonly version: string;
  readonly metric: VectorMetric;
  readonly dimensions: number;
  readonly pinIndexes: Int32Array<ArrayBuffer>;
  readonly data: Float32Array<ArrayBuffer>;
  readonly metadata: VectorMetadata;
  /** Why the graph that was built is not used; null: it is, or there is none. */
  readonly graphProblem: string | null;
  private readonly graph: HnswIndex | null;
  /** Row of each pin, -1 where it has no vector. */
  private readonly rows: Int32Array;
  /** 1 / length of each vector under `dot`; null under `cosine`, whose vectors have length 1. */
  private readonly scales: Float32Array | null;

  private constructor(version: string, file: ArtifactFile, graph: HnswIndex | null, graphProblem: string | null) {
    const metadata = file.about<VectorMetadata>();
    const { name, metric, dimensions } = metadata;
    const pinIndexes = file.read('pinIndexes') as Int32Array<ArrayBuffer>;
    const data = file.read('data') as Float32Array<ArrayBuffer>;
    if (!VECTOR_METRICS.includes(metric) || data.length !== pinIndexes.length * dimensions)
      throw new ServiceError('ARTIFACT_REFUSED', { file: file.path, reason: 'its vectors and what it says of them disagree' });
    this.name = name;
    this.version = version;
    this.metric = metric;
    this.dimensions = dimensions;
    this.pinIndexes = pinIndexes;
    this.data = data;
    this.metadata = metadata;
    this.graph = graph;
    this.graphProblem = graphProblem;
    this.rows = new Int32Array((pinIndexes.at(-1) ?? -1) + 1).fill(-1);
    pinIndexes.forEach((pin, row) => (this.rows[pin] = row));
    this.scales = metric === 'cosine' ? null : scalesOf(this);
  }

  /** The current version with its graph. Null when there is none. Throws ARTIFACT_REFUSED when it is damaged. */
  static async open(folder: ArtifactFolder): Promise<VectorSet | null> {
    const version = folder.current();
    const file = folder.open(version);
    if (file === null || version === null) return null;
    try {
      const metadata = file.about<VectorMetadata>();
      const { graph, problem } = await openGraph(folder.folder, metadata);
      return new VectorSet(version, file, graph, problem);
    } finally {
      file.close();
    }
  }

  rowOf(pinIndex: number): number {
    return pinIndex >= 0 && pinIndex < this.rows.length ? this.rows[pinIndex] : -1;
  }

  /** The vector of a pin; null without one. */
  vectorOf(pinIndex: number): Float32Array | null {
    const row = this.rowOf(pinIndex);
    return row < 0 ? null : this.data.subarray(row * this.dimensions, (row + 1) * this.dimensions);
  }

  /**
   * The pins whose scores with a vector are greatest, by the graph where there is one. Where the graph finds fewer accepted pins
   * than were asked for, because few are accepted, all are compared.
   */
  nearest(query: Float32Array, k: number, accept?: Accept): Neighbors {
    if (this.graph) {
      const found = graphNearest(this.graph, this.metric, query, k, accept);
      if (accept === undefined || found.pinIndexes.length >= k) return found;
    }
    return exactNearest(this, query, k, accept);
  }

  /** The cosine of a vector of length 1 with that of a pin, from both vectors; null where the pin has none. */
  cosineOf(query: Float32Array, pinIndex: number): number | null {
    const row = this.rowOf(pinIndex);
    if (row < 0) return null;
    const { data, dimensions, scales } = this;
    let sum = 0;
    for (let d = 0, at = row * dimensions; d < dimensions; d++) sum += data[at + d] * query[d];
    return scales === null ? sum : sum * scales[row];
  }

  /** Cosines of a pin's vector with those of `count` others; NaN where one is missing. */
  cosinesInto(pinIndex: number, pinIndexes: Int32Array, count: number, out: Float32Array): void {
    const own = this.rowOf(pinIndex);
    const { data, dimensions, scales } = this;
    for (let i = 0; i < count; i++) {
      const row = own < 0 ? -1 : this.rowOf(pinIndexes[i]);
      let sum = row < 0 ? Number.NaN : 0;
      if (row >= 0) for (let d = 0, a = own * dimensions, b = row * dimensions; d < dimensions; d++) sum += data[a + d] * data[b + d];
      out[i] = row < 0 || scales === null ? sum : sum * scales[own] * scales[row];
    }
  }
}

function scalesOf({ data, dimensions, pinIndexes }: VectorTable): Float32Array {
  return Float32Array.from(pinIndexes, (_, row) => {
    let squares = 0;
    for (let d = 0, at = row * dimensions; d < dimensions; d++) squares += data[at + d] ** 2;
    return squares > 0 ? 1 / Math.sqrt(squares) : 0;
  });
}

/** A graph that is missing, damaged or cannot be read here costs time, not the service: then all vectors are compared. */
async function openGraph(folder: string, metadata: VectorMetadata): Promise<{ graph: HnswIndex | null; problem: string | null }> {
  const { graph, dimensions, metric, name } = metadata;
  if (graph === null) return { graph: null, problem: null };
  const problem = graphProblem(folder, graph);
  if (problem !== null) return { graph: null, problem: `vectors ${name} are compared one and all: ${problem}` };
  return { graph: await HnswIndex.open(join(folder, graph.file), dimensions, graph.searchBreadth, spaceOf(metric)), problem: null };
}

/** Why a graph cannot be used, with the way out; null: it can. `folder`: of the version that names it. */
export function graphProblem(folder: string, { file, digest }: GraphFile): string | null {
  return whyNoGraph() ?? graphDamage(join(folder, file), digest);
}

/** The library reads whatever it is given: a file that is not the one that was written must not reach it. */
function graphDamage(path: string, digest: string): string | null {
  try {
    const known = verifiedDigest(path);
    const found = known ?? digestOfFile(path).digest;
    if (found !== digest) return `the graph ${path} has the digest ${found}, not ${digest}; import the vectors again`;
    if (known === null) noteVerified(path, digest);
    return null;
  } catch {
    return `the graph ${path} cannot be read; import the vectors again`;
  }
}
