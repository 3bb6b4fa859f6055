/** The log's side of train-ranker: judged lists in, a measured model in the registry out. Serving does not change. */
import { existsSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { openCatalog } from '../../catalog/pins/catalog-store.ts';
import type { JudgedList } from '../../catalog/log/judged-list.ts';
import type { JudgedRange } from '../../catalog/log/judged-lists.ts';
import { type LogDatabase, openLog } from '../../catalog/log/log-database.ts';
import { replayFolder } from '../../catalog/log/replayed-list.ts';
import type { Surface } from '../../catalog/log/served-list.ts';
import { loadPinColumns, type PinColumns } from '../../catalog/pins/pin-columns.ts';
import { ServiceError } from '../../errors.ts';
import { GRADES, type Grades, readGrades } from '../../grades.ts';
import type { Judgement } from '../../ranker/judging/judgement.ts';
import { openContext } from '../../service/context.ts';
import { judgeModel } from '../../service/model-judge.ts';
import { AS_RETRIEVED } from '../../ranker/measures/baselines.ts';
import { FEATURE_COLUMNS } from '../../ranker/scoring/feature-table.ts';
import { climbLadder, type LadderStep } from '../../ranker/measures/ablation-ladder.ts';
import { learningCurve } from '../../ranker/training/learning-curve.ts';
import { listScorer } from '../../ranker/training/linear-trainer.ts';
import { collectLogData, type LogData, sliceLog, splitLog } from '../../ranker/training/log-data.ts';
import { type LogTraining, NO_LOG, trainOnLog } from '../../ranker/training/log-training.ts';
import { MODEL_FORMAT, type ModelArtifact } from '../../ranker/registry/model-artifact.ts';
import { codeVersion, distributionsOf } from '../../ranker/registry/model-provenance.ts';
import { ModelRegistry } from '../../ranker/registry/model-registry.ts';
import { STARTER } from '../../ranker/registry/starter-model.ts';
import {
  type ExaminationCurve,
  examinationFromInterventions,
  examinationFromShuffled,
  propensityWeights,
} from '../../ranker/training/position-bias.ts';
import type { NormalizationKind } from '../../ranker/scoring/normalizer.ts';
import { FEATURE_SETS, type FeatureSet } from '../../ranker/scoring/ranking-feature.ts';
import { columnStatistics, listCount, rowCount } from '../../ranker/training/ranking-data.ts';
import { type ModelPrior, priorOf } from '../../ranker/training/model-prior.ts';
import { activeNet, servingSince } from '../../vision/net-folder.ts';
import { readNet } from '../../vision/net-manifest.ts';
import { picturedPins, trainingReport } from '../../ranker/measures/training-report.ts';
import { flags, type JobInput, type OptionsOf } from '../job.ts';
import { reportPictures } from '../nets/report-pictures.ts';
import { type LogRange, NORMALIZE_FLAG, PROPENSITY_FLAGS, type PropensityFlags, RANGE_FLAGS, SETS_FLAG } from './ranker-flags.ts';

/** Surfaces whose lists a model can learn from and then order. */
const RANKED = ['closeup', 'home-feed', 'rank'] as const satisfies readonly Surface[];

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
]);

/** Trains on the log of a data folder and adds the model to the registry. @throws RANKER_NO_PAIRS where the log is too small. */
export async function trainFromLog(input: JobInput<OptionsOf<typeof LOG_TRAINING_FLAGS>>) {
  const { options, progress, dataFolder } = input;
  const startedAt = performance.now();
  const { seed, c = null, surface, normalize = 'standard', holdout: holdoutShare } = options;
  const sets = setsOf(options.sets);
  const grades = gradesOf(options.grades);
  if (normalize === 'query-min-max')
    throw new ServiceError('JOB_USAGE', {
      reason: 'query-min-max is for LETOR files: the log keeps the returned items of a list only, serving ranks all candidates',
    });
  const registry = new ModelRegistry(join(dataFolder, 'models'));
  const serving = registry.servingOn(surface);
  progress.start('reading the log', 0);
  const seenOnly = options.propensity !== 'none';
  const data = readLog(dataFolder, options, { surfaces: [surface], seenOnly, grades });
  if (c === null) requireEnough(data, surface);
  const categoriesOf = categoriesFrom(dataFolder);
  const { train } = splitLog(data, holdoutShare);
  const prior = chosenPrior(registry, options.prior, serving);
  const propensity = propensityOf(sliceLog(data, train.from, train.to), options);
  const learning = {
    sets,
    normalize,
    seed,
    c,
    prior,
    signs: options.signs !== false,
    warm: options.warm === undefined ? undefined : weightsOf(registry, options.warm),
    pairWeights: propensity?.weigh,
    chooseSettings: { workers: options.workers, signal: input.signal },
  };
  const previous = previousScores(registry, serving);
  const onStep = (step: string): void => progress.start(step, 0);
  const training = await trainOnLog(data, { ...learning, holdoutShare, previous, categoriesOf, onStep });
  const curve = options.learningCurve ? await curveOf(data, training, { ...learning, pairWeights: propensity?.again }, onStep) : null;
  const ladder = options.ladder ? climb(data, training, { normalize, seed, categoriesOf, pairWeights: propensity?.weigh }) : null;
  progress.stop();
  const seconds = (performance.now() - startedAt) / 1000;
  const name = options.name ?? registry.freeName('rank-svm');
  const netDigest = netDigestOf(dataFolder, training.training);
  const given = { surface, sets, grades, normalize, seed, serving, netDigest, left: data.left, seconds, prior: prior?.name ?? null };
  const model = artifactOf(name, training, given);
  registry.add(model);
  progress.start('judging', 0);
  const judgement = await judged(input, name);
  progress.stop();
  if (options.report !== undefined) {
    const pictures = await reportPictures(dataFolder, input.config, picturedPins(training));
    const examination = propensity && { curve: propensity.examination, clip: propensity.told.clip, clipped: propensity.told.clipped };
    writeFileSync(options.report, trainingReport({ model, training, judgement, ladder, examination, ...pictures }));
  }
  return {
    ...receiptOf(model, training, seconds),
    judgement,
    ...(ladder ? { ladder } : {}),
    ...(curve ? { learningCurve: curve } : {}),
    ...(propensity ? { propensity: propensity.told } : {}),
  };
}

/** Choice: with fewer lists that hold an action folds cannot choose C, and no judge can tell a gain. */
const LISTS_MIN = 50;

function requireEnough({ grades, listStart, lists }: LogData, surface: Surface): void {
  const acted = lists.filter((_, list) => grades.subarray(listStart[list], listStart[list + 1]).some((grade) => grade !== 0)).length;
  if (acted >= LISTS_MIN) return;
  const reason = `${acted} lists of the surface ${surface} have an action on them, ${LISTS_MIN} are needed. What serves goes on; --c trains all the same`;
  throw new ServiceError('RANKER_NO_PAIRS', { reason });
}

/** What promotion would say of the model now. */
async function judged({ config, dataFolder }: JobInput, name: string): Promise<Judgement> {
  const context = await openContext(config, dataFolder);
  try {
    return await judgeModel(context, name);
  } finally {
    await context.close();
  }
}

type CurveSettings = Parameters<typeof learningCurve>[3];

/** The learning curve on the same split. */
function curveOf(data: LogData, training: LogTraining, settings: CurveSettings, onStep: (step: string) => void) {
  const early = sliceLog(data, 0, data.lists.length - training.holdout.lists.length);
  const onShare = (share: number): void => onStep(`learning from ${share} of the lists`);
  return learningCurve(early, training.holdout, training, { ...settings, onShare });
}

interface Climb {
  readonly normalize: NormalizationKind;
  readonly seed: number;
  readonly categoriesOf: (queryPinIndex: number) => readonly string[];
  readonly pairWeights?: Propensity['weigh'];
}

/** The ablation ladder on the same split, C and pair weights. */
function climb(data: LogData, { holdout, c }: LogTraining, { normalize, seed, categoriesOf, pairWeights }: Climb): readonly LadderStep[] {
  const early = sliceLog(data, 0, data.lists.length - holdout.lists.length);
  const segmentsOf = (list: number): readonly string[] => categoriesOf(holdout.lists[list].queryPinIndex);
  return climbLadder(early, holdout, { c, normalize, seed, segmentsOf, pairWeights });
}

interface Propensity {
  readonly examination: ExaminationCurve;
  readonly weigh: (training: LogData) => { readonly better: Float64Array };
  /** The same for a part of the rows. */
  readonly again: (part: LogData) => { readonly better: Float64Array };
  /** Filled when the weights were made: the report states the clipping. */
  readonly told: { method: string; clip: number; clipped: number; curve: readonly number[] };
}

/** Weights of pairs by inverse examination, when asked for. */
export function propensityOf(data: LogData, { propensity: kind, clip }: PropensityFlags): Propensity | null {
  if (kind === 'none') return null;
  const examination = kind === 'randomized' ? examinationFromShuffled(data) : examinationFromInterventions(data);
  if (!examination)
    throw new ServiceError('NOTHING_TO_DO', {
      reason: `The log cannot tell how positions are looked at: ${kind === 'randomized' ? 'no list was served shuffled' : 'no pair was met at two positions'}.`,
    });
  const told = { method: kind, clip, clipped: 0, curve: examination.curve };
  const weigh = (training: LogData): { readonly better: Float64Array } => {
    const { better, clipped } = propensityWeights(training, examination, clip);
    told.clipped = clipped;
    return { better };
  };
  const again = (part: LogData): { readonly better: Float64Array } => propensityWeights(part, examination, clip);
  return { examination, weigh, again, told };
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

/** What is read of the log. Absent: every surface, replayed lists as well. */
interface LogChoice {
  readonly surfaces?: readonly Surface[];
  /** Only lists that people saw. */
  readonly seenOnly?: boolean;
  readonly grades?: Grades;
}

/**
 * The judged lists of a data folder: those of `replay-saves`, then those that people saw. Throws RANKER_NO_PAIRS naming
 * the way out when there are none.
 */
export function readLog(dataFolder: string, range: LogRange, { surfaces = RANKED, seenOnly, grades }: LogChoice = {}): LogData {
  const folders = seenOnly ? [dataFolder] : [replayFolder(dataFolder), dataFolder];
  const logs = folders.filter((folder) => existsSync(join(folder, 'log.sqlite'))).map((folder) => openLog(folder));
  try {
    // Rows logged while another net served hold its likenesses: they are not mixed with those of this one.
    const from = range.from ?? servingSince(dataFolder);
    const data = collectLogData(judgedOf(logs, { from, to: range.to, surfaces, grades }));
    if (data.lists.length === 0) {
      const replayed = existsSync(join(replayFolder(dataFolder), 'log.sqlite'));
      throw new ServiceError('RANKER_NO_PAIRS', { reason: replayed ? NO_LOG_BUT_REPLAYED : NO_LOG });
    }
    return data;
  } finally {
    for (const log of logs) log.close();
  }
}

const NO_LOG_BUT_REPLAYED =
  'neither the log nor that of replay-saves holds a list on which somebody acted. replay-saves makes lists of pins that share several boards or look alike: read the pictures (extract-features), import more saves, and run it again; or serve and send events';

function* judgedOf(logs: readonly LogDatabase[], range: JudgedRange): Generator<JudgedList> {
  for (const log of logs) yield* log.judged(range);
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

/** The net whose features the rows hold: the active one, when any training row has visual values. */
function netDigestOf(dataFolder: string, training: LogData): string | null {
  const column = training.names.indexOf('has-fc6');
  const seen = column >= 0 && columnStatistics(training)[column].max > 0;
  if (!seen) return null;
  return readNet(activeNet(dataFolder, 'visual')).digest;
}

interface Circumstances {
  readonly surface: Surface;
  readonly sets: readonly FeatureSet[];
  readonly grades: Grades;
  readonly normalize: string;
  readonly seed: number;
  readonly serving: string;
  readonly netDigest: string | null;
  readonly left: LogData['left'];
  readonly seconds: number;
  readonly prior: string | null;
}

function artifactOf(name: string, done: LogTraining, given: Circumstances): ModelArtifact {
  const { model, training, holdout, choice, c } = done;
  const times = [...training.lists, ...holdout.lists].map(({ at }) => at);
  const { objective, iterations, gradientNorm, converged, pairs, trace } = model;
  return {
    format: MODEL_FORMAT,
    name,
    kind: 'linear',
    surface: given.surface,
    createdAt: new Date().toISOString(),
    features: model.features,
    lineage: {
      source: 'log',
      window: { from: times[0], to: times[times.length - 1] + 1 },
      ...(holdout.lists.length > 0 ? { heldOutFrom: holdout.lists[0].at } : {}),
      codeVersion: codeVersion(),
      seed: given.seed,
      c,
      settings: {
        sets: given.sets,
        grades: given.grades,
        normalize: given.normalize,
        prior: given.prior,
        heldBySign: model.heldBySign,
        withoutEvidence: model.withoutEvidence,
        cCurve: choice?.curve ?? null,
        left: given.left,
      },
      netDigest: given.netDigest,
      previous: given.serving,
    },
    counts: { lists: training.lists.length, rows: rowCount(training), pairs },
    training: { objective, iterations, gradientNorm, converged, trace, seconds: given.seconds },
    ndcg10: done.ndcg10,
    onnxDigest: null,
    distributions: distributionsOf(training),
  };
}

function receiptOf(model: ModelArtifact, done: LogTraining, seconds: number) {
  const { objective, iterations, gradientNorm, converged, pairs } = done.model;
  return {
    model: model.name,
    objective,
    iterations,
    gradientNorm,
    converged,
    seconds,
    pairs,
    c: done.c,
    rows: model.counts.rows,
    queries: listCount(done.training),
    holdoutQueries: listCount(done.holdout),
    ndcg10: done.ndcg10,
    liftByCategory: done.liftByCategory.map(({ segment, ...rest }) => ({ category: segment, ...rest })),
    liftByObject: done.liftByObject,
    ndcg10BySource: done.ndcg10BySource,
    cCurve: done.choice?.curve ?? null,
    left: done.training.left,
    prior: model.lineage.settings.prior,
    heldBySign: done.model.heldBySign,
    withoutEvidence: done.model.withoutEvidence,
  };
}
