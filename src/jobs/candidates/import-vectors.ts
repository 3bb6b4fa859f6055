/** Embeddings of pins from any model, as a candidate source and a ranking feature. */
import { basename, join } from 'node:path';
import { counted } from '../../counted.ts';
import { vectorSourceOf } from '../../candidates/candidate.ts';
import { graphLine, makeVectorSet } from '../../candidates/vectors/make-set.ts';
import { type CollectedVectors, collectVectors } from '../../candidates/vectors/vector-build.ts';
import { vectorRows } from '../../candidates/vectors/vector-rows.ts';
import { isOfNet, VECTOR_METRICS } from '../../candidates/vectors/vector-set.ts';
import { DEFAULT_HNSW } from '../../candidates/visual/hnsw-index.ts';
import { openCatalog } from '../../catalog/pins/catalog-store.ts';
import { ServiceError } from '../../errors.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';

const NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;

const FLAGS = flags([
  { flag: '--file <file>', meaning: 'vectors: .npy with ids, .parquet, .jsonl or .json', required: true },
  { flag: '--name <name>', meaning: 'what they go by: small letters, digits and hyphens; those of that name are replaced', required: true },
  { flag: '--ids <file>', meaning: 'the pins of the rows of a .npy, an id a line or a JSON list (default: NAME.ids beside it)' },
  { flag: '--metric <metric>', meaning: 'cosine or dot', choices: VECTOR_METRICS, default: 'cosine' },
  { flag: '--links <n>', meaning: 'links per pin in the graph', kind: 'integer', range: [2, 256], default: DEFAULT_HNSW.links },
  {
    flag: '--build-breadth <n>',
    meaning: 'candidates while the graph is built',
    kind: 'integer',
    range: [1, 10_000],
    default: DEFAULT_HNSW.buildBreadth,
  },
  {
    flag: '--search-breadth <n>',
    meaning: 'candidates while it is searched',
    kind: 'integer',
    range: [1, 10_000],
    default: DEFAULT_HNSW.searchBreadth,
  },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'import-vectors',
  summary: 'reads embeddings of pins from any model (CLIP, two-tower, text), one row per pin',
  examples: [
    'related-pins import-vectors --file clip.npy --ids clip.ids --name clip',
    'related-pins import-vectors --file towers.parquet --name towers --metric dot --json',
    'related-pins import-vectors --file text.jsonl --name text',
  ],
  help: `Parquet and JSON Lines have the fields id and vector (or embedding), a list of numbers: {"id": "1", "vector": [0.1, 0.2]}.
Every vector has as many numbers as the first. A file with another length or with NaN is refused, and what serves stays.
The vectors become the candidate source vectors-NAME and the ranking features vector-cosine and has-vector; a running server
takes them over. A model uses them when it is trained on lists that were served with them.`,
  options: FLAGS,
  alone: () => true,
  run: importVectors,
  describe: ({ name, vectors, dimensions, metric, read, unknown, unknownIds, repeated, zeros, graph, wayOut }) => [
    `${counted(vectors, 'vector')} of ${counted(dimensions, 'number')} as ${name} (${metric}), of ${counted(read, 'row')}`,
    ...(unknown > 0 ? [`unknown pins, left out: ${unknown} (${unknownIds.join(', ')}${unknown > unknownIds.length ? ', ...' : ''})`] : []),
    ...(repeated > 0 ? [`pins that came again, the last row counts: ${repeated}`] : []),
    ...(zeros > 0 ? [`vectors of zeros, left out: ${zeros}`] : []),
    graph === null ? `no graph, all vectors are compared: ${wayOut}` : graphLine(graph),
  ],
});

async function importVectors(input: Input) {
  const { file, name, ids, metric } = input.options;
  if (!NAME.test(name)) throw new ServiceError('JOB_USAGE', { reason: `--name must match ${NAME.source}, it is ${JSON.stringify(name)}` });
  if (isOfNet(name))
    throw new ServiceError('JOB_USAGE', { reason: `--name ${name} is that of the vectors which the visual net makes itself` });
  const startedAt = performance.now();
  const collected = await readVectors(input, { file, ids, metric });
  const { table, ...counts } = collected;
  if (table.pinIndexes.length === 0)
    throw new ServiceError('NOTHING_TO_DO', {
      reason:
        counts.zeros > 0
          ? `Every vector of a pin of the catalogue in ${file} is zeros, which have no cosine (${counted(counts.zeros, 'row')}).`
          : `No row of ${file} is of a pin of the catalogue (${counts.read} were read); import-catalog comes first.`,
    });
  const { links, buildBreadth, searchBreadth } = input.options;
  const options = { ...DEFAULT_HNSW, links, buildBreadth, searchBreadth };
  const about = { name, source: basename(file) };
  const made = await makeVectorSet(join(input.dataFolder, 'artifacts'), name, table, about, options, input);
  return { name, source: vectorSourceOf(name), ...made, ...counts, seconds: Math.round(performance.now() - startedAt) / 1000 };
}

async function readVectors(
  { dataFolder, config, progress, signal }: Input,
  { file, ids, metric }: Pick<Input['options'], 'file' | 'ids' | 'metric'>,
): Promise<CollectedVectors> {
  const catalog = openCatalog(dataFolder, { synchronous: config.synchronous });
  try {
    return await collectVectors(file, vectorRows(file, ids), metric, (id) => catalog.pins.indexOf(id), { progress, signal });
  } finally {
    catalog.close();
  }
}
