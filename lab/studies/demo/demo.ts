/** From nothing to a page one wants to click: a drawn world, its catalogue, its people, a model learned from them, and the proof. */
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { ServiceError } from '../../../src/errors.ts';
import type { Context } from '../../../src/service/context.ts';
import { switchOffDetector } from '../../../src/vision/net-folder.ts';
import { workerUrl } from '../../../src/worker-url.ts';
import { DEFAULT_WORLD, makeRecipe, type Recipe, WORLD_KINDS, type WorldSize } from '../../world/recipe.ts';
import { People } from '../../world/people.ts';
import { drawWorld, duplicateGroups, type Picture, picturesOf, trueDominant, writeTruth } from '../../world/write-world.ts';
import { job as buildCandidates } from '../../../src/jobs/candidates/build-candidates.ts';
import type { FittedDuplicates } from './demo-duplicates.ts';
import { closingLines, demoLines, type Promotion, provedLines } from './demo-lines.ts';
import { type Measurement, measure } from './demo-measure.ts';
import { type DemoInput, prove } from './demo-prove.ts';
import { DemoPage } from './demo-page.ts';
import { DemoSteps } from './demo-steps.ts';
import { serveFirstTraffic } from './demo-traffic.ts';
import { adoptLooks, linkPictures } from './demo-twin.ts';
import type { DemoTask } from './demo-worker.ts';
import { job as detectObjects } from '../../../src/jobs/nets/detect-objects.ts';
import { job as extractFeatures } from '../../../src/jobs/nets/extract-features.ts';
import { job as importCatalog } from '../../../src/jobs/catalog/import-catalog.ts';
import { callJob, defineJob, flags, type Job, type JobInput, type OptionsOf } from '../../../src/jobs/job.ts';
import { job as promoteModel } from '../../../src/jobs/models/promote-model.ts';

const FLAGS = flags([
  { flag: '--port <n>', meaning: 'port of the page; 0 picks a free one', kind: 'integer' },
  { flag: '--no-serve', meaning: 'stop when the model is promoted and measured' },
  {
    flag: '--world <kind>',
    meaning: 'planted; null (no picture says anything); reversed (text categories are the visual ones)',
    choices: WORLD_KINDS,
    default: 'planted',
  },
  { flag: '--pins <n>', meaning: 'up to 100,000', kind: 'integer', range: [200, 100_000], default: DEFAULT_WORLD.pins },
  { flag: '--boards <n>', meaning: 'boards', kind: 'integer', range: [20, 100_000], default: DEFAULT_WORLD.boards },
  { flag: '--users <n>', meaning: 'people', kind: 'integer', range: [20, 1_000_000], default: DEFAULT_WORLD.users },
  { flag: '--lists <n>', meaning: 'lists that the first visitors look at', kind: 'integer', default: 3000 },
  { flag: '--seed <n>', meaning: 'another world', kind: 'integer', default: DEFAULT_WORLD.seed },
  { flag: '--draw-only', meaning: 'stop when pictures and truth are written: what a detector can be trained on' },
  { flag: '--prove', meaning: 'planted, null and reversed worlds, three seeds each, instead of serving' },
  { flag: '--seeds <n>', meaning: 'seeds of --prove', kind: 'integer', default: 3 },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'demo',
  summary: 'makes a world whose truth is known, learns from its people, proves the gain, and serves it',
  examples: [
    'npm run demo',
    'npm run demo -- --data ./var --port 8080',
    'npm run demo -- --data /tmp/world --world null --no-serve --json',
    'npm run demo -- --prove --json',
  ],
  options: FLAGS,
  async run(input) {
    if (input.options.prove) return prove(input, makeDemo);
    if (input.options.drawOnly) return drawOnly(input, sizeOf(input));
    const page = new DemoPage(input, input.options.serve !== false);
    try {
      const receipt = await makeDemo(input, sizeOf(input), { page });
      if (page.address === null) return receipt;
      for (const line of closingLines(input, receipt, page.address)) input.progress.note(line);
      await page.stopped();
      return receipt;
    } finally {
      await page.close();
    }
  },
  describe: (receipt) => {
    if (typeof receipt.drawn === 'number') return [`${receipt.pins} pictures and their truth in ${receipt.folder}`];
    return Array.isArray(receipt.worlds) ? provedLines(receipt) : demoLines(receipt);
  },
  exitCode: ({ checks = [] }) => ((checks as readonly { passed: boolean }[]).every(({ passed }) => passed) ? 0 : 1),
});

function sizeOf({ options }: Input): WorldSize {
  return { kind: options.world, seed: options.seed, pins: options.pins, boards: options.boards, users: options.users };
}

interface DemoPlan {
  /** Opened as soon as there are lists, where the demo serves one. */
  readonly page?: DemoPage;
  /** In a proof nobody searches by an object. */
  readonly proof?: boolean;
  /** Data folder of the planted world of the same seed and size, whose pictures need not be drawn and looked at again. */
  readonly twin?: string | null;
}

/**
 * Every step; steps that an earlier run finished are not done again. Returns the receipt. The page is up once there are lists.
 * Near-duplicates are found beside detection, objects made ready for search beside the visitors, who use one core: what is
 * waited for in the end counts.
 */
export async function makeDemo(
  input: DemoInput,
  size: WorldSize,
  { page = new DemoPage({ ...input, options: {} }, false), proof = false, twin = null }: DemoPlan = {},
): Promise<Readonly<Record<string, unknown>>> {
  const steps = new DemoSteps(input.dataFolder, size);
  const recipe = makeRecipe(size);
  const pictures = steps.seconds.measure === undefined ? picturesOf(recipe) : [];
  const run = <Options, Receipt extends object>(job: Job<Options, Receipt>, options?: Partial<Options>): Promise<Receipt> =>
    callJob(job, input, options);
  switchOffDetector(input.dataFolder, DETECTOR_OF_PHOTOS);
  await draw(input, steps, { recipe, pictures, twin });
  await steps.once('import', () => run(importCatalog, filesOf(join(input.dataFolder, 'world'))));
  if (twin !== null) await steps.once('adopt', async () => adoptLooks(input, recipe, twin));
  await steps.once('extract', () => run(extractFeatures, EXTRACTING));
  await steps.once('candidates', () => run(buildCandidates));
  await page.open(steps.seconds.measure === undefined);
  const fitting = steps.once('duplicates', () => duplicatesBeside(input, recipe));
  fitting.catch(() => undefined);
  await steps.once('detect', () => run(detectObjects));
  await steps.once('waitForDuplicates', async () => void (await fitting));
  const searching = proof ? null : steps.once('objects', () => jobBeside(input, 'index-objects'));
  searching?.catch(() => undefined);
  await steps.once('visitors', () => page.withContext((context) => visitors(context, input, steps, recipe, pictures)));
  const { control, full } = await steps.once('train', () => trainBoth(input));
  const promotion = await steps.once('promote', () =>
    promoted(() => run(promoteModel, { model: 'full', why: 'learned from the first visitors of the demo world', who: 'demo' })),
  );
  const models = { control: String(control.model), trained: String(full.model) };
  const measured = await steps.once('measure', () =>
    page.withContext((context) => measure(context, recipe, peopleOf(recipe, pictures), models, input)),
  );
  await steps.once('waitForObjects', async () => void (await searching));
  return receiptOf(size, steps, { measured, trained: full, duplicates: await fitting, promotion });
}

const filesOf = (world: string): Record<string, string> => ({
  pins: join(world, 'pins.jsonl'),
  boards: join(world, 'boards.jsonl'),
  saves: join(world, 'saves.jsonl'),
  images: world,
});

type Receipt = Readonly<Record<string, unknown>>;

/** The control set and the full one, each in a thread: the page goes on answering. */
async function trainBoth(input: JobInput): Promise<{ readonly control: Receipt; readonly full: Receipt }> {
  input.progress.note('training the control set and the full set');
  const [control, full] = await Promise.all([
    jobBeside(input, 'train-ranker', { sets: ['control'], name: 'control', c: TRAINING_C }),
    jobBeside(input, 'train-ranker', { name: 'full', c: TRAINING_C }),
  ]);
  return { control, full };
}

/** The judge may say no, or that it cannot tell, as where the log is too small or pictures say nothing: then lists stay as they were. */
async function promoted(promote: () => Promise<unknown>): Promise<Promotion> {
  try {
    await promote();
    return { promoted: true, reason: null };
  } catch (error) {
    if (error instanceof ServiceError && ['RANKER_GUARDRAIL', 'RANKER_UNJUDGED'].includes(error.code))
      return { promoted: false, reason: error.message };
    throw error;
  }
}

/**
 * Two thousand small pictures are done before a measurement of what suits the machine would have paid off. Near-duplicates
 * are grouped by thresholds fitted on this world, right afterwards.
 */
const EXTRACTING = { workers: availableParallelism(), threads: 1, batch: 16, groups: false };

/** A job in a thread of its own, while this one has other work. */
function jobBeside(input: JobInput, name: string, options: Readonly<Record<string, unknown>> = {}): Promise<Receipt> {
  const { config, dataFolder } = input;
  return beside(input, { kind: 'job', name, config, dataFolder, options }) as Promise<Receipt>;
}

/** Near-duplicates in a thread of their own, while this one hands pictures to the detector. */
function duplicatesBeside(input: JobInput, recipe: Recipe): Promise<FittedDuplicates | null> {
  const { config, dataFolder } = input;
  const groups = duplicateGroups(recipe).map((pins) => pins.map((i) => recipe.pins[i].id));
  return beside(input, { kind: 'duplicates', config, dataFolder, groups }) as Promise<FittedDuplicates | null>;
}

/** Ends with the demo when that is stopped. */
async function beside({ signal }: JobInput, task: DemoTask): Promise<unknown> {
  const worker = new Worker(workerUrl(import.meta.url, './demo-worker.ts'), { workerData: task });
  try {
    const [result] = await once(worker, 'message', { signal });
    return result;
  } catch (error) {
    throw signal.aborted ? new ServiceError('JOB_STOPPED') : error;
  } finally {
    await worker.terminate();
  }
}

/**
 * Switched off in a demo's data folder: the pictures are drawn, and of what it finds in drawings six in a hundred are right
 * (`evaluate-detector --net data/nets/detectors/everyday --truth DIR/world/objects.jsonl`).
 */
const DETECTOR_OF_PHOTOS = 'everyday';

/** Steps beside others: what is waited for them counts. */
const BESIDE = new Set(['objects', 'duplicates']);

/** Fixed, so that the control and the full set differ in nothing but their columns. */
const TRAINING_C = 0.01;

interface Drawn {
  readonly recipe: Recipe;
  readonly pictures: readonly Picture[];
  readonly twin: string | null;
}

function draw({ dataFolder, progress, signal }: JobInput, steps: DemoSteps, { recipe, pictures, twin }: Drawn): Promise<{ drawn: number }> {
  const world = join(dataFolder, 'world');
  return steps.once('draw', async () => {
    writeTruth(recipe, pictures, world);
    if (twin !== null) linkPictures(recipe, twin, dataFolder);
    return { drawn: await drawWorld(recipe, world, progress, signal) };
  });
}

async function drawOnly(input: JobInput, size: WorldSize): Promise<Readonly<Record<string, unknown>>> {
  const steps = new DemoSteps(input.dataFolder, size);
  const recipe = makeRecipe(size);
  const { drawn } = await draw(input, steps, { recipe, pictures: picturesOf(recipe), twin: null });
  return { pins: size.pins, drawn, folder: join(input.dataFolder, 'world'), seconds: steps.seconds };
}

function peopleOf(recipe: Recipe, pictures: readonly Picture[]): People {
  return new People(
    recipe,
    Uint8Array.from(pictures, (picture) => (trueDominant(picture) ? 1 : 0)),
  );
}

async function visitors(
  context: Context,
  input: DemoInput,
  steps: DemoSteps,
  recipe: Recipe,
  pictures: readonly Picture[],
): Promise<{ lists: number }> {
  const lists = input.options.lists;
  const done = steps.mark('visitors');
  await serveFirstTraffic(
    context,
    { recipe, people: peopleOf(recipe, pictures), lists, done, onBatch: (count) => steps.setMark('visitors', count) },
    input,
  );
  return { lists };
}

interface Findings {
  readonly measured: Measurement;
  readonly trained: Readonly<Record<string, unknown>>;
  readonly duplicates: FittedDuplicates | null;
  readonly promotion: Promotion;
}

function receiptOf(
  size: WorldSize,
  steps: DemoSteps,
  { measured, trained, duplicates, promotion }: Findings,
): Readonly<Record<string, unknown>> {
  const total = Object.entries(steps.seconds).reduce((sum, [step, seconds]) => sum + (BESIDE.has(step) ? 0 : seconds), 0);
  return {
    pins: size.pins,
    boards: size.boards,
    users: size.users,
    world: size.kind,
    seed: size.seed,
    seconds: { total: Math.round(total * 1000) / 1000, ...steps.seconds },
    ndcg10: measured.ndcg10,
    ndcg10Intervals: measured.intervals,
    liftByCategory: measured.liftByCategory,
    heldOutQueries: measured.queries,
    nearDuplicates: duplicates,
    promotion,
    loggedEngagement: { ndcg10: trained.ndcg10, holdoutQueries: trained.holdoutQueries },
  };
}
