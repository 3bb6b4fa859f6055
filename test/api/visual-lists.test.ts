import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildService, type BuiltApp } from '../../src/api/shell/app.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { job as extract } from '../../src/jobs/nets/extract-features.ts';
import { holdRepliesToSchemas } from '../declared-replies.ts';
import { runJob } from '../run-job.ts';
import { testConfig, worldFolder } from '../world.ts';

let context: Context;
let service: BuiltApp;

beforeAll(async () => {
  const folder = await worldFolder();
  await runJob(extract, folder);
  context = await openContext(testConfig(folder), folder, { lock: true });
  service = await buildService(context);
  holdRepliesToSchemas(service.app);
}, 60_000);
afterAll(async () => {
  await service.app.close();
  await context.close();
});

interface Reply {
  readonly recommendationId: string;
  readonly degraded: readonly { readonly code: string }[];
}

// They were counted nowhere, and said that nothing was missing whatever was.
test.each(['visual-search', 'lens'])('%s is counted as a list, and reply and log say what was missing', async (surface) => {
  const ask = async (): Promise<Reply> =>
    (await service.app.inject({ method: 'POST', url: `/v1/${surface}`, payload: { pinId: 'plant-1' } })).json<Reply>();
  const { models } = context;
  expect((await ask()).degraded).toEqual([]);
  models.take({ ...(await models.prepare(null)), problem: 'made by hand' });
  const { degraded, recommendationId } = await ask();
  models.take({ ...(await models.prepare(null)), problem: null });
  expect(degraded).toEqual([{ code: 'RANKER_MODEL_REFUSED', reason: 'made by hand' }]);
  context.log.commit.flush();
  expect(context.log.lists.find(recommendationId)?.degraded).toEqual(['RANKER_MODEL_REFUSED']);
  const text = await service.metrics.text();
  expect(text).toContain(`related_pins_lists_total{surface="${surface}"} 2`);
  expect(text).toMatch(/related_pins_degraded_total\{code="RANKER_MODEL_REFUSED"\} [12]/);
});
