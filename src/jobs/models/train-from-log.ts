/** The log's side of train-ranker: judged lists in, a measured model in the registry out. Serving does not change. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { counted } from '../../counted.ts';
import { openCatalog } from '../../catalog/pins/catalog-store.ts';
import type { JudgedList } from '../../catalog/log/judged-list.ts';
import type { JudgedRange } from '../../catalog/log/judged-lists.ts';
import { type LogDatabase, openLog } from '../../catalog/log/log-database.ts';
import { writeLogSegments } from '../../catalog/log/log-segments.ts';
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
import { DealtLog } from '../../ranker/training/dealt-rows.ts';
import { dealtCurve, trainDealt } from '../../ranker/training/dealt-training.ts';
import { writeTrainingPlan } from '../../ranker/training/training-shards.ts';
import { learningCurve } from '../../ranker/training/learning-curve.ts';
import { listScorer } from '../../ranker/training/linear-trainer.ts';
import { actedLists, collectLogData, type LogData, sliceLog, splitLog } from '../../ranker/training/log-data.ts';
import { type HeldTraining, type LogTraining, NO_LOG, type Taught, trainOnLog } from '../../ranker/training/log-training.ts';
import { MODEL_FORMAT, type ModelArtifact } from '../../ranker/registry/model-artifact.ts';
import { codeVersion } from '../../ranker/registry/model-provenance.ts';
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
import { listCount } from '../../ranker/training/ranking-data.ts';
import { type ModelPrior, priorOf } from '../../ranker/training/model-prior.ts';
import { activeNet, servingSince } from '../../vision/net-folder.ts';
import { readNet } from '../../vision/net-manifest.ts';
import { picturedPins, trainingReport } from '../../ranker/measures/training-report.ts';
import { flags, type JobInput, type OptionsOf } from '../job.ts';
import { reportPictures } from '../nets/report-pictures.ts';
import { isOnSpark, onSpark, sharedFolder, SPARK_FLAGS } from '../spark.ts';
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
  ...SPARK_FLAGS,
]);

type LogInput = JobInput<OptionsOf<typeof LOG_TRAINING_FLAGS>>;

/** Trains on the log of a data folder and adds the model to the registry. @throws RANKER_NO_PAIRS where the log is too small. */
export async function trainFromLog(input: LogInput) {
  const { options, progress, dataFolder } = input;
  const startedAt = performance.now();
  const setting = settingOf(input);
  const { trained, held, curve, ladder, propensity } = isOnSpark(options)
    ? await trainOnSpark(input, setting)
    : await trainHere(input, setting);
  progress.stop();
  const seconds = (performance.now() - startedAt) / 1000;
  const { registry } = setting;
  const name = options.name ?? registry.freeName('rank-svm');
  const model = artifactOf(name, trained, { ...setting, netDigest: netDigestOf(dataFolder, trained.taught), seconds });
  registry.add(model);
  progress.start('judging', 0);
  const judgement = await judged(input, name);
  progress.stop();
  if (options.report !== undefined && held) {
    const pictures = await reportPictures(dataFolder, input.config, picturedPins(trained));
    const examination = propensity ? { curve: propensity.examination, clip: propensity.told.clip, clipped: propensity.told.clipped } : null;
    writeFileSync(options.report, trainingReport({ model, training: held, judgement, ladder: ladder ?? null, examination, ...pictures }));
  }
  return {
    ...receiptOf(model, trained, seconds),
    judgement,
    ...(ladder ? { ladder } : {}),
    ...(curve ? { learningCurve: curve } : {}),
    ...(propensity ? { propensity: propensity.told } : {}),
  };
}

type Setting = ReturnType<typeof settingOf>;

/** What is learned and how, wherever the rows lie. */
function settingOf({ options, dataFolder }: LogInput) {
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

/** With the rows in memory. */
async function trainHere({ options, progress, dataFolder, signal }: LogInput, { surface, grades, learning: general }: Setting) {
  progress.start('reading the log', 0);
  const data = readLog(dataFolder, options, { surfaces: [surface], seenOnly: options.propensity !== 'none', grades });
  if (general.c === null) requireEnough(actedLists(data), surface);
  const { train } = splitLog(data, general.holdoutShare);
  const propensity = propensityOf(sliceLog(data, train.from, train.to), options);
  const learning = { ...general, pairWeights: propensity?.weigh, chooseSettings: { workers: options.workers, signal } };
  const onStep = (step: string): void => progress.start(step, 0);
  const held = await trainOnLog(data, { ...learning, onStep });
  const curve = options.learningCurve ? await curveOf(data, held, { ...learning, pairWeights: propensity?.again }, onStep) : null;
  const ladder = options.ladder ? climb(data, held, { ...general, pairWeights: propensity?.weigh }) : null;
  return { trained: held as LogTraining, held, curve, ladder, propensity };
}

/** What needs the rows in memory. */
const HELD_ONLY = ['ladder', 'report'] as const;

/** With the rows dealt to the tasks of Spark. */
async function trainOnSpark(input: LogInput, { surface, grades, learning }: Setting) {
  const { options, progress, dataFolder } = input;
  const asked = HELD_ONLY.filter((name) => options[name] !== undefined && options[name] !== false);
  if (options.propensity !== 'none' || asked.length > 0)
    throw new ServiceError('JOB_USAGE', {
      reason: '--ladder, --report and --propensity look at rows of all lists: they are not for --on spark',
    });
  const folder = sharedFolder(input, 'training');
  progress.start('writing the log', 0);
  const plan = withLogs(dataFolder, {}, (logs) => {
    const range = { from: options.from ?? servingSince(dataFolder), to: options.to, surfaces: [surface], parts: options.parts };
    return writeTrainingPlan(folder, writeLogSegments(folder, logs, range), grades);
  });
  if (plan.keys.length === 0) throw noLists(dataFolder);
  const done = await onSpark(input, 'train-ranker', folder, async (run) => {
    const log = await DealtLog.of(folder, plan, run);
    if (log.groups.length === 0) throw noLists(dataFolder);
    if (learning.c === null) requireEnough(log.acted, surface);
    const trained: LogTraining = await trainDealt(log, { ...learning, onStep: (step) => progress.note(step) });
    const onShare = (share: number): void => progress.note(learningFrom(share));
    const curve = options.learningCurve ? await dealtCurve(log, trained, { ...learning, onShare }) : null;
    return { trained, curve, held: null, ladder: null, propensity: null };
  });
  rmSync(folder, { recursive: true });
  return done;
}

/** Choice: with fewer lists that hold an action folds cannot choose C, and no judge can tell a gain. */
const LISTS_MIN = 50;

function requireEnough(acted: number, surface: Surface): void {
  if (acted >= LISTS_MIN) return;
  const reason = `${counted(acted, 'list')} of the surface ${surface} with an action, ${LISTS_MIN} are needed. What serves goes on; --c trains all the same`;
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

const learningFrom = (share: number): string => `learning from ${share} of the lists`;

type CurveSettings = Parameters<typeof learningCurve>[3];

/** The learning curve on the same split. */
function curveOf(data: LogData, training: HeldTraining, settings: CurveSettings, onStep: (step: string) => void) {
  const early = sliceLog(data, 0, data.lists.length - training.holdout.lists.length);
  const onShare = (share: number): void => onStep(learningFrom(share));
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
  return withLogs(dataFolder, { seenOnly }, (logs) => {
    // Rows logged while another net served hold its likenesses: they are not mixed with those of this one.
    const from = range.from ?? servingSince(dataFolder);
    const data = collectLogData(judgedOf(logs, { from, to: range.to, surfaces, grades }));
    if (data.lists.length === 0) throw noLists(dataFolder);
    return data;
  });
}

/** Opens the logs that are there for as long as `work` reads them: that of `replay-saves` first. */
function withLogs<Result>(
  dataFolder: string,
  { seenOnly }: Pick<LogChoice, 'seenOnly'>,
  work: (logs: readonly LogDatabase[]) => Result,
): Result {
  const folders = seenOnly ? [dataFolder] : [replayFolder(dataFolder), dataFolder];
  const logs = folders.filter((folder) => existsSync(join(folder, 'log.sqlite'))).map((folder) => openLog(folder));
  try {
    return work(logs);
  } finally {
    for (const log of logs) log.close();
  }
}

function noLists(dataFolder: string): ServiceError {
  const replayed = existsSync(join(replayFolder(dataFolder), 'log.sqlite'));
  return new ServiceError('RANKER_NO_PAIRS', { reason: replayed ? NO_LOG_BUT_REPLAYED : NO_LOG });
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
function netDigestOf(dataFolder: string, { distributions }: Taught): string | null {
  const seen = Object.hasOwn(distributions, 'has-fc6') && distributions['has-fc6'].max > 0;
  return seen ? readNet(activeNet(dataFolder, 'visual')).digest : null;
}

interface Circumstances {
  readonly surface: Surface;
  readonly sets: readonly FeatureSet[];
  readonly grades: Grades;
  readonly normalize: string;
  readonly seed: number;
  readonly serving: string;
  readonly netDigest: string | null;
  readonly seconds: number;
  readonly prior: string | null;
}

function artifactOf(name: string, done: LogTraining, given: Circumstances): ModelArtifact {
  const { model, taught, holdout, choice, c } = done;
  const last = holdout.lists.at(-1)?.at ?? taught.window[1];
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
      window: { from: taught.window[0], to: last + 1 },
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
        left: taught.left,
      },
      netDigest: given.netDigest,
      previous: given.serving,
    },
    counts: { lists: taught.lists, rows: taught.rows, pairs },
    training: { objective, iterations, gradientNorm, converged, trace, seconds: given.seconds },
    ndcg10: done.ndcg10,
    onnxDigest: null,
    distributions: taught.distributions,
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
    queries: done.taught.lists,
    holdoutQueries: listCount(done.holdout),
    ndcg10: done.ndcg10,
    liftByCategory: done.liftByCategory.map(({ segment, ...rest }) => ({ category: segment, ...rest })),
    liftByObject: done.liftByObject,
    ndcg10BySource: done.ndcg10BySource,
    cCurve: done.choice?.curve ?? null,
    left: done.taught.left,
    prior: model.lineage.settings.prior,
    heldBySign: done.model.heldBySign,
    withoutEvidence: done.model.withoutEvidence,
  };
}
