/** The log's side of train-ranker: judged lists in, a measured model in the registry out. Serving does not change. */
import { writeFileSync } from 'node:fs';
import type { Surface } from '../../catalog/log/served-list.ts';
import type { Grades } from '../../grades.ts';
import { climbLadder, type LadderStep } from '../../ranker/measures/ablation-ladder.ts';
import { picturedPins, trainingReport } from '../../ranker/measures/training-report.ts';
import type { Judgement } from '../../ranker/judging/judgement.ts';
import { MODEL_FORMAT, type ModelArtifact } from '../../ranker/registry/model-artifact.ts';
import { codeVersion } from '../../ranker/registry/model-provenance.ts';
import type { NormalizationKind } from '../../ranker/scoring/normalizer.ts';
import type { FeatureSet } from '../../ranker/scoring/ranking-feature.ts';
import { learningCurve } from '../../ranker/training/learning-curve.ts';
import { actedLists, type LogData, sliceLog, splitLog } from '../../ranker/training/log-data.ts';
import { type HeldTraining, type LogTraining, type Taught, trainOnLog } from '../../ranker/training/log-training.ts';
import { listCount } from '../../ranker/training/ranking-data.ts';
import { openContext } from '../../service/context.ts';
import { judgeModel } from '../../service/model-judge.ts';
import { activeNet } from '../../vision/net-folder.ts';
import { readNet } from '../../vision/net-manifest.ts';
import type { JobInput } from '../job.ts';
import { reportPictures } from '../nets/report-pictures.ts';
import { isOnSpark } from '../spark.ts';
import { trainOnSpark } from './train-on-spark.ts';
import { readLog, requireEnough } from './training-log.ts';
import { type Propensity, propensityOf } from './training-propensity.ts';
import { learningFrom, type LogInput, type Setting, settingOf } from './training-setting.ts';

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
