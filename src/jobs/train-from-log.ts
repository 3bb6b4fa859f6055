/** The log's side of train-ranker: judged lists in, a measured model in the registry out. Serving does not change. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openCatalog } from '../catalog/catalog-store.ts';
import { openLog } from '../catalog/log-database.ts';
import { loadPinColumns, type PinColumns, siteCategories } from '../catalog/pin-columns.ts';
import { ServiceError } from '../errors.ts';
import { AS_RETRIEVED } from '../ranker/baselines.ts';
import { FEATURE_COLUMNS } from '../ranker/feature-table.ts';
import { listScorer } from '../ranker/linear-trainer.ts';
import { collectLogData, type LogData } from '../ranker/log-data.ts';
import { type LogTraining, NO_LOG, trainOnLog } from '../ranker/log-training.ts';
import { MODEL_FORMAT, type ModelArtifact } from '../ranker/model-artifact.ts';
import { codeVersion, distributionsOf } from '../ranker/model-provenance.ts';
import { ModelRegistry } from '../ranker/model-registry.ts';
import { FEATURE_SETS, type FeatureSet } from '../ranker/ranking-feature.ts';
import { listCount, rowCount } from '../ranker/ranking-data.ts';
import type { JobInput } from './job.ts';
import { normalizationOf, positive, timeOf } from './ranker-flags.ts';

export async function trainFromLog(input: JobInput): Promise<Readonly<Record<string, unknown>>> {
  const { options, progress, dataFolder } = input;
  const startedAt = performance.now();
  const seed = Number(options.seed);
  const sets = setsOf(options.sets);
  const normalize = normalizationOf(options.normalize, 'standard');
  if (normalize === 'query-min-max')
    throw new ServiceError('JOB_USAGE', {
      reason: 'query-min-max is for LETOR files: the log keeps the returned items of a list only, serving ranks all candidates',
    });
  const registry = new ModelRegistry(join(dataFolder, 'models'));
  const { serving } = registry.roles();
  progress.start('reading the log', 0);
  const data = readLog(dataFolder, options);
  const categoriesOf = categoriesFrom(dataFolder);
  const training = await trainOnLog(data, {
    sets,
    normalize,
    seed,
    c: positive(options.c, '--c'),
    holdoutShare: Number(options.holdout),
    previous: previousScores(registry, serving),
    warm: options.warm === undefined ? undefined : weightsOf(registry, String(options.warm)),
    categoriesOf,
    chooseSettings: { workers: Number(options.workers), signal: input.signal },
    onStep: (step) => progress.start(step, 0),
  });
  progress.stop();
  const seconds = (performance.now() - startedAt) / 1000;
  const name = options.name === undefined ? registry.freeName('rank-svm') : String(options.name);
  const model = artifactOf(name, training, { sets, normalize, seed, serving, left: data.left, seconds });
  registry.add(model);
  return receiptOf(model, training, seconds);
}

function setsOf(given: unknown): readonly FeatureSet[] {
  if (given === undefined) return FEATURE_SETS;
  const names = given as readonly string[];
  const unknown = names.find((name) => !(FEATURE_SETS as readonly string[]).includes(name));
  if (unknown !== undefined || names.length === 0)
    throw new ServiceError('JOB_USAGE', { reason: `--sets knows ${FEATURE_SETS.join(', ')}, not "${unknown ?? ''}"` });
  return FEATURE_SETS.filter((set) => names.includes(set));
}

/** The judged lists of a data folder. Throws RANKER_NO_PAIRS naming replay-saves when there is no log. */
export function readLog(dataFolder: string, options: JobInput['options']): LogData {
  if (!existsSync(join(dataFolder, 'log.sqlite'))) throw new ServiceError('RANKER_NO_PAIRS', { reason: NO_LOG });
  const log = openLog(dataFolder);
  try {
    const surfaces = ['closeup', 'home-feed', 'rank'] as const;
    return collectLogData(log.judged({ from: timeOf(options.from, '--from'), to: timeOf(options.to, '--to'), surfaces }));
  } finally {
    log.close();
  }
}

/** The categories of a query pin, weightiest first; home feeds are a segment of their own. */
export function categoriesFrom(dataFolder: string): (pinIndex: number) => readonly string[] {
  let pins: PinColumns | null = null;
  const load = (): PinColumns => {
    const store = openCatalog(dataFolder);
    try {
      return loadPinColumns(store, siteCategories());
    } finally {
      store.close();
    }
  };
  return (pinIndex) => {
    if (pinIndex < 0) return ['home feed'];
    pins ??= load();
    const { start, length, ordinals } = pins.categories;
    if (pinIndex >= pins.count) return [];
    const found = Array.from(ordinals.subarray(start[pinIndex], start[pinIndex] + length[pinIndex]));
    return found.map((ordinal) => (pins as PinColumns).categoryNames[ordinal]);
  };
}

function previousScores(registry: ModelRegistry, serving: string): ((data: LogData) => (list: number) => Float64Array) | null {
  if (serving === AS_RETRIEVED) return null;
  const { features, kind } = registry.read(serving);
  if (kind !== 'linear' || features.some(({ name }) => !FEATURE_COLUMNS.includes(name))) return null;
  return (data) => listScorer(data, features);
}

function weightsOf(registry: ModelRegistry, name: string): ReadonlyMap<string, number> {
  return new Map(registry.read(name).features.map((feature) => [feature.name, feature.weight]));
}

interface Circumstances {
  readonly sets: readonly FeatureSet[];
  readonly normalize: string;
  readonly seed: number;
  readonly serving: string;
  readonly left: LogData['left'];
  readonly seconds: number;
}

function artifactOf(name: string, done: LogTraining, given: Circumstances): ModelArtifact {
  const { model, training, holdout, choice, c } = done;
  const times = [...training.lists, ...holdout.lists].map(({ at }) => at);
  const { objective, iterations, gradientNorm, converged, pairs, trace } = model;
  return {
    format: MODEL_FORMAT,
    name,
    kind: 'linear',
    createdAt: new Date().toISOString(),
    features: model.features,
    lineage: {
      source: 'log',
      window: { from: times[0], to: times[times.length - 1] + 1 },
      codeVersion: codeVersion(),
      seed: given.seed,
      c,
      settings: { sets: given.sets, normalize: given.normalize, cCurve: choice?.curve ?? null, left: given.left },
      netDigest: null,
      previous: given.serving,
    },
    counts: { lists: training.lists.length, rows: rowCount(training), pairs },
    training: { objective, iterations, gradientNorm, converged, trace, seconds: given.seconds },
    ndcg10: done.ndcg10,
    onnxDigest: null,
    distributions: distributionsOf(training),
  };
}

function receiptOf(model: ModelArtifact, done: LogTraining, seconds: number): Readonly<Record<string, unknown>> {
  const { objective, iterations, gradientNorm, converged, pairs } = done.model;
  return {
    model: model.name,
    ...{ objective, iterations, gradientNorm, converged, seconds, pairs, c: done.c },
    rows: model.counts.rows,
    queries: listCount(done.training),
    holdoutQueries: listCount(done.holdout),
    ndcg10: done.ndcg10,
    liftByCategory: done.liftByCategory.map(({ segment, ...rest }) => ({ category: segment, ...rest })),
    liftByObject: done.liftByObject,
    ndcg10BySource: done.ndcg10BySource,
    cCurve: done.choice?.curve ?? null,
    left: done.training.left,
  };
}
