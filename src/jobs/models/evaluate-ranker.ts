import { join } from 'node:path';
import { ServiceError } from '../../errors.ts';
import { AS_RETRIEVED } from '../../ranker/measures/baselines.ts';
import {
  baselineScores,
  clustersOf,
  intervalsOf,
  liftBySegment,
  type ListScores,
  ndcgByContender,
  ndcgBySource,
  objectSegment,
} from '../../ranker/measures/holdout-report.ts';
import { readLetor } from '../../ranker/exchange/letor-reader.ts';
import { letor4Measures } from '../../ranker/measures/letor4-measures.ts';
import { listScorer } from '../../ranker/training/linear-trainer.ts';
import type { ModelFeature } from '../../ranker/scoring/linear-model.ts';
import type { LogData } from '../../ranker/training/log-data.ts';
import { readModelFile } from '../../ranker/registry/model-file.ts';
import { ModelRegistry, SHIPPED_MODELS } from '../../ranker/registry/model-registry.ts';
import type { Ranker } from '../../ranker/scoring/ranker.ts';
import { listCount, listMatrix } from '../../ranker/training/ranking-data.ts';
import { evaluateScores } from '../../ranker/measures/ranking-evaluation.ts';
import { loadRanker } from '../../ranker/registry/serving-models.ts';
import { evaluateJudgements } from '../experiments/evaluate-judgements.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../job.ts';
import { RANGE_FLAGS } from './ranker-flags.ts';
import { readLog } from './training-log.ts';
import { categoriesFrom } from './training-setting.ts';

const FLAGS = flags([
  { flag: '--model <name>', meaning: 'a model file (with --letor), or a model of the registry (the serving one)' },
  { flag: '--letor <file>', meaning: 'LETOR / SVMlight file instead of the log' },
  { flag: '--judgements <study>', meaning: 'the graded judgements of a study instead of the log' },
  { flag: '--group-queries', meaning: 'gather rows of one query that lie apart in the file' },
  {
    flag: '--measures <set>',
    meaning: 'letor4 (the official script of LETOR 4.0) or default (ours)',
    choices: ['letor4', 'default'],
    default: 'default',
  },
  ...RANGE_FLAGS,
  { flag: '--seed <number>', meaning: 'seed of intervals and shuffles', kind: 'integer', default: 1 },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

/** Measures a model on a LETOR file, or on the judged lists of the log. */
export const job = defineJob({
  name: 'evaluate-ranker',
  summary: 'Measures a ranking model on a LETOR file or on the log, beside its baselines.',
  examples: [
    'related-pins evaluate-ranker --letor test.txt --model model.json --measures letor4 --json',
    'related-pins evaluate-ranker --data var --model rank-svm-2 --from 2026-01-01',
    'related-pins evaluate-ranker --judgements labels --model rank-svm-2',
  ],
  options: FLAGS,
  run: async (input): Promise<Readonly<Record<string, unknown>>> => {
    if (input.options.judgements !== undefined) return evaluateJudgements(input);
    const { letor } = input.options;
    return letor === undefined ? onLog(input) : onLetor(input, letor);
  },
});

async function onLetor({ options, signal }: Input, letor: string) {
  if (options.model === undefined) throw new ServiceError('JOB_USAGE', { reason: '--model names the file of the model.' });
  const model = readModelFile(options.model);
  const read = await readLetor(letor, { apart: options.groupQueries ? 'group' : 'refuse', signal });
  const data = widened(read, model.features);
  const scores = listScorer(data, model.features);
  if (options.measures === 'letor4') return { ...letor4Measures(data, scores) };
  return { ...evaluateScores(data, scores, options.seed) };
}

/** A test file may lack the last columns of the training file: they are missing, that is 0. */
function widened<T extends Awaited<ReturnType<typeof readLetor>>>(data: T, features: readonly ModelFeature[]): T {
  const missing = features.map(({ name }) => name).filter((name) => !data.names.includes(name));
  if (missing.length === 0) return data;
  const names = [...data.names, ...missing];
  if (data.rows.kind === 'sparse') return { ...data, names };
  const wide = new Float32Array(data.grades.length * names.length);
  const { length: width } = data.names;
  for (let row = 0; row < data.grades.length; row++) wide.set(data.rows.data.subarray(row * width, (row + 1) * width), row * names.length);
  return { ...data, names, rows: { kind: 'dense', data: wide } };
}

async function onLog({ options, dataFolder }: Input) {
  const seed = options.seed;
  const registry = new ModelRegistry(join(dataFolder, 'models'));
  const name = options.model === undefined ? registry.roles().serving : options.model;
  const surface = SHIPPED_MODELS.includes(name) ? undefined : registry.read(name).surface;
  const data = readLog(dataFolder, options, surface ? { surfaces: [surface] } : {});
  const baselines = baselineScores(data, seed);
  const model = name === AS_RETRIEVED ? baselines.asRetrieved : await scoresOf(data, await loadRanker(registry, name));
  const perList = ndcgByContender(data, { ...baselines, model });
  const clusters = clustersOf(data);
  const taught = taughtBy(registry, name);
  const seen = data.lists.map(({ at }) => taught !== null && at >= taught.from && at < taught.to);
  const categoriesOf = categoriesFrom(dataFolder);
  const categories = (list: number): readonly string[] => categoriesOf(data.lists[list].queryPinIndex);
  return {
    model: name,
    ndcg10: intervalsOf(perList, seed, clusters),
    ...onUnseen(perList, seen, seed, clusters),
    ...evaluateScores(data, model, seed, clusters),
    liftByCategory: liftBySegment(perList.model, perList.asRetrieved, categories, seed, clusters).map(({ segment, ...rest }) => ({
      category: segment,
      ...rest,
    })),
    liftByObject: liftBySegment(perList.model, perList.asRetrieved, (list) => objectSegment(data, list), seed, clusters),
    ndcg10BySource: ndcgBySource(data, model, 10, seed),
  };
}

/** When the lists were served that a model learned from, epoch milliseconds; null: none of the log. */
function taughtBy(registry: ModelRegistry, name: string): { readonly from: number; readonly to: number } | null {
  if (SHIPPED_MODELS.includes(name)) return null;
  const { window, heldOutFrom } = registry.read(name).lineage;
  return window && { from: window.from, to: heldOutFrom ?? window.to };
}

/** Says that a model was measured on lists it learned from, and measures it on the others. */
function onUnseen(perList: Readonly<Record<string, Float64Array>>, seen: readonly boolean[], seed: number, clusters: readonly string[]) {
  const learned = seen.filter((each) => each).length;
  if (learned === 0) return {};
  const unseen = Object.entries(perList).map(
    ([name, values]) => [name, values.map((value, list) => (seen[list] ? Number.NaN : value))] as const,
  );
  const note = `${learned} of ${seen.length} lists taught this model: ndcg10 flatters it, ndcg10Unseen is on the other ${seen.length - learned}`;
  return { learnedFrom: learned, note, ndcg10Unseen: intervalsOf(Object.fromEntries(unseen), seed, clusters) };
}

/** Scores of every list by any kind of model. */
async function scoresOf(data: LogData, ranker: Ranker): Promise<ListScores> {
  const candidates = { count: 0, pinIndexes: new Int32Array(0), sourceNames: [], sourceScores: new Float32Array(0) };
  const scores: Float64Array[] = [];
  for (let list = 0; list < listCount(data); list++)
    scores.push(await ranker.score({ rows: listMatrix(data, list), candidates, visualWeightFactor: 1 }));
  return (list) => scores[list];
}
