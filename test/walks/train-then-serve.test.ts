import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildApp } from '../../src/api/shell/app.ts';
import type { ListReplyBody } from '../../src/api/routes/list-reply.ts';
import type { App } from '../../src/api/routes/routes.ts';
import { openLog } from '../../src/catalog/log/log-database.ts';
import { replayFolder } from '../../src/catalog/log/replayed-list.ts';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import type { Job } from '../../src/jobs/job.ts';
import { job as climb } from '../../lab/studies/climb-ladder.ts';
import { job as evaluate } from '../../src/jobs/models/evaluate-ranker.ts';
import { job as exportRows } from '../../src/jobs/log/export-rows.ts';
import { job as promote } from '../../src/jobs/models/promote-model.ts';
import { job as replay } from '../../src/jobs/log/replay-saves.ts';
import { job as rollBack } from '../../src/jobs/models/roll-back-model.ts';
import { ModelRegistry } from '../../src/ranker/registry/model-registry.ts';
import type { LearningCurve } from '../../src/ranker/training/learning-curve.ts';
import { job as train } from '../../src/jobs/models/train-ranker.ts';
import { seededRandom } from '../../src/math/random.ts';
import { runJob } from '../run-job.ts';
import { temporaryFolder, testConfig } from '../world.ts';

let folder: string;
let context: Context;
let app: App;

const run = (job: Job, options: Record<string, unknown> = {}): Promise<Readonly<Record<string, unknown>>> => runJob(job, folder, options);

/** Three hundred pins of six tastes; boards are pure, so a ranker that learns puts the taste of the query first. */
function writeTastes(): void {
  const random = seededRandom(5);
  const catalog = openCatalog(folder);
  const options = { now: Date.UTC(2026, 5, 1), folders: { images: folder, data: folder } };
  const tastes = ['art', 'tattoos', 'quotes', 'gardening', 'travel', 'design'];
  const pins = Array.from({ length: 300 }, (_, i) => ({
    id: `pin-${i}`,
    title: `thing ${i}`,
    annotations: { [tastes[i % 6]]: 1, [`word ${random.integer(30)}`]: 0.7 },
  }));
  const boards = Array.from({ length: 120 }, (_, b) => ({ id: `board-${b}`, ownerId: `user-${b % 40}`, category: tastes[b % 6] }));
  const saves = boards.flatMap(({ id }, b) =>
    Array.from({ length: 8 }, () => ({
      boardId: id,
      pinId: `pin-${random.integer(50) * 6 + (b % 6)}`,
      at: Date.UTC(2026, 4, 1 + random.integer(28)),
    })),
  );
  for (const [kind, rows] of [
    ['pins', pins],
    ['boards', boards],
    ['saves', saves],
  ] as const)
    upsertBatch(catalog, kind, rows, options);
  catalog.close();
}

beforeAll(async () => {
  folder = temporaryFolder();
  writeTastes();
});
afterAll(async () => {
  await app?.close();
  await context?.close();
});

test('without a log there is nothing to learn from, and the refusal names the way out', async () => {
  await expect(run(train)).rejects.toMatchObject({ code: 'RANKER_NO_PAIRS', message: expect.stringContaining('replay-saves') });
});

test('where replay-saves found nothing, the refusal does not send anybody back to it alone', async () => {
  const empty = temporaryFolder();
  mkdirSync(replayFolder(empty), { recursive: true });
  openLog(replayFolder(empty)).close();
  await expect(runJob(train, empty)).rejects.toMatchObject({
    code: 'RANKER_NO_PAIRS',
    message: expect.stringContaining('extract-features'),
  });
});

test('a surface with a few lists trains no model, and says how many it needs', async () => {
  const { lists } = await run(replay, { lists: 20, feeds: 8 });
  expect(lists).toBeGreaterThan(0);
  const refused = {
    code: 'RANKER_NO_PAIRS',
    message: expect.stringMatching(/\d+ lists? of the surface home-feed with an action, 50 are needed/),
  };
  await expect(run(train, { surface: 'home-feed' })).rejects.toMatchObject(refused);
  await expect(run(train, { surface: 'home-feed', c: 0.01, grades: 'like=3' })).rejects.toMatchObject({ code: 'JOB_USAGE' });
  const few = { surface: 'home-feed', c: 0.01, name: 'few', grades: 'save=6,hide=-3' };
  expect(await run(train, few)).toMatchObject({ model: 'few', c: 0.01 });
  const recorded = new ModelRegistry(join(folder, 'models')).read('few').lineage.settings.grades;
  expect(recorded).toEqual({ save: 6, longClick: 3, click: 2, closeup: 1, seen: 0, hide: -3 });
});

test('boards left out become a log of their own: lists served by the spine, saves as engagement, repeatable', async () => {
  const { seconds, ...receipt } = await run(replay, { perBoard: 4 });
  expect(receipt).toMatchObject({
    closeups: 480,
    homeFeeds: 120,
    notes: [expect.stringContaining('how much sharing a board should count')],
  });
  expect(receipt.lists).toBeGreaterThan(300);
  const { seconds: _, ...again } = await run(replay, { perBoard: 4 });
  expect(seconds).toBeGreaterThan(0);
  expect(again).toEqual(receipt);
  const log = openLog(folder);
  expect([...log.judged()]).toEqual([]);
  expect(log.events.actionsOf('user-1', 10)).toEqual([]);
  log.close();
});

test('a model learned from the log serves once promoted, explained to the bit, and is taken back', async () => {
  const trained = await run(train, { name: 'taste-1', learningCurve: true });
  expect(trained.name ?? trained.model).toBe('taste-1');
  const curve = trained.learningCurve as LearningCurve;
  expect(curve.points[3]).toMatchObject({ share: 1, lists: trained.queries, pairs: trained.pairs });
  expect(curve.points[3].ndcg10).toEqual((trained.ndcg10 as Record<string, unknown>).trained);
  expect(train.describe?.(trained as never)).toContain(`  ${curve.says}`);
  context = await openContext(testConfig(folder), folder, { lock: true, follow: true });
  app = await buildApp(context);
  expect((await related('pin-1')).modelVersion).toBe('starter');
  await run(promote, { force: true, why: 'a test' });
  await expect.poll(async () => (await related('pin-1')).modelVersion, { timeout: 3000 }).toBe('taste-1');
  await run(rollBack, { why: 'a test' });
  await expect.poll(async () => (await related('pin-1')).modelVersion, { timeout: 3000 }).toBe('starter');
});

test('a model that is measured on lists it learned from says so, and is measured on the others as well', async () => {
  interface Measured {
    readonly learnedFrom?: number;
    readonly note?: string;
    readonly ndcg10: { readonly model: { readonly queries: number } };
    readonly ndcg10Unseen?: Measured['ndcg10'];
  }
  const { learnedFrom = 0, note, ndcg10, ndcg10Unseen } = (await run(evaluate, { model: 'taste-1' })) as unknown as Measured;
  expect(learnedFrom).toBeGreaterThan(0);
  expect(note).toContain(`${learnedFrom} of`);
  expect(ndcg10Unseen!.model.queries).toBeGreaterThan(0);
  expect(ndcg10Unseen!.model.queries).toBeLessThan(ndcg10.model.queries);
  expect(await run(evaluate, { model: 'starter' })).not.toHaveProperty('learnedFrom');
});

test('the rows of the log go out as a LETOR file, and a model can be learned from it', async () => {
  const out = join(folder, 'rows.txt');
  const { rows, queries, columns } = await run(exportRows, { out, sets: ['control'] });
  const again = await run(train, { letor: out, out: join(folder, 'letor-model.json'), normalize: 'standard' });
  expect(again).toMatchObject({ rows, queries });
  expect(again.columns).toBeLessThanOrEqual(columns as number);
  expect(again.pairs).toBeGreaterThan(100);
});

test('the ladder is climbed on the log, without a truth where there is no demo world', async () => {
  const { steps, truth, holdoutLists } = (await run(climb)) as {
    steps: { step: string; columns: number }[];
    truth: unknown;
    holdoutLists: number;
  };
  expect(steps.map(({ step }) => step)).toEqual(['control', '+ fc6/fc8', '+ category crosses', '+ object features']);
  expect(truth).toBeNull();
  expect(holdoutLists).toBeGreaterThan(10);
});

test('the terms of 200 closeups add up to every score', async () => {
  let items = 0;
  for (let i = 0; i < 200; i++) {
    for (const { score, terms = [] } of (await related(`pin-${i}`, '&explain=true&treatment=taste-1')).items) {
      expect(terms.reduce((sum, term) => sum + term.contribution, 0)).toBe(score);
      items++;
    }
  }
  expect(items).toBeGreaterThan(3000);
});

async function related(pinId: string, more = ''): Promise<ListReplyBody> {
  // Injected requests come without a socket: the event loop gets its turn here, as between requests of real clients.
  await new Promise((done) => setImmediate(done));
  const reply = await app.inject(`/v1/pins/${pinId}/related?limit=25${more}`);
  expect(reply.statusCode, reply.body).toBe(200);
  return reply.json<ListReplyBody>();
}
