import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import type { JudgedList } from '../../src/catalog/log/judged-list.ts';
import { openLog } from '../../src/catalog/log/log-database.ts';
import { writeLogSegments } from '../../src/catalog/log/log-segments.ts';
import { GRADES } from '../../src/grades.ts';
import { job as trainRanker } from '../../src/jobs/models/train-ranker.ts';
import { readLog } from '../../src/jobs/models/training-log.ts';
import { DealtLog, type RunPieces } from '../../src/ranker/training/dealt-rows.ts';
import { dealtCurve, trainDealt } from '../../src/ranker/training/dealt-training.ts';
import { type LearningCurve, learningCurve } from '../../src/ranker/training/learning-curve.ts';
import { sliceLog } from '../../src/ranker/training/log-data.ts';
import { trainOnLog } from '../../src/ranker/training/log-training.ts';
import {
  answerForPiece,
  type QuestionKind,
  readTrainingPlan,
  type TrainingPlan,
  writeRows,
  writeTrainingPlan,
} from '../../src/ranker/training/training-shards.ts';
import type { ModelFeature } from '../../src/ranker/scoring/linear-model.ts';
import { FEATURE_SETS } from '../../src/ranker/scoring/ranking-feature.ts';
import { HAS_SPARK, SUBMIT } from '../jobs/spark-here.ts';
import { topicFolder } from '../jobs/topic-folder.ts';
import { runJob } from '../run-job.ts';
import { temporaryFolder } from '../world.ts';
import { madeUpLog, writeMadeUpLog } from './made-up-log.ts';

const CLI = join(import.meta.dirname, '../../dist/src/cli.js');

const settings = {
  sets: FEATURE_SETS,
  normalize: 'standard',
  c: 0.01,
  seed: 1,
  holdoutShare: 0.2,
  previous: null,
  categoriesOf: () => [],
} as const;

/** A data folder with a log, and its segments beside it. */
async function dealtFolder(
  lists: number | readonly JudgedList[],
  parts: number,
  surfaces: readonly ('closeup' | 'home-feed')[] = ['closeup'],
) {
  const folder = temporaryFolder();
  await writeMadeUpLog(folder, typeof lists === 'number' ? madeUpLog(lists, 3, 0.5, 0.1) : lists);
  const shared = join(folder, 'shared');
  const log = openLog(folder);
  const plan = writeTrainingPlan(shared, writeLogSegments(shared, [log], { surfaces, parts }), GRADES);
  log.close();
  return { folder, shared, plan };
}

/** Every piece in this process. */
const inTurn =
  (shared: string, plan: TrainingPlan): RunPieces =>
  (step, pieces, question) =>
    Promise.all(
      pieces.map((piece) =>
        step === 'rows' ? writeRows(shared, plan, piece) : answerForPiece(shared, plan, piece, step as QuestionKind, question ?? ''),
      ),
    );

const weightsOf = (features: readonly ModelFeature[]): readonly number[] => features.map(({ weight }) => weight);

const farthest = (a: readonly ModelFeature[], b: readonly ModelFeature[]): number =>
  Math.max(...weightsOf(a).map((weight, column) => Math.abs(weight - b[column].weight)));

it('a program for many pieces ends when one fails for no reason that has a code', { timeout: 60_000 }, async () => {
  const { shared } = await dealtFolder(40, 1);
  writeFileSync(join(shared, 'plan.json'), '{"keys": null}');
  const child = spawn(process.execPath, [CLI, 'shard', 'each', '--folder', shared, '--json'], { stdio: ['pipe', 'ignore', 'ignore'] });
  child.stdin.write('rows 0\n');
  const [code] = await once(child, 'exit');
  expect(code).not.toBe(0);
});

it('rows that are dealt give the model, the C and the figures of rows that lie here', { timeout: 120_000 }, async () => {
  const { folder, shared, plan } = await dealtFolder(320, 4);
  expect(plan.keys.length).toBeGreaterThan(2);
  const here = await trainOnLog(readLog(folder, {}), { ...settings, c: null });
  const log = await DealtLog.of(shared, plan, inTurn(shared, plan));
  const dealt = await trainDealt(log, { ...settings, c: null });
  expect(dealt.c).toBe(here.c);
  expect(dealt.choice?.fixed).toEqual(here.choice?.fixed);
  expect(dealt.model.pairs).toBe(here.model.pairs);
  expect(dealt.model.converged).toBe(true);
  expect(dealt.model.withoutEvidence).toEqual(here.model.withoutEvidence);
  expect(dealt.model.heldBySign).toEqual(here.model.heldBySign);
  expect(farthest(dealt.model.features, here.model.features)).toBeLessThan(1e-9);
  expect(Math.max(...weightsOf(here.model.features).map(Math.abs))).toBeGreaterThan(1e-3);
  expect({ ...dealt.taught, distributions: null }).toEqual({ ...here.taught, distributions: null });
  for (const [name, { mean, deviation, ...exact }] of Object.entries(here.taught.distributions)) {
    expect(dealt.taught.distributions[name]).toMatchObject(exact);
    expect(dealt.taught.distributions[name].mean).toBeCloseTo(mean, 12);
    expect(dealt.taught.distributions[name].deviation).toBeCloseTo(deviation, 12);
  }
  expect(dealt.ndcg10).toEqual(here.ndcg10);
  expect(dealt.perList).toEqual(here.perList);
  // The same pieces in the same order give the same bits.
  const again = await trainDealt(log, { ...settings, c: null });
  expect(again.model.w).toEqual(dealt.model.w);
});

it('toward a prior and under signs they agree as well', async () => {
  const { folder, shared, plan } = await dealtFolder(200, 3);
  const prior = {
    name: 'made up',
    slopes: new Map([
      ['log-saves', 0.5],
      ['fc6-similarity', 0.2],
      ['freshness', 0.3],
    ]),
  };
  const given = { ...settings, prior, signs: true, sets: ['control', 'visual'] } as const;
  const here = await trainOnLog(readLog(folder, {}), given);
  const dealt = await trainDealt(await DealtLog.of(shared, plan, inTurn(shared, plan)), given);
  expect(farthest(dealt.model.features, here.model.features)).toBeLessThan(1e-9);
  expect(dealt.model.heldBySign).toEqual(here.model.heldBySign);
});

const curveIn = (receipt: object): LearningCurve => (receipt as { readonly learningCurve: LearningCurve }).learningCurve;

/** Two curves of the same lists: what is counted is the same, what is measured but for rounding. */
function expectSameCurve(a: LearningCurve, b: LearningCurve): void {
  const countedOf = ({ points, word }: LearningCurve) => ({
    word,
    points: points.map(({ share, lists, rows, pairs, c }) => ({ share, lists, rows, pairs, c })),
  });
  expect(countedOf(a)).toEqual(countedOf(b));
  expect(a.baselines).toEqual(b.baselines);
  for (const what of ['ndcg10', 'gain'] as const)
    for (const [at, point] of a.points.entries())
      for (const figure of ['mean', 'low', 'high'] as const)
        expect(point[what]?.[figure] ?? 0).toBeCloseTo(b.points[at][what]?.[figure] ?? 0, 9);
}

it(
  'the learning curve of dealt rows is that of rows that lie here, also where people are the truth that lists share',
  { timeout: 120_000 },
  async () => {
    const feeds = [...madeUpLog(160, 3, 0.5, 0.1)].map((list, at) => ({
      ...list,
      ...(at % 3 === 0 ? { queryPinIndex: -1, surface: 'home-feed' as const } : {}),
    }));
    const { folder, shared, plan } = await dealtFolder(feeds, 4, ['closeup', 'home-feed']);
    const given = { ...settings, sets: ['control'], c: null } as const;
    const data = readLog(folder, {});
    const here = await trainOnLog(data, given);
    const log = await DealtLog.of(shared, plan, inTurn(shared, plan));
    const curve = await dealtCurve(log, await trainDealt(log, given), given);
    const early = sliceLog(data, 0, data.lists.length - here.holdout.lists.length);
    expect(early.lists.some(({ queryPinIndex }) => queryPinIndex < 0)).toBe(true);
    expectSameCurve(curve, await learningCurve(early, here.holdout, here, given));
  },
);

it('a plain loop over the shard command trains, and people are numbers in what it reads', { timeout: 120_000 }, async () => {
  const { folder, shared, plan } = await dealtFolder(120, 2);
  const here = await trainOnLog(readLog(folder, {}), settings);
  const child = spawn(process.execPath, [CLI, 'shard', 'each', '--folder', shared, '--json'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const run: RunPieces = async (step, pieces, question) => {
    const answers: object[] = [];
    for (const piece of pieces) {
      child.stdin.write(`${[step, piece, question].filter((word) => word !== undefined).join(' ')}\n`);
      const line = await lines.next();
      answers.push(JSON.parse(String(line.value)) as object);
    }
    return answers;
  };
  const log = await DealtLog.of(shared, plan, run);
  expect(log.receipts).toMatchObject(plan.keys.map((_, part) => ({ step: 'rows', part, written: true })));
  const dealt = await trainDealt(log, settings);
  child.stdin.end();
  await once(child, 'exit');
  expect(farthest(dealt.model.features, here.model.features)).toBeLessThan(1e-9);
  // Rows that are there are left as they are; a question that is missing, or a piece, is refused.
  const shard = (...args: string[]) =>
    JSON.parse(execFileSync(process.execPath, [CLI, 'shard', ...args, '--folder', shared, '--json'], { encoding: 'utf8' })) as object;
  expect(shard('rows', '--part', '0')).toMatchObject({ written: false, lists: log.starts[1] });
  expect(() => shard('gradient', '--part', '0')).toThrow('gradient needs a question');
  expect(() => shard('rows', '--part', '99')).toThrow('segments of the log');
  expect(readTrainingPlan(shared)).toEqual(plan);
  expect(readFileSync(join(shared, 'lists', '00000.parquet')).includes('u7')).toBe(false);
});

it('what needs the rows in memory is refused on Spark', async () => {
  const folder = topicFolder();
  for (const options of [{ ladder: true }, { propensity: 'randomized' }, { report: 'r.html' }] as const)
    await expect(runJob(trainRanker, folder, { ...options, on: 'spark' })).rejects.toMatchObject({ code: 'JOB_USAGE' });
  await expect(runJob(trainRanker, folder, { letor: 'rows.txt', out: 'model.json', on: 'spark' })).rejects.toMatchObject({
    code: 'JOB_USAGE',
  });
  await expect(runJob(trainRanker, folder, { on: 'spark' })).rejects.toMatchObject({ code: 'RANKER_NO_PAIRS' });
});

it.skipIf(!HAS_SPARK)(
  `Spark trains the model of one machine, also when a program of its workers is killed in the middle${HAS_SPARK ? '' : ' (skipped: no spark-submit here)'}`,
  { timeout: 400_000 },
  async () => {
    const folder = topicFolder();
    await writeMadeUpLog(folder, madeUpLog(200, 3, 0.5, 0.1));
    const modelOf = (name: string) =>
      JSON.parse(readFileSync(join(folder, 'models', `${name}.json`), 'utf8')) as { readonly features: readonly ModelFeature[] };
    const here = await runJob(trainRanker, folder, { c: 0.01, name: 'here', learningCurve: true });
    const dealt = { c: 0.01, on: 'spark', master: 'local[2]', parts: 3 } as const;
    const receipt = await runJob(trainRanker, folder, { ...dealt, name: 'dealt', learningCurve: true }, { sparkSubmit: SUBMIT });
    expect(receipt).toMatchObject({ model: 'dealt', converged: true });
    expectSameCurve(curveIn(receipt), curveIn(here));
    expect(farthest(modelOf('dealt').features, modelOf('here').features)).toBeLessThan(1e-9);
    expect(existsSync(join(folder, 'spark', 'training'))).toBe(false);
    // A program that is killed with its third gradient, once.
    const [program, died] = [join(folder, 'program.mjs'), join(folder, 'died')];
    writeFileSync(
      program,
      `import { existsSync, writeFileSync } from 'node:fs';
       const [died, say] = [${JSON.stringify(died)}, console.log];
       let gradients = 0;
       console.log = (line) => {
         if (String(line).includes('"step":"gradient"') && ++gradients === 3 && !existsSync(died)) {
           writeFileSync(died, '');
           process.kill(process.pid, 'SIGKILL');
         }
         say(line);
       };
       await import(${JSON.stringify(CLI)});`,
    );
    const sparkProgram = [process.execPath, program];
    await runJob(trainRanker, folder, { ...dealt, name: 'killed' }, { sparkSubmit: SUBMIT, sparkProgram });
    expect(existsSync(died)).toBe(true);
    expect(weightsOf(modelOf('killed').features)).toEqual(weightsOf(modelOf('dealt').features));
  },
);
