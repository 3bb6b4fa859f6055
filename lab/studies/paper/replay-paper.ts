/**
 * The paper's experiment replayed on the demo world: simulated people act on lists of the spine; assignment, log,
 * exposures and report are those of the service. Everything it writes lies in DIR/replay-paper; the training log is not
 * touched. The report's order of arms is compared with the planted truth where the truth differs by more than the
 * experiment could find, and said to be open elsewhere.
 */
import { join } from 'node:path';
import { openLog } from '../../../src/catalog/log/log-database.ts';
import type { LogDatabase } from '../../../src/catalog/log/log-database.ts';
import { plainItems, type ServedList } from '../../../src/catalog/log/served-list.ts';
import { openContext } from '../../../src/service/context.ts';
import type { Context } from '../../../src/service/context.ts';
import { ServiceError } from '../../../src/errors.ts';
import type { AssignmentPlan } from '../../../src/experiments/assignment.ts';
import { armIndexOf, armsText, isEligible, planOf } from '../../../src/experiments/assignment.ts';
import type { ExperimentDefinition } from '../../../src/experiments/experiment.ts';
import { Experiments, openExperiments } from '../../../src/experiments/experiments.ts';
import { DOMINANT_COLUMN, describeByCatalog } from '../../../src/experiments/query-segment.ts';
import type { ExperimentReport } from '../../../src/experiments/report/experiment-report.ts';
import { percent } from '../../../src/experiments/statistics/verdict.ts';
import { mixedSeed, seededRandom } from '../../../src/math/random.ts';
import { worldSeed } from '../../world/world-seed.ts';
import { queryFacts } from '../../../src/service/query-facts.ts';
import { callJob, defineJob, flags, type JobInput, type OptionsOf } from '../../../src/jobs/job.ts';
import { PAPER_MODELS, paperDefinitions } from './paper-experiments.ts';
import { freshPaperFolder } from './paper-folder.ts';
import type { Wish } from './paper-http.ts';
import { replayOverHttp } from './paper-http.ts';
import { plantedLifts } from './paper-truth.ts';
import type { PlantedLift } from './paper-truth.ts';
import { replayDemo } from './paper-off-policy.ts';
import type { PaperList } from './paper-world.ts';
import { PaperWorld, hasWorld } from './paper-world.ts';
import { job as trainRanker } from '../../../src/jobs/models/train-ranker.ts';

/** When the simulated experiment begins; two weeks long. */
const START = Date.UTC(2025, 5, 2);
const FOLDER = 'replay-paper';
const DAYS = 14;
const DAY_MS = 86_400_000;
/** Share of the lists on which the arms are compared, so that the report can leave out those that are alike. */
const COMPARED_SHARE = 0.2;

interface PaperRow {
  readonly experiment: string;
  readonly features: string;
  readonly control: string;
  readonly queries: string;
  readonly users: number;
  readonly lift: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly p: number | null;
  readonly plantedLift: number;
  readonly plantedError: number;
  readonly minimumDetectableLift: number | null;
  /** agrees or disagrees in sign with a planted lift the experiment could find; open: it could not. */
  readonly order: 'agrees' | 'disagrees' | 'open';
  /** The interval holds the planted lift. */
  readonly covered: boolean | null;
}

const FLAGS = flags([
  { flag: '--people <n>', meaning: 'simulated people', kind: 'integer', default: 100_000 },
  {
    flag: '--queries <n>',
    meaning: 'most saved pins that take part in the first two experiments',
    kind: 'integer',
    default: 400,
  },
  {
    flag: '--truth-visits <n>',
    meaning: 'visits that the planted truth is averaged over',
    kind: 'integer',
    default: 60_000,
  },
  { flag: '--http-people <n>', meaning: 'people who then act on lists served over real HTTP; 0: none', kind: 'integer', default: 0 },
  { flag: '--seed <s>', meaning: 'seed of people and chances', kind: 'integer', default: 1 },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'replay-paper',
  summary: "replay the paper's experiment on the demo world, against its planted truth",
  examples: [
    'npm run lab -- replay-paper --data demo --json',
    'npm run lab -- replay-paper --data demo --people 200000 --seed 7',
    'npm run lab -- replay-paper --data demo --http-people 6000',
    'related-pins serve --data demo/replay-paper',
  ],
  options: FLAGS,
  async run(input) {
    const startedAt = Date.now();
    await prepare(input);
    const context = await openContext(input.config, input.dataFolder);
    try {
      return { ...(await replay(input, context)), seconds: (Date.now() - startedAt) / 1000 };
    } finally {
      await context.close();
    }
  },
  describe: (receipt) => describe(receipt.rows, receipt),
});

/** Makes what is missing: the demo world, then the three models, each trained on the demo's log. */
async function prepare(input: Input): Promise<void> {
  if (!hasWorld(input.dataFolder)) {
    const { job: demo } = await import('../demo/demo.ts');
    await callJob(demo, input, { serve: false });
  }
  const context = await openContext(input.config, input.dataFolder);
  const known = context.registry.names();
  await context.close();
  for (const [name, sets] of Object.entries(PAPER_MODELS)) {
    if (known.includes(name)) continue;
    input.progress.note(`training ${name}`);
    await callJob(trainRanker, input, { sets, name, c: TRAINING_C });
  }
}

/** The same for all three, so that the models differ in nothing but their columns. */
const TRAINING_C = 0.01;

interface Stage {
  readonly plan: AssignmentPlan;
  readonly pool: readonly number[];
}

async function replay(input: Input, context: Context) {
  const { options, progress, dataFolder } = input;
  const [people, queries, seed] = [options.people, options.queries, options.seed];
  const world = new PaperWorld(context, dataFolder, people);
  const definitions = paperDefinitions(people, queries);
  const stages = definitions.map((definition) => stageOf(definition, world, context));
  progress.start('serving lists', 0);
  await simulateInto(input, context, world, definitions, stages, seed);
  const rows: PaperRow[] = [];
  const reports = readReports(input, context, definitions);
  for (const [index, report] of reports.entries()) {
    const truth = await plantedLifts(world, stages[index].plan, stages[index].pool, options.truthVisits, seed, START);
    rows.push(...paperRows(report, truth, stages[index].pool.length, definitions[index]));
  }
  const offPolicy = await replayDemo(world, stages[0].plan, stages[0].pool, seed, START);
  const http = await overHttp(input, world, definitions, stages);
  progress.stop();
  const judged = rows.filter((row) => row.order !== 'open');
  return {
    people,
    seed,
    rows,
    verdicts: reports.map(({ key, verdict, reason, sampleRatio }) => ({
      key,
      verdict,
      reason,
      sampleRatio: { p: sampleRatio.p },
    })),
    orderAgrees: judged.every((row) => row.order === 'agrees'),
    ordersJudged: judged.length,
    ordersOpen: rows.length - judged.length,
    replay: offPolicy,
    ...(http === null ? {} : { http }),
  };
}

/**
 * The smaller proof: the same experiments on a real server. Its lists learn from what people do and know who asks, so the
 * truth is what everybody would have done on the very lists that were served.
 */
async function overHttp(
  input: Input,
  world: PaperWorld,
  definitions: readonly ExperimentDefinition[],
  stages: readonly Stage[],
): Promise<Record<string, unknown> | null> {
  const people = Math.min(input.options.httpPeople, world.users.length);
  if (people === 0) return null;
  const { reports, lists, events, surprises, wished } = await replayOverHttp(input, world, definitions, stages, people, input.options.seed);
  const rows = reports.flatMap((report, index) =>
    paperRows(report, wishedLifts(definitions[index], wished), stages[index].pool.length, definitions[index]),
  );
  const judged = rows.filter((row) => row.order !== 'open');
  const orderAgrees = judged.every((row) => row.order === 'agrees');
  return { people, lists, events, surprises, rows, orderAgrees, ordersJudged: judged.length, ordersOpen: rows.length - judged.length };
}

function wishedLifts({ key, arms }: ExperimentDefinition, wished: ReadonlyMap<string, Wish>): readonly PlantedLift[] {
  const rateOf = (arm: string): Wish & { readonly rate: number } => {
    const wish = wished.get(`${key}/${arm}`) ?? { engaged: 0, items: 0 };
    return { ...wish, rate: wish.engaged / wish.items };
  };
  const control = rateOf(arms[0].key);
  return arms.slice(1).map(({ key: arm }) => {
    const own = rateOf(arm);
    const error = (own.rate / control.rate) * Math.sqrt(1 / own.engaged + 1 / control.engaged);
    return { arm, lift: own.rate / control.rate - 1, error };
  });
}

function stageOf(definition: ExperimentDefinition, world: PaperWorld, context: Context): Stage {
  const eligible = (pinIndex: number): boolean =>
    isEligible(definition.eligibility, queryFacts(context.pins, context.visual, { surface: 'closeup', pinIndex }));
  const pool = world.pinsWhere(eligible);
  if (pool.length === 0) throw new ServiceError('NOTHING_TO_DO', { reason: `No query of this world is eligible for ${definition.key}.` });
  return { plan: planOf(definition), pool };
}

/** Everybody's visits, in a log of their own, counted by the same code as real traffic. */
async function simulateInto(
  input: Input,
  context: Context,
  world: PaperWorld,
  definitions: readonly ExperimentDefinition[],
  stages: readonly Stage[],
  seed: number,
): Promise<void> {
  const folder = freshPaperFolder(input.dataFolder, FOLDER);
  const log = openLog(folder);
  const experiments = openReplay(folder, log, context);
  try {
    for (const definition of definitions) {
      experiments.store.define(definition, { by: 'replay-paper', at: START });
      experiments.store.start(definition.key, { by: 'replay-paper', at: START });
    }
    const marks: Mark[] = [];
    input.progress.start('people act', world.users.length);
    for (let person = 0; person < world.users.length; person++) {
      await visits(world, stages, person, { log, marks }, seed);
      if (person % 500 !== 0) continue;
      log.commit.flush();
      noteMarks(experiments, marks);
      input.progress.update(person);
      if (input.signal.aborted) throw new ServiceError('JOB_STOPPED');
    }
    log.commit.flush();
    noteMarks(experiments, marks);
    input.progress.start('counting exposures', 0);
    experiments.countAll();
  } finally {
    experiments.close();
    log.close();
  }
}

function openReplay(folder: string, log: LogDatabase, { catalog }: Context): Experiments {
  return openExperiments(folder, { log, describe: describeByCatalog(catalog), holdout: 0 });
}

/** One person's lists over the two weeks: one, and each further one with chance 0.55, up to six. */
async function visits(
  world: PaperWorld,
  stages: readonly Stage[],
  person: number,
  { log, marks }: { readonly log: LogDatabase; readonly marks: Mark[] },
  seed: number,
): Promise<void> {
  const unit = `person-${person}`;
  const stage = stages.find(({ plan }) => armIndexOf(plan, unit) >= 0);
  if (!stage) return;
  const { plan, pool } = stage;
  const arm = armIndexOf(plan, unit);
  const random = seededRandom(worldSeed(seed, unit));
  const user = world.users[person];
  let at = START + random.integer(DAYS * DAY_MS);
  for (let visit = 0; visit < 6 && (visit === 0 || random.next() < 0.55); visit++) {
    const query = world.people.chooseQuery(user, pool, random);
    const list = await world.listFor(query, plan.treatments[arm], START);
    const recommendationId = `${unit}/${visit}`;
    const text = armsText([{ experiment: plan.key, arm: plan.armKeys[arm] }]);
    const dominant = world.hasDominantObject(query);
    void log.lists.append(servedList(recommendationId, at, world.catalogIndex(query), unit, text, list, dominant));
    if (seededRandom(mixedSeed(seed, recommendationId)).next() < COMPARED_SHARE)
      marks.push({ recommendationId, experiment: plan.key, same: await alikeByAllArms(world, plan, query) });
    const events = world.act(user, query, list, random).map(({ item, type }, n) => ({
      eventId: `${recommendationId}/${n}`,
      type,
      recommendationId,
      pinIndex: list.pinIndexes[item],
      position: item + 1,
      userId: unit,
      at: at + 5000 * (n + 1),
    }));
    if (events.length > 0) void log.events.append(events);
    at += random.integer(2 * DAY_MS);
  }
}

/** Whether the arms of an experiment would all have given a list. */
interface Mark {
  readonly recommendationId: string;
  readonly experiment: string;
  readonly same: boolean;
}

/** Writes the marks in one transaction and empties them. */
function noteMarks({ exposures }: Experiments, marks: Mark[]): void {
  exposures.transaction(() => {
    for (const { recommendationId, experiment, same } of marks.splice(0)) exposures.noteCounterfactual(recommendationId, experiment, same);
  });
}

/** Whether every arm would give this list; people are strangers to the spine, so the query alone decides. */
async function alikeByAllArms(world: PaperWorld, plan: AssignmentPlan, query: number): Promise<boolean> {
  const lists: PaperList[] = [];
  for (const treatment of plan.treatments) lists.push(await world.listFor(query, treatment, START));
  return lists.every(({ pinIndexes }) => pinIndexes.every((pin, place) => pin === lists[0].pinIndexes[place]));
}

function servedList(
  recommendationId: string,
  at: number,
  queryPinIndex: number,
  userId: string,
  arm: string | null,
  list: PaperList,
  dominant: boolean,
): ServedList {
  return {
    recommendationId,
    at,
    queryPinIndex,
    userId,
    arm,
    surface: 'closeup',
    modelVersion: list.modelVersion,
    treatment: '{}',
    forced: false,
    shuffled: false,
    latencyMs: list.latencyMs,
    degraded: list.degraded,
    items: {
      ...plainItems(list.pinIndexes),
      rows: { rows: 1, columns: 1, names: [DOMINANT_COLUMN], data: Float32Array.of(dominant ? 1 : 0) },
    },
  };
}

function readReports({ dataFolder }: Input, context: Context, definitions: readonly ExperimentDefinition[]): ExperimentReport[] {
  const folder = join(dataFolder, FOLDER);
  const log = openLog(folder);
  const experiments = openReplay(folder, log, context);
  try {
    return definitions.map(({ key }) => experiments.reportAsCounted(experiments.store.get(key), 'fixed-horizon'));
  } finally {
    experiments.close();
    log.close();
  }
}

function paperRows(report: ExperimentReport, truth: readonly PlantedLift[], queries: number, definition: ExperimentDefinition): PaperRow[] {
  const { minimumDetectableLift } = report.power;
  return truth.map(({ arm, lift: plantedLift, error: plantedError }) => {
    const row = report.rows.find((each) => each.arm === arm && each.segment === 'all' && each.metric === definition.metrics[0]);
    if (!row) throw new RangeError(`report of ${report.key}: expected a row for ${arm}`);
    const { lift, low, high, p, users, controlUsers } = row;
    const findable = minimumDetectableLift !== null && Math.abs(plantedLift) > minimumDetectableLift;
    const agrees = lift !== null && Math.sign(lift) === Math.sign(plantedLift);
    return {
      experiment: report.key,
      features: arm,
      control: definition.arms[0].key,
      queries: `${queries} ${definition.eligibility.categories ? 'fashion' : 'most saved'}`,
      users: users + controlUsers,
      lift,
      low,
      high,
      p,
      plantedLift,
      plantedError,
      minimumDetectableLift,
      order: findable ? (agrees ? 'agrees' : 'disagrees') : 'open',
      covered: low === null || high === null ? null : low <= plantedLift && plantedLift <= high,
    };
  });
}

function describe(rows: readonly PaperRow[], receipt: Readonly<Record<string, unknown>>): readonly string[] {
  const cell = (value: number | null): string => (value === null ? 'unknown' : percent(value));
  return [
    `${'Features'.padEnd(22)}${'Against'.padEnd(20)}${'Queries'.padEnd(18)}${'Engagement'.padEnd(12)}${'95 % interval'.padEnd(24)}${'Users'.padEnd(10)}${'Planted'.padEnd(12)}${'Detectable'.padEnd(12)}Order`,
    ...rows.map((row) =>
      [
        row.features.padEnd(22),
        row.control.padEnd(20),
        row.queries.padEnd(18),
        cell(row.lift).padEnd(12),
        `${cell(row.low)} to ${cell(row.high)}`.padEnd(24),
        String(row.users).padEnd(10),
        cell(row.plantedLift).padEnd(12),
        cell(row.minimumDetectableLift).padEnd(12),
        row.order,
      ].join(''),
    ),
    `${receipt.ordersJudged} orders judged, ${receipt.orderAgrees ? 'all agree with the planted truth' : 'NOT ALL AGREE'}; ${receipt.ordersOpen} open; ${receipt.seconds} s`,
  ];
}
