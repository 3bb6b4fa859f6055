/** A set of vectors from its table: the graph built and measured, both written as the next version of a name. */
import { type HnswOptions, whyNoGraph } from '../visual/hnsw-index.ts';
import { GraphDraft } from './graph-draft.ts';
import { buildGraph, type BuildWatch, type GraphRecall, measureGraph, writeVectors } from './vector-build.ts';
import { type VectorMetadata, vectorFolder, type VectorTable } from './vector-set.ts';

/** Pins whose neighbors are found both ways, to see what the graph misses. */
const RECALL_QUERIES = 200;
const RECALL_AT = [10, 100];

type MadeGraph = GraphRecall & { readonly buildSeconds: number; readonly resumedRows: number };

interface MadeSet {
  readonly version: string;
  readonly metric: VectorTable['metric'];
  readonly dimensions: number;
  readonly vectors: number;
  /** Null without the package that makes graphs: `wayOut` then says what to do. */
  readonly graph: MadeGraph | null;
  readonly wayOut?: string;
}

/** A build that is stopped leaves what it has, and the next one goes on from there. Throws JOB_STOPPED. */
export async function makeVectorSet(
  artifacts: string,
  place: string,
  table: VectorTable,
  about: Pick<VectorMetadata, 'name' | 'source' | 'net'>,
  options: HnswOptions,
  watch: BuildWatch,
): Promise<MadeSet> {
  const wayOut = whyNoGraph();
  const folder = vectorFolder(artifacts, place);
  const draft = new GraphDraft(folder.folder, table, options);
  const built = wayOut === null ? await builtGraph(table, options, watch, draft) : null;
  const version = await writeVectors(folder, table, built && { index: built.index, options }, about);
  draft.discard();
  return {
    version,
    metric: table.metric,
    dimensions: table.dimensions,
    vectors: table.pinIndexes.length,
    graph: built && built.measured,
    ...(wayOut === null ? {} : { wayOut: `${wayOut}; then make the vectors again` }),
  };
}

async function builtGraph(table: VectorTable, options: HnswOptions, watch: BuildWatch, draft: GraphDraft) {
  const startedAt = performance.now();
  const { index, resumedRows } = await buildGraph(table, options, watch, draft);
  const buildSeconds = Math.round(performance.now() - startedAt) / 1000;
  return { index, measured: { ...measureGraph(table, index, RECALL_QUERIES, RECALL_AT), buildSeconds, resumedRows } };
}

/** What a graph costs and finds, in a line. */
export function graphLine({ recall, queries, graphMs, exactMs, buildSeconds }: MadeGraph): string {
  if (Object.keys(recall).length === 0) return `graph built in ${buildSeconds} s; its recall is measured from 11 vectors on`;
  const shares = Object.entries(recall).map(([k, share]) => `recall@${k} ${share.toFixed(3)}`);
  return `graph built in ${buildSeconds} s: ${shares.join(', ')} of the exact scan (${queries} pins), ${graphMs.toFixed(2)} ms a query instead of ${exactMs.toFixed(2)} ms`;
}
