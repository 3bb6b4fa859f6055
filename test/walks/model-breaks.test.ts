/** A model that cannot score the lists of a running service: the one before it serves, and the counter says so. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ListReplyBody } from '../../src/api/routes/list-reply.ts';
import type { App } from '../../src/api/routes/routes.ts';
import { buildApp } from '../../src/api/shell/app.ts';
import type { Ranker } from '../../src/ranker/scoring/ranker.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { testConfig, worldFolder } from '../world.ts';

let context: Context;
let app: App;

beforeAll(async () => {
  const folder = await worldFolder();
  context = await openContext(testConfig(folder), folder, { lock: true });
  app = await buildApp(context);
});
afterAll(async () => {
  await app.close();
  await context.close();
});

const closeup = async (): Promise<ListReplyBody> => (await app.inject('/v1/pins/plant-1/related?limit=4')).json();
const refused = async (): Promise<string | undefined> => /^related_pins_model_refused (\d)/m.exec((await app.inject('/metrics')).body)?.[1];

test('falls back, in the very request', async () => {
  const before = await closeup();
  expect(context.models.problem).toBe(null);
  expect(await refused()).toBe('0');
  const broken: Ranker = {
    name: 'trees',
    netDigest: null,
    score: () => Promise.reject(new RangeError('Got: 500 Expected: 1')),
    explain: () => Promise.resolve([]),
  };
  context.models.take({ ...(await context.models.prepare(null)), serving: broken });
  const list = await closeup();
  expect(list.modelVersion).toBe(before.modelVersion);
  expect(list.items.map(({ pinId }) => pinId)).toEqual(before.items.map(({ pinId }) => pinId));
  expect(list.degraded).toContainEqual({ code: 'RANKER_MODEL_REFUSED', reason: expect.stringContaining('Expected: 1') as string });
  expect(await refused()).toBe('1');
  expect(context.models.problem).toBe(`the model trees broke in service (Got: 500 Expected: 1); ${before.modelVersion} serves`);
  const later = await closeup();
  expect(later.modelVersion).toBe(before.modelVersion);
  await expect(context.models.byName('trees')).rejects.toThrow(/broke in service/);
});
