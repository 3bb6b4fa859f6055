import { openContext } from '../../src/service/context.ts';
import { compareSteps, type LadderStep, trainLadder } from '../../src/ranker/measures/ablation-ladder.ts';
import { clustersOf, ndcgByContender, type SegmentLift } from '../../src/ranker/measures/holdout-report.ts';
import { listScorer } from '../../src/ranker/training/linear-trainer.ts';
import { sliceLog, splitLog } from '../../src/ranker/training/log-data.ts';
import { kendallTau } from '../../src/ranker/measures/ranking-metrics.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../../src/jobs/job.ts';
import { PROPENSITY_FLAGS, RANGE_FLAGS } from '../../src/jobs/models/ranker-flags.ts';
import { readLog } from '../../src/jobs/models/training-log.ts';
import { propensityOf } from '../../src/jobs/models/training-propensity.ts';
import { categoriesFrom } from '../../src/jobs/models/training-setting.ts';
import { openTrueWorld, trueNdcg, trueQueries } from './world-truth.ts';

const FLAGS = flags([
  ...RANGE_FLAGS,
  { flag: '--c <number>', meaning: 'weight of the pair loss', kind: 'number', above: 0, default: 0.01 },
  {
    flag: '--normalize <kind>',
    meaning: 'standard, min-max, log1p or none',
    choices: ['standard', 'min-max', 'log1p', 'none'],
    default: 'standard',
  },
  { flag: '--holdout <share>', meaning: 'share of the latest lists that judge', kind: 'number', default: 0.2 },
  ...PROPENSITY_FLAGS,
  { flag: '--seed <number>', meaning: 'seed of the intervals', kind: 'integer', default: 1 },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

/** The paper's ladder on the log, and in a demo world against the truth that was planted. */
export const job = defineJob({
  name: 'climb-ladder',
  summary: 'Learns the control set, + fc6/fc8, + category crosses, + object features from the log, and measures each step.',
  examples: ['npm run lab -- climb-ladder --data var', 'npm run lab -- climb-ladder --data var --propensity randomized --json'],
  options: FLAGS,
  run: climb,
  describe({ steps, truth, categories, visualWeightTau }) {
    const rows = categories as readonly TrueCategory[] | null;
    const lines = ['On the later lists of the log:', ...stepLines(steps as readonly LadderStep[])];
    if (truth === null || rows === null) return lines;
    return [
      ...lines,
      '',
      'Against the grades that were planted:',
      ...stepLines(truth as readonly LadderStep[]),
      '',
      'By category, the most visual first: planted weight of looks; lift of each step over the control set:',
      ...rows.map(({ category, planted, lifts }) => `  ${category.padEnd(18)} ${planted.toFixed(2)}  ${lifts.map(liftText).join('  ')}`),
      `Kendall's tau between planted weight and lift of the last step: ${(visualWeightTau as number).toFixed(2)}`,
    ];
  },
});

interface TrueCategory {
  readonly category: string;
  /** How much looks count for its people. */
  readonly planted: number;
  /** Lift of each step above the first over the control set. */
  readonly lifts: readonly SegmentLift[];
}

async function climb(input: Input): Promise<Readonly<Record<string, unknown>>> {
  const { options, dataFolder, progress } = input;
  const seed = options.seed;
  progress.start('reading the log', 0);
  const data = readLog(dataFolder, options);
  const split = splitLog(data, options.holdout);
  const early = sliceLog(data, split.train.from, split.train.to);
  const holdout = sliceLog(data, split.holdout.from, split.holdout.to);
  const propensity = propensityOf(early, options);
  const settings = {
    c: options.c,
    normalize: options.normalize,
    pairWeights: propensity?.weigh,
  };
  progress.start('learning', 0);
  const models = trainLadder(early, settings);
  const categoriesOf = categoriesFrom(dataFolder);
  const values = models.map((features) => ndcgByContender(holdout, { step: listScorer(holdout, features) }).step);
  const segmentsOf = (list: number): readonly string[] => categoriesOf(holdout.lists[list].queryPinIndex);
  const { c, normalize } = settings;
  return {
    c,
    normalize,
    seed,
    lists: early.lists.length,
    holdoutLists: holdout.lists.length,
    propensity: propensity?.told ?? null,
    steps: compareSteps(values, { segmentsOf, seed, clusters: clustersOf(holdout) }),
    ...(await againstTruth(input, models, seed)),
  };
}

async function againstTruth({ config, dataFolder, progress }: Input, models: ReturnType<typeof trainLadder>, seed: number) {
  const world = openTrueWorld(dataFolder);
  if (world === null) return { truth: null, categories: null, visualWeightTau: null };
  const context = await openContext(config, dataFolder);
  try {
    const queries = await trueQueries(context, world, progress);
    const values = models.map((features) => trueNdcg(queries, features));
    const truth = compareSteps(values, { segmentsOf: (list) => [queries.categories[list]], seed });
    const categories = Object.entries(world.visualWeights)
      .map(([category, planted]) => ({
        category,
        planted,
        lifts: truth.slice(1).flatMap((step) => step.liftByCategory.filter(({ segment }) => segment === category)),
      }))
      .filter(({ lifts }) => lifts.length > 0)
      .sort((a, b) => b.planted - a.planted || (a.category < b.category ? -1 : 1));
    const lastLifts = categories.map(({ lifts }) => lifts[lifts.length - 1].lift);
    return {
      truth,
      categories,
      visualWeightTau: kendallTau(
        categories.map(({ planted }) => planted),
        lastLifts,
      ),
    };
  } finally {
    await context.close();
    progress.stop();
  }
}

const percent = (share: number): string => `${share >= 0 ? '+' : ''}${(100 * share).toFixed(1)} %`;
const liftText = ({ lift, low, high }: SegmentLift): string =>
  `${percent(lift).padStart(8)} (${percent(low)} .. ${percent(high)})`.padEnd(30);

export function stepLines(steps: readonly LadderStep[]): string[] {
  return steps.map(({ step, columns, ndcg10, lift }, at) => {
    const measured = `NDCG@10 ${ndcg10.mean.toFixed(4)} (${ndcg10.low.toFixed(4)} .. ${ndcg10.high.toFixed(4)})`;
    const over = at === 0 ? '' : `   ${percent(lift.mean)} (${percent(lift.low)} .. ${percent(lift.high)}) over the step before`;
    return `  ${step.padEnd(20)} ${String(columns).padStart(3)} columns   ${measured}${over}`;
  });
}
