/**
 * What imported vectors gain on a demo world. The activations before the codes (fc6 of the active net) stand in for the vectors of
 * another model: they are imported, the people of the world visit again with them, and models with and without
 * the columns learn from the same lists. In a copy: the world's own folder stays as it is.
 */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceError } from '../../src/errors.ts';
import { job as importVectors } from '../../src/jobs/candidates/import-vectors.ts';
import { callJob, defineJob, flags, type JobInput, type OptionsOf } from '../../src/jobs/job.ts';
import { readLog } from '../../src/jobs/models/training-log.ts';
import { compareSteps, type Step, trainLadder } from '../../src/ranker/measures/ablation-ladder.ts';
import { clustersOf, ndcgByContender } from '../../src/ranker/measures/holdout-report.ts';
import { listScorer } from '../../src/ranker/training/linear-trainer.ts';
import { sliceLog, splitLog } from '../../src/ranker/training/log-data.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { readNet } from '../../src/vision/net-manifest.ts';
import { stepLines } from './climb-ladder.ts';
import { serveFirstTraffic } from './demo/demo-traffic.ts';
import { requireTrueWorld, trueNdcg, trueQueries } from './world-truth.ts';

/** Beside the control set: vectors, all that the program knows of pictures, and both. */
const STEPS: readonly Step[] = [
  { step: 'control', sets: ['control'] },
  { step: '+ vectors', sets: ['control', 'vectors'] },
  { step: 'pictures instead', sets: ['control', 'visual', 'cross', 'object'] },
  { step: '+ vectors', sets: ['control', 'visual', 'cross', 'object', 'vectors'] },
];

const FLAGS = flags([
  { flag: '--lists <n>', meaning: 'lists that the people look at', kind: 'integer', default: 3000 },
  { flag: '--c <number>', meaning: 'weight of the pair loss', kind: 'number', above: 0, default: 0.01 },
  { flag: '--seed <number>', meaning: 'seed of the intervals', kind: 'integer', default: 1 },
]);

type Input = JobInput<OptionsOf<typeof FLAGS>>;

export const job = defineJob({
  name: 'vectors-study',
  summary: 'What imported vectors gain on a demo world: the activations of the active net as vectors, with and without the columns.',
  examples: ['npm run lab -- vectors-study --data var/demo', 'npm run lab -- vectors-study --data var/demo --json'],
  options: FLAGS,
  run: study,
  describe: ({ imported, steps, truth, holdoutLists, queries }) => [
    `${imported.vectors} vectors of ${imported.dimensions} numbers; graph: ${JSON.stringify(imported.graph)}`,
    `On ${holdoutLists} later lists of the log:`,
    ...stepLines(steps),
    '',
    `Against the grades that were planted, ${queries} queries:`,
    ...stepLines(truth),
  ],
});

async function study(input: Input) {
  const copy = mkdtempSync(join(tmpdir(), 'related-pins-vectors-'));
  try {
    const world = requireTrueWorld(input.dataFolder);
    cpSync(input.dataFolder, copy, { recursive: true });
    // The lists that people saw knew no vectors.
    for (const name of ['log.sqlite', 'log.sqlite-wal', 'log.sqlite-shm', 'experiments.sqlite', 'replay'])
      rmSync(join(copy, name), { recursive: true, force: true });
    const own = { ...input, dataFolder: copy, config: { ...input.config, data: copy } };
    const imported = await importActivations(own);
    await inContext(own, (context) =>
      serveFirstTraffic(context, { ...world, lists: input.options.lists, done: 0, onBatch: () => undefined }, input),
    );
    return { imported, lists: input.options.lists, c: input.options.c, ...(await compared(own, world)) };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

async function inContext<T>({ config, dataFolder }: Input, work: (context: Context) => Promise<T>): Promise<T> {
  const context = await openContext(config, dataFolder, { lock: true });
  try {
    return await work(context);
  } finally {
    await context.close();
  }
}

/** Pictures that go to the net together. */
const AT_ONCE = 64;

/** The activations of every pin's picture as vectors of the name `activations`. */
async function importActivations(input: Input) {
  const { dataFolder, progress } = input;
  const file = join(dataFolder, 'activations.jsonl');
  const lines = await inContext(input, async ({ catalog, pins, inference, looks, webImages }) => {
    const found: string[] = [];
    progress.start('activations', pins.count);
    for (let from = 0; from < pins.count; from += AT_ONCE) {
      const some = Array.from({ length: Math.min(AT_ONCE, pins.count - from) }, (_, i) => from + i);
      const named = some.flatMap((pin) => {
        const image = catalog.pins.get(pin)?.image;
        return image ? [{ pin, image }] : [];
      });
      const pictures = await Promise.all(named.map(async ({ pin, image }) => ({ pin, bytes: await webImages.ofPin(image) })));
      const outcomes = await inference.embed(readNet(looks.netFolder), pictures);
      outcomes.forEach((one, i) => {
        if (one.ok) found.push(JSON.stringify({ id: pins.idOf(pictures[i].pin), vector: Array.from(one.fc6) }));
      });
      progress.update(from);
      if (input.signal.aborted) throw new ServiceError('JOB_STOPPED');
    }
    progress.stop();
    return found;
  });
  writeFileSync(file, lines.join('\n'));
  return callJob(importVectors, input, { file, name: 'activations' });
}

async function compared(input: Input, world: ReturnType<typeof requireTrueWorld>) {
  const { c, seed } = input.options;
  const data = readLog(input.dataFolder, {});
  const split = splitLog(data, 0.2);
  const early = sliceLog(data, split.train.from, split.train.to);
  const holdout = sliceLog(data, split.holdout.from, split.holdout.to);
  const models = trainLadder(early, { c, normalize: 'standard' }, STEPS);
  const logged = models.map((features) => ndcgByContender(holdout, { step: listScorer(holdout, features) }).step);
  const nothing = (): readonly string[] => [];
  const steps = compareSteps(logged, { segmentsOf: nothing, seed, clusters: clustersOf(holdout) }, STEPS);
  return inContext(input, async (context) => {
    const queries = await trueQueries(context, world, input.progress);
    const values = models.map((features) => trueNdcg(queries, features));
    return {
      holdoutLists: holdout.lists.length,
      steps,
      truth: compareSteps(values, { segmentsOf: nothing, seed }, STEPS),
      queries: queries.categories.length,
    };
  });
}
