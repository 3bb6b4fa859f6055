/**
 * The proof of position bias on a demo world: its people, who look at position k with the planted probability, visit lists
 * of two rankers, a share of them shuffled. Does the estimated curve cover the planted one, and does the model that is
 * weighted by it order closer to the truth than the one that believes every list?
 */
import type { JudgedList } from '../../src/catalog/log/judged-list.ts';
import { GRADES } from '../../src/grades.ts';
import type { Context } from '../../src/service/context.ts';
import { openContext } from '../../src/service/context.ts';
import { ServiceError } from '../../src/errors.ts';
import { mixedSeed, seededRandom } from '../../src/math/random.ts';
import type { Progress } from '../../src/progress.ts';
import { AS_RETRIEVED } from '../../src/ranker/measures/baselines.ts';
import { bootstrapDifference, bootstrapMean, type Interval } from '../../src/math/bootstrap.ts';
import { columnsOf } from '../../src/ranker/scoring/feature-table.ts';
import { trainLinearModel } from '../../src/ranker/training/linear-trainer.ts';
import { collectLogData, type LogData, trainingRows } from '../../src/ranker/training/log-data.ts';
import {
  type ExaminationCurve,
  examinationFromInterventions,
  examinationFromShuffled,
  propensityWeights,
} from '../../src/ranker/training/position-bias.ts';
import { FEATURE_SETS } from '../../src/ranker/scoring/ranking-feature.ts';
import { relatedPins } from '../../src/related-pins.ts';
import type { RankedList } from '../../src/lists/ranked-list.ts';
import { examination } from '../world/people.ts';
import { heldOut, listOptions, pinMaps, trafficParts } from './demo/demo-traffic.ts';
import { defineJob, flags, type JobInput, type OptionsOf } from '../../src/jobs/job.ts';
import { requireTrueWorld, type TrueWorld, trueNdcg, trueQueries } from './world-truth.ts';

const FLAGS = flags([
  { flag: '--lists <n>', meaning: 'lists that the people look at', kind: 'integer', default: 6000 },
  { flag: '--queries <n>', meaning: 'pins they open, so that pairs are met again', kind: 'integer', default: 150 },
  { flag: '--second <model>', meaning: 'the other ranker beside the order of retrieval', default: 'control' },
  { flag: '--c <number>', meaning: 'weight of the pair loss', kind: 'number', above: 0, default: 0.01 },
  { flag: '--clip <number>', meaning: 'greatest inverse propensity', kind: 'number', above: 0, default: 10 },
  { flag: '--seed <n>', meaning: 'seed of visits and intervals', kind: 'integer', default: 1 },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'prove-position-bias',
  summary: 'Shows on a demo world that inverse propensities undo the planted position bias: the curve, and the order that is learned.',
  examples: [
    'npm run demo -- --data DIR --no-serve && npm run lab -- prove-position-bias --data DIR',
    'npm run lab -- prove-position-bias --data DIR --lists 2000 --json',
  ],
  options: FLAGS,
  run: prove,
  exitCode: ({ checks }) => ((checks as readonly Check[]).every(({ passed }) => passed) ? 0 : 1),
  describe({ curves, models, checks }) {
    const { randomized, harvested } = curves as Curves;
    const at = (curve: CurveFound, k: number): string =>
      `${curve.curve[k].toFixed(3)} (${curve.low[k].toFixed(3)} .. ${curve.high[k].toFixed(3)})${curve.covered[k] ? '' : ' !'}`.padEnd(28);
    const positions = Array.from({ length: Math.min(randomized.curve.length, harvested.curve.length) }, (_, k) => k);
    return [
      'position  planted  from shuffled lists         from interventions',
      ...positions.map(
        (k) => `${String(k + 1).padStart(8)}  ${randomized.planted[k].toFixed(3).padStart(7)}  ${at(randomized, k)}${at(harvested, k)}`,
      ),
      '',
      ...Object.entries(models as Record<string, Found>).map(
        ([name, { ndcg10, overNaive }]) =>
          `${name.padEnd(12)} NDCG@10 against the planted grades ${ndcg10.mean.toFixed(4)} (${ndcg10.low.toFixed(4)} .. ${ndcg10.high.toFixed(4)}), over naive ${overNaive.mean.toFixed(4)} (${overNaive.low.toFixed(4)} .. ${overNaive.high.toFixed(4)})`,
      ),
      ...(checks as readonly Check[]).map(({ name, passed, detail }) => `${passed ? 'holds' : 'FAILS'}  ${name}: ${detail}`),
    ];
  },
});

interface CurveFound extends ExaminationCurve {
  readonly planted: readonly number[];
  readonly covered: readonly boolean[];
}

interface Curves {
  readonly randomized: CurveFound;
  readonly harvested: CurveFound;
}

interface Found {
  readonly ndcg10: Interval;
  /** Mean difference to the naive model, query by query. */
  readonly overNaive: Interval;
  readonly clipped: number;
}

interface Check {
  readonly name: string;
  readonly passed: boolean;
  readonly detail: string;
}

async function prove(input: Input): Promise<Readonly<Record<string, unknown>>> {
  const { options, config, dataFolder, progress } = input;
  const world = requireTrueWorld(dataFolder);
  const context = await openContext(config, dataFolder);
  try {
    const data = collectLogData(await visits(context, world, input), {
      listsPerUserDay: Infinity,
      repeatsPerDay: Infinity,
    });
    const curves = curvesOf(data);
    progress.start('learning', 0);
    const queries = await trueQueries(context, world, progress);
    const training = trainingRows(data, columnsOf(FEATURE_SETS));
    const clip = options.clip;
    const learn = (curve: ExaminationCurve | null): { readonly ndcg: Float64Array; readonly clipped: number } => {
      const weights = curve && propensityWeights(training, curve, clip);
      const c = options.c;
      const model = trainLinearModel(training, {
        c,
        normalize: 'standard',
        ...(weights ? { weights: { better: weights.better } } : {}),
      });
      return { ndcg: trueNdcg(queries, model.features), clipped: weights?.clipped ?? 0 };
    };
    const planted = { ...curves.randomized, curve: curves.randomized.planted };
    const learned = {
      naive: learn(null),
      randomized: learn(curves.randomized),
      harvested: learn(curves.harvested),
      planted: learn(planted),
    };
    const seed = options.seed;
    const models = Object.fromEntries(
      Object.entries(learned).map(([name, { ndcg, clipped }]) => {
        const overNaive = bootstrapDifference(ndcg, learned.naive.ndcg, seed);
        return [name, { ndcg10: bootstrapMean(ndcg, seed), overNaive, clipped } satisfies Found];
      }),
    );
    progress.stop();
    return { lists: data.lists.length, clip, curves, models, checks: checksOf(curves, models) };
  } finally {
    await context.close();
  }
}

function checksOf({ randomized, harvested }: Curves, models: Readonly<Record<string, Found>>): readonly Check[] {
  const covers = (name: string, { covered }: CurveFound): Check => {
    const count = covered.filter(Boolean).length;
    // Of n independent 95 % intervals 5 % miss; more than three standard errors over that is no chance.
    const missesMax = 0.05 * covered.length + 3 * Math.sqrt(0.05 * 0.95 * covered.length);
    return {
      name: `the curve ${name} covers the planted one`,
      passed: covered.length - count <= missesMax,
      detail: `${count} of ${covered.length} positions`,
    };
  };
  const better = (name: string): Check => {
    const { mean, low, high } = models[name].overNaive;
    return {
      name: `weighted (${name}) orders closer to the truth than naive`,
      passed: low > 0,
      detail: `NDCG@10 ${mean.toFixed(4)} more (${low.toFixed(4)} .. ${high.toFixed(4)})`,
    };
  };
  return [covers('from shuffled lists', randomized), covers('from interventions', harvested), better('randomized'), better('harvested')];
}

function curvesOf(data: LogData): Curves {
  const found = (curve: ExaminationCurve | null): CurveFound => {
    if (curve === null)
      throw new ServiceError('NOTHING_TO_DO', {
        reason: 'Too few lists to tell how positions are looked at; raise --lists.',
      });
    const planted = curve.curve.map((_, k) => examination(k + 1));
    return { ...curve, planted, covered: planted.map((truth, k) => curve.low[k] <= truth && truth <= curve.high[k]) };
  };
  return { randomized: found(examinationFromShuffled(data)), harvested: found(examinationFromInterventions(data)) };
}

/** Lists as served to the people and what they did, without the log: rankers are drawn per list, whatever the query. */
async function visits(context: Context, world: TrueWorld, { options, progress, signal }: Input): Promise<JudgedList[]> {
  const { recipe, people } = world;
  const { toCatalog, toRecipe } = pinMaps(context, recipe);
  const seed = options.seed;
  const rankers = [AS_RETRIEVED, options.second];
  const pool = seededRandom(mixedSeed(seed, 'queries'))
    .shuffled(recipe.pins.flatMap((_, i) => (heldOut(i) ? [] : [i])))
    .slice(0, options.queries);
  const lists: JudgedList[] = [];
  const wanted = options.lists;
  progress.start('visits', wanted);
  for (let index = 0; index < wanted; index++) {
    if (signal.aborted) throw new ServiceError('JOB_STOPPED');
    const id = `bias-${seed}-${index}`;
    const random = seededRandom(mixedSeed(seed, id));
    const user = random.pick(recipe.users);
    const query = random.pick(pool);
    const plain = listOptions(index, id, user.id);
    const list = await relatedPins(trafficParts(context), toCatalog[query], {
      ...plain,
      treatment: { ...plain.treatment, model: random.pick(rankers) },
    });
    const shown = Array.from(list.page, (row) => toRecipe[list.candidates.pinIndexes[row]]);
    const grades = new Float32Array(list.page.length + list.unserved.length);
    for (const { item, type } of people.act(user, query, shown, random))
      grades[item] = Math.max(grades[item], GRADES[type === 'impression' ? 'seen' : type]);
    lists.push(judged(list, grades));
    told(progress, index);
  }
  progress.stop();
  return lists;
}

function told(progress: Progress, index: number): void {
  if (index % 50 === 0) progress.update(index);
}

function judged(list: RankedList, grades: Float32Array): JudgedList {
  const { options, page, unserved, rows } = list;
  const count = page.length + unserved.length;
  const all = Int32Array.from([...page, ...unserved]);
  return {
    recommendationId: options.recommendationId,
    at: options.now,
    surface: list.surface,
    queryPinIndex: list.queryPinIndex,
    userId: options.userId,
    arm: null,
    modelVersion: list.ranker.name,
    shuffled: list.shuffled,
    grades,
    items: {
      count,
      rows,
      sourceNames: [],
      sourceScores: new Float32Array(0),
      scores: new Float64Array(count),
      propensities: new Float32Array(count),
      pinIndexes: all.map((row) => list.candidates.pinIndexes[row]),
      positions: Uint16Array.from(all, (_, at) => (at < page.length ? at + 1 : 0)),
      retrievedRanks: all,
    },
  };
}
