/** An experiment from its definition to its verdict, over a real socket, with people whose wishes are known. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ExperimentReport } from '../../src/experiments/report/experiment-report.ts';
import { seededRandom } from '../../src/math/random.ts';
import { ModelRegistry } from '../../src/ranker/registry/model-registry.ts';
import { type Server, startServer } from '../../src/server.ts';
import { modelOf } from '../ranker/models.ts';
import { tasteOf, testConfig, worldFolder } from '../world.ts';

/** The arm's model turns the order of retrieval around: the wrong taste comes first. */
const BACKWARDS = 'backwards';
const PEOPLE = 400;
const LIMIT = 5;

let folder: string;
let server: Server;

interface List {
  readonly recommendationId: string;
  readonly arm: string | null;
  readonly modelVersion: string;
  readonly items: readonly { readonly pinId: string; readonly position: number; readonly sources: readonly { readonly name: string }[] }[];
  readonly nextCursor: string | null;
  readonly degraded: readonly { readonly code: string }[];
}

beforeAll(async () => {
  folder = await worldFolder();
  const features = [{ name: 'annotation-cosine', weight: -1, normalization: { kind: 'none' } as const }];
  new ModelRegistry(join(folder, 'models')).add(modelOf(BACKWARDS, features));
  server = await startServer({ ...testConfig(folder), host: '127.0.0.1' }, folder);
});
afterAll(async () => {
  await server?.close();
});

async function ask<T>(path: string, body?: unknown): Promise<T> {
  const init = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const reply = await fetch(`${server.address}/v1${path}`, init);
  const text = await reply.text();
  if (!reply.ok) throw new Error(`${path}: ${reply.status} ${text}`);
  return JSON.parse(text) as T;
}

const related = (query: string): Promise<List> => ask<List>(`/pins/plant-1/related?limit=${LIMIT}&${query}`);
const reportOf = (key: string, query = ''): Promise<ExperimentReport> => ask(`/experiments/${key}/report${query}`);

async function running(definition: Record<string, unknown>): Promise<void> {
  await ask('/experiments', definition);
  await ask(`/experiments/${definition.key}/start`, {});
  // Serving looks for changes once a second.
  server.context.experiments.active.current(Date.now() + 10_000);
}

const ARMS = [
  { key: 'control', weight: 0.5 },
  { key: BACKWARDS, weight: 0.5, treatment: { model: BACKWARDS } },
];

/** Chance that somebody who looks at a plant saves an item. */
const wish = (pinId: string): number => (tasteOf(pinId) === 'plant' ? 0.3 : 0.05);

test('people act on lists served over HTTP, and the report finds what was planted', async () => {
  await running({ key: 'walk', arms: ARMS, metrics: ['save-rate', 'save-propensity'], counterfactualShare: 1, alpha: 0.001 });
  const random = seededRandom(11);
  const earned = new Map<string, { wished: number; seen: number }>();
  for (let person = 0; person < PEOPLE; person++) {
    const userId = `person-${person}`;
    const { recommendationId, items, arm } = await related(`userId=${userId}`);
    const entry = earned.get(arm ?? '') ?? { wished: 0, seen: 0 };
    earned.set(arm ?? '', entry);
    for (const { pinId } of items) {
      entry.wished += wish(pinId);
      entry.seen++;
    }
    const saved = items.filter(({ pinId }) => random.next() < wish(pinId));
    const events = saved.map(({ pinId, position }) => ({
      eventId: `${userId}/${pinId}`,
      type: 'save',
      recommendationId,
      pinId,
      position,
      userId,
    }));
    if (events.length > 0) await ask('/events', { events });
  }
  const rate = (arm: string): number => {
    const { wished, seen } = earned.get(`walk/${arm}`) ?? { wished: 0, seen: 1 };
    return wished / seen;
  };
  const planted = rate(BACKWARDS) / rate('control') - 1;
  expect(planted).toBeLessThan(-0.3);
  const report = await reportOf('walk', '?interval=fixed-horizon');
  expect(report).toMatchObject({ verdict: 'do not ship', sampleRatio: { alarm: false }, health: { faults: [] } });
  const row = report.rows.find(({ metric, segment }) => metric === 'save-rate' && segment === 'all');
  expect(row?.low).toBeLessThanOrEqual(planted);
  expect(row?.high).toBeGreaterThanOrEqual(planted);
  expect(report.arms.reduce((sum, { lists }) => sum + lists, 0)).toBe(PEOPLE);
  expect(report.rows.some(({ segment }) => segment === 'lists: differ')).toBe(true);
});

test('every unit has one exposure row with its list, model, sources, positions and propensities', async () => {
  const { exposures, nextAfter } = await ask<{ exposures: Record<string, unknown>[]; nextAfter: string }>(
    '/experiments/walk/exposures?limit=3',
  );
  expect(exposures).toHaveLength(3);
  expect(nextAfter).toBe(exposures[2].unit);
  expect(exposures[0]).toMatchObject({
    arm: expect.stringMatching(/control|backwards/),
    model: expect.stringMatching(/starter|backwards/),
    recommendationId: expect.any(String),
    items: expect.arrayContaining([expect.objectContaining({ position: 1, propensity: 1, sources: expect.any(Array) })]),
  });
});

test('an event whose list is unknown is kept apart and shown', async () => {
  const before = (await reportOf('walk')).health.eventsKeptApart;
  await ask('/events', { events: [{ eventId: 'stray', type: 'save', recommendationId: 'nobody-knows', pinId: 'plant-2' }] });
  expect((await reportOf('walk')).health.eventsKeptApart).toBe(before + 1);
});

test('by session: a request without a session id is not enrolled, and counted', async () => {
  await ask('/experiments/walk/stop', {});
  await running({ key: 'sessions', unit: 'session', arms: ARMS });
  expect((await related('userId=ann')).arm).toBeNull();
  const first = await related('userId=ann&sessionId=s-1');
  const second = await related('userId=bob&sessionId=s-1');
  expect(first.arm).toMatch(/^sessions\//);
  expect(second.arm).toBe(first.arm);
  await ask('/events', {
    events: [{ eventId: 'in-session', type: 'save', recommendationId: first.recommendationId, pinId: first.items[0].pinId, userId: 'ann' }],
  });
  const report = await reportOf('sessions');
  expect(report.health.withoutUnitLists).toBe(1);
  expect(report.arms.map(({ users }) => users).sort()).toEqual([0, 1]);
  expect(report.arms.reduce((sum, { lists }) => sum + lists, 0)).toBe(2);
});

test('interleaved: both arms share each page, each item says whose it is, and a few people tell what was planted', async () => {
  await ask('/experiments/sessions/stop', {});
  await running({ key: 'shared', design: 'interleaved', arms: ARMS });
  const random = seededRandom(5);
  for (let person = 0; person < 120; person++) {
    const userId = `sharer-${person}`;
    const list = await related(`userId=${userId}`);
    expect(list.arm).toBe('shared/=');
    const events = list.items
      .filter(({ pinId }) => random.next() < wish(pinId))
      .map(({ pinId, position }) => ({
        eventId: `${userId}/${pinId}`,
        type: 'save',
        recommendationId: list.recommendationId,
        pinId,
        position,
        userId,
      }));
    if (events.length > 0) await ask('/events', { events });
  }
  const first = await related('userId=sharer-0&explain=true');
  const teams = first.items.flatMap(({ sources }) => sources.map(({ name }) => name).filter((name) => name.startsWith('team: ')));
  expect(new Set(teams)).toEqual(new Set(['team: control', `team: ${BACKWARDS}`]));
  const second = await related(`userId=sharer-0&cursor=${first.nextCursor}`);
  expect(second.items.filter(({ pinId }) => first.items.some((item) => item.pinId === pinId))).toEqual([]);
  expect(second.items[0].position).toBe(LIMIT + 1);
  const report = await reportOf('shared', '?interval=fixed-horizon');
  expect(report).toMatchObject({ verdict: 'do not ship', rows: [{ metric: 'preference', arm: BACKWARDS, segment: 'all', users: 120 }] });
  expect(report.rows[0].high).toBeLessThan(0);
  const { of, users, alarm } = report.sampleRatio;
  expect({ of, alarm }).toEqual({ of: 'first picks', alarm: false });
  expect(users.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(100);
  expect(Math.min(...users)).toBeGreaterThan(20);
  expect((await reportOf('shared')).verdict).toBe('keep running');
  await ask('/experiments/shared/stop', {});
});

test('a model removed while an arm uses it: the control serves, the list says so, the report is broken', async () => {
  await running({ key: 'gone', arms: ARMS, forced: { tester: BACKWARDS } });
  expect(await related('userId=tester')).toMatchObject({ modelVersion: BACKWARDS, degraded: [] });
  rmSync(join(folder, 'models', `${BACKWARDS}.json`));
  server.context.experiments.active.current(Date.now() + 20_000);
  let person = 0;
  let list: List;
  do list = await related(`userId=somebody-${person++}`);
  while (list.arm !== `gone/${BACKWARDS}`);
  expect(list).toMatchObject({ modelVersion: 'starter', degraded: [{ code: 'RANKER_MODEL_UNKNOWN' }] });
  const report = await reportOf('gone');
  expect(report).toMatchObject({ verdict: 'broken', health: { modelMissingLists: 1 } });
});

test('before the start: what an experiment could find, by the lists that are in the log', async () => {
  await ask('/experiments', {
    key: 'next',
    layer: 'other',
    arms: [ARMS[0], { key: 'b', weight: 0.5 }],
    traffic: 0.5,
    minimumLift: 0.1,
    metrics: ['save-rate', 'saves-per-user'],
  });
  const forecast = await ask<{ unitsSeen: number; unitsEnrolled: number; metrics: Record<string, number>[] }>(
    '/experiments/next/forecast?days=7',
  );
  expect(forecast.unitsSeen).toBeGreaterThanOrEqual(PEOPLE);
  expect(forecast.unitsEnrolled / forecast.unitsSeen).toBeGreaterThan(0.4);
  expect(forecast.unitsEnrolled / forecast.unitsSeen).toBeLessThan(0.6);
  const [rate] = forecast.metrics;
  expect(rate.detectableLift).toBeGreaterThan(0);
  expect(rate.detectableLiftWatching).toBeGreaterThan(rate.detectableLift);
  expect(rate.unitsNeeded).toBeGreaterThan(0);
});
