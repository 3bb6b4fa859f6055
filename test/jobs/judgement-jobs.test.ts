import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../../src/catalog/database.ts';
import { join } from 'node:path';
import { JudgementStore } from '../../src/experiments/judgement-store.ts';
import { job as evaluateRanker } from '../../src/jobs/models/evaluate-ranker.ts';
import { job as replayTreatment } from '../../src/jobs/experiments/replay-treatment.ts';
import { job as startStudy } from '../../src/jobs/experiments/start-study.ts';
import { seededRandom } from '../../src/math/random.ts';
import { ModelRegistry } from '../../src/ranker/registry/model-registry.ts';
import { type Server, startServer } from '../../src/server.ts';
import { modelOf } from '../ranker/models.ts';
import { runJob } from '../run-job.ts';
import { tasteOf, testConfig, worldFolder } from '../world.ts';

let folder: string;
let server: Server | null = null;

beforeAll(async () => {
  folder = await worldFolder();
  const registry = new ModelRegistry(join(folder, 'models'));
  for (const [name, weight] of [
    ['forwards', 1],
    ['backwards', -1],
  ] as const)
    registry.add(modelOf(name, [{ name: 'annotation-cosine', weight, normalization: { kind: 'none' } }]));
});
afterAll(async () => {
  await server?.close();
});

/** Pins with an even number are large, by their words. */
const isLarge = (pinId: string): boolean => Number(pinId.split('-')[1]) % 2 === 0;

const run = (job: Parameters<typeof runJob>[0], options: Record<string, unknown>) => runJob(job, folder, options);

test('grades that two people gave become labels of evaluate-ranker, with their agreement', async () => {
  const made = await run(startStudy, {
    study: 'labels',
    kind: 'grade',
    a: 'forwards',
    b: 'backwards',
    queries: 6,
    length: 8,
    repeats: 0.3,
  });
  expect(made).toMatchObject({ kind: 'grade', queries: 6 });
  const database = openDatabase(join(folder, 'experiments.sqlite'));
  const store = new JudgementStore(database);
  for (const judge of ['ann', 'bob']) {
    for (let task = store.next('labels', judge); task; task = store.next('labels', judge)) {
      const fits = isLarge(task.queryPinId) === isLarge(task.left[0]);
      store.answer(task.taskId, judge, fits ? (judge === 'ann' ? 4 : 3) : 0, 1000);
    }
  }
  database.close();
  type Measured = { judges: number; agreement: number; selfAgreement: number; ndcg10: Record<string, { mean: number }> };
  const good = (await run(evaluateRanker, { judgements: 'labels', model: 'forwards' })) as unknown as Measured;
  const bad = (await run(evaluateRanker, { judgements: 'labels', model: 'backwards' })) as unknown as Measured;
  expect(good).toMatchObject({ judges: 2, selfAgreement: 1 });
  expect(good.agreement).toBeGreaterThan(0.7);
  expect(good.ndcg10.model.mean).toBe(1);
  expect(bad.ndcg10.model.mean).toBeLessThan(0.8);
  expect(bad.ndcg10.asRetrieved).toEqual(good.ndcg10.asRetrieved);
  await expect(run(evaluateRanker, { judgements: 'nothing' })).rejects.toMatchObject({ code: 'NOTHING_TO_DO' });
});

test('a study of lists that do not differ is refused; so is a second one of the same name', async () => {
  const same = { study: 'same', a: 'starter', b: 'control', queries: 3 };
  await expect(run(startStudy, same)).rejects.toMatchObject({ code: 'NOTHING_TO_DO' });
  await expect(run(startStudy, { ...same, study: 'labels', b: 'backwards' })).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
});

test('a treatment that never served is valued from lists that were served shuffled', async () => {
  server = await startServer({ ...testConfig(folder, { shuffledShare: 1 }), host: '127.0.0.1' }, folder);
  const random = seededRandom(2);
  for (let visit = 0; visit < 150; visit++) {
    const list = (await (await fetch(`${server.address}/v1/pins/plant-1/related?limit=11&userId=u${visit}`)).json()) as {
      recommendationId: string;
      items: { pinId: string }[];
    };
    const events = list.items
      .filter(({ pinId }) => random.next() < (tasteOf(pinId) === 'plant' ? 0.6 : 0.05))
      .map(({ pinId }) => ({ eventId: `${visit}/${pinId}`, type: 'save', recommendationId: list.recommendationId, pinId }));
    await fetch(`${server.address}/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ events }),
    });
  }
  await server.close();
  server = null;
  type Valued = {
    lists: number;
    support: number;
    alarm: string | null;
    snips: { value: number };
    doublyRobust: { value: number; low: number; high: number };
  };
  const good = (await run(replayTreatment, { treatment: 'as-retrieved', places: 5 })) as unknown as Valued;
  const bad = (await run(replayTreatment, { treatment: 'backwards', places: 5 })) as unknown as Valued;
  expect(good).toMatchObject({ lists: 150, support: 1, alarm: null });
  // Ids of lists, and so their order, are drawn anew in each run: twice the 95 % interval is missed once in 10,000.
  const { value, low, high } = good.doublyRobust;
  expect(Math.abs(value - 0.6)).toBeLessThan(high - low);
  expect(bad.doublyRobust.value).toBeLessThan(good.doublyRobust.value / 2);
});

test('a replayed treatment knows nothing of what people did with the list, by no feature, no source, no history', async () => {
  const registry = new ModelRegistry(join(folder, 'models'));
  const feature = (name: string, weight: number) => ({ name, weight, normalization: { kind: 'none' } as const });
  registry.add(modelOf('nothing', [feature('log-saves', 0)]));
  registry.add(modelOf('by-clicks', [feature('clicks-over-expected', 1), feature('from-remembered-winners', 1)]));
  registry.add(modelOf('by-history', [feature('user-category-affinity', 1), feature('user-cooccurrence', 1)]));
  const nothing = await run(replayTreatment, { treatment: 'nothing', places: 5 });
  expect(await run(replayTreatment, { treatment: 'by-clicks', places: 5 })).toEqual(nothing);
  expect(await run(replayTreatment, { treatment: 'by-history', places: 5 })).toEqual(nothing);
});
