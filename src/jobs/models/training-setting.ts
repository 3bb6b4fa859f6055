/** What a model is to learn from the log, and how: the flags of train-ranker with what they stand for. */
import { cpus } from 'node:os';
import { join } from 'node:path';
import { openCatalog } from '../../catalog/pins/catalog-store.ts';
import { loadPinColumns, type PinColumns } from '../../catalog/pins/pin-columns.ts';
import { ServiceError } from '../../errors.ts';
import { GRADES, type Grades, readGrades } from '../../grades.ts';
import { AS_RETRIEVED } from '../../ranker/measures/baselines.ts';
import { ModelRegistry } from '../../ranker/registry/model-registry.ts';
import { STARTER } from '../../ranker/registry/starter-model.ts';
import { FEATURE_COLUMNS } from '../../ranker/scoring/feature-table.ts';
import { FEATURE_SETS, type FeatureSet } from '../../ranker/scoring/ranking-feature.ts';
import { listScorer } from '../../ranker/training/linear-trainer.ts';
import type { LogData } from '../../ranker/training/log-data.ts';
import { type ModelPrior, priorOf } from '../../ranker/training/model-prior.ts';
import { flags, type JobInput, type OptionsOf } from '../job.ts';
import { SPARK_FLAGS } from '../spark.ts';
import { NORMALIZE_FLAG, PROPENSITY_FLAGS, RANGE_FLAGS, SETS_FLAG } from './ranker-flags.ts';
import { RANKED } from './training-log.ts';

export const LOG_TRAINING_FLAGS = flags([
  { flag: '--c <number>', meaning: 'weight of the pair loss (LETOR: 1 unless chosen; log: chosen)', kind: 'number', above: 0 },
  NORMALIZE_FLAG,
  { flag: '--seed <number>', meaning: 'seed of intervals and shuffles', kind: 'integer', default: 1 },
  { flag: '--workers <count>', meaning: 'threads that choose C', kind: 'integer', default: Math.min(4, cpus().length) },
  ...RANGE_FLAGS,
  {
    flag: '--surface <name>',
    meaning: 'whose lists it learns from and then orders: closeup, home-feed, rank',
    choices: RANKED,
    default: 'closeup',
  },
  SETS_FLAG,
  { flag: '--name <name>', meaning: 'name of the model in the registry (rank-svm-N)' },
  { flag: '--holdout <share>', meaning: 'share of the latest lists that judge', kind: 'number', default: 0.2 },
  { flag: '--warm <model>', meaning: 'start from the weights of this model' },
  { flag: '--prior <model>', meaning: 'draw the weights toward those of this model; none: toward 0 (the serving model, or the starter)' },
  { flag: '--no-signs', meaning: 'let weights of likeness and co-occurrence become negative' },
  ...PROPENSITY_FLAGS,
  { flag: '--grades <list>', meaning: 'what actions are worth, as save=4,longClick=3,click=2,closeup=1,seen=0,hide=-1 (these)' },
  { flag: '--ladder', meaning: 'also train and measure the steps: control, + visual, + cross, + object' },
  { flag: '--learning-curve', meaning: 'also train on 1/8, 1/4 and 1/2 of the lists, and say whether more lists still pay' },
  { flag: '--report <file>', meaning: 'write the training report as one HTML file' },
  ...SPARK_FLAGS,
]);

export type LogInput = JobInput<OptionsOf<typeof LOG_TRAINING_FLAGS>>;

export type Setting = ReturnType<typeof settingOf>;

/** What is learned and how, wherever the rows lie. */
export function settingOf({ options, dataFolder }: LogInput) {
  const { seed, c = null, surface, normalize = 'standard', holdout } = options;
  const sets = setsOf(options.sets);
  const grades = gradesOf(options.grades);
  if (normalize === 'query-min-max')
    throw new ServiceError('JOB_USAGE', {
      reason: 'query-min-max is for LETOR files: the log keeps the returned items of a list only, serving ranks all candidates',
    });
  const registry = new ModelRegistry(join(dataFolder, 'models'));
  const serving = registry.servingOn(surface);
  const prior = chosenPrior(registry, options.prior, serving);
  const warm = options.warm === undefined ? undefined : weightsOf(registry, options.warm);
  const learning = { sets, normalize, seed, c, prior, signs: options.signs !== false, warm, holdoutShare: holdout };
  const measuring = { previous: previousScores(registry, serving), categoriesOf: categoriesFrom(dataFolder) };
  return { surface, sets, grades, normalize, seed, serving, registry, prior: prior?.name ?? null, learning: { ...learning, ...measuring } };
}

/** In the order of the table, whatever order they are named in. */
export function setsOf(named: readonly FeatureSet[] = FEATURE_SETS): readonly FeatureSet[] {
  return FEATURE_SETS.filter((set) => named.includes(set));
}

/** @throws JOB_USAGE for what names no action, or no number. */
function gradesOf(text: string | undefined): Grades {
  const grades = text === undefined ? GRADES : readGrades(text);
  if (typeof grades === 'string') throw new ServiceError('JOB_USAGE', { reason: `--grades: ${grades}` });
  return grades;
}

/** The categories of a query pin, weightiest first; home feeds are a segment of their own. */
export function categoriesFrom(dataFolder: string): (pinIndex: number) => readonly string[] {
  let pins: PinColumns | null = null;
  const load = (): PinColumns => {
    const store = openCatalog(dataFolder);
    try {
      return loadPinColumns(store);
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

/**
 * The model that training is drawn to: the one named, or the one that serves. Where that is no linear one of straight lines,
 * it is the starter; a named one is refused then.
 */
function chosenPrior(registry: ModelRegistry, named: string | undefined, serving: string): ModelPrior | null {
  if (named === 'none') return null;
  const name = named ?? serving;
  if (name !== AS_RETRIEVED) {
    const { kind, features } = registry.read(name);
    const prior = kind === 'linear' ? priorOf(name, features) : null;
    if (prior !== null) return prior;
  }
  if (named !== undefined)
    throw new ServiceError('RANKER_MODEL_REFUSED', { model: name, reason: 'a prior is a linear model of features that are not bent' });
  return priorOf(STARTER, registry.read(STARTER).features);
}

function weightsOf(registry: ModelRegistry, name: string): ReadonlyMap<string, number> {
  return new Map(registry.read(name).features.map((feature) => [feature.name, feature.weight]));
}

/** What progress says while a share is learned. */
export const learningFrom = (share: number): string => `learning from ${share} of the lists`;
