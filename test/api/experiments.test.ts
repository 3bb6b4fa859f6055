import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { App } from '../../src/api/routes/routes.ts';
import { buildApp } from '../../src/api/shell/app.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { holdRepliesToSchemas } from '../declared-replies.ts';
import { testConfig, worldFolder } from '../world.ts';

const DEFINITION = {
  key: 'popular-only',
  description: 'popular pins alone',
  arms: [
    { key: 'control', weight: 0.5 },
    { key: 'popular', weight: 0.5, treatment: { sources: ['popular-in-category'], dots: { show: 'box', thresholds: { score: 0.4 } } } },
  ],
  eligibility: { surfaces: ['closeup'], querySet: { popular: 6 } },
  attribution: { save: 48 },
  guardrails: ['latency-ms'],
  counterfactualShare: 1,
  forced: { bob: 'popular' },
};

let context: Context;
let app: App;

beforeAll(async () => {
  const folder = await worldFolder();
  context = await openContext(testConfig(folder), folder, { lock: true });
  app = await buildApp(context);
  holdRepliesToSchemas(app);
}, 60_000);
afterAll(async () => {
  await app.close();
  await context.close();
});

async function get<T>(url: string): Promise<T> {
  const reply = await app.inject(url);
  expect(reply.statusCode, `${url}: ${reply.body}`).toBe(200);
  return reply.json<T>();
}

async function post<T>(url: string, payload: object = {}): Promise<T> {
  const reply = await app.inject({ method: 'POST', url, payload });
  expect(reply.statusCode, `${url}: ${reply.body}`).toBe(200);
  return reply.json<T>();
}

describe('experiments over HTTP', () => {
  it('a definition comes back whole, with what it left open filled in', async () => {
    const made = await post<{ state: string; definition: Record<string, unknown> }>('/v1/experiments', DEFINITION);
    expect(made.state).toBe('draft');
    expect(made.definition).toMatchObject({
      ...DEFINITION,
      guardrails: [{ metric: 'latency-ms', margin: 0.05 }],
      arms: [{ treatment: {} }, {}],
    });
    expect(made.definition.arms).toMatchObject([{ treatment: {} }, { treatment: DEFINITION.arms[1].treatment }]);
  });

  it('a wrong definition is refused by the name of its field, in the words of experiments', async () => {
    const reply = await app.inject({ method: 'POST', url: '/v1/experiments', payload: { ...DEFINITION, traffic: 2 } });
    expect(reply.json()).toMatchObject({ status: 400, code: 'EXPERIMENT_INVALID', field: 'traffic' });
  });

  it('every reply is described field by field', async () => {
    await post('/v1/experiments/popular-only/start');
    await context.experiments.active.current(Date.now() + 5000);
    for (let n = 0; n < 40; n++) await get(`/v1/pins/plant-1/related?userId=user-${n}&limit=3`);
    context.log.commit.flush();
    const { experiments, known } = await get<{ experiments: object[]; known: { sources: string[] } }>('/v1/experiments');
    expect(experiments).toMatchObject([{ key: 'popular-only', state: 'running' }]);
    expect(known.sources).toContain('popular-in-category');
    const view = await get<Record<string, unknown[]>>('/v1/experiments/popular-only');
    expect(view.headline.length).toBeGreaterThan(0);
    const report = await get<{ rows: object[]; arms: { users: number }[] }>('/v1/experiments/popular-only/report');
    expect(report.arms.reduce((sum, { users }) => sum + users, 0)).toBe(40);
    expect((await app.inject('/v1/experiments/popular-only/report?format=csv')).body).toMatch(/^metric,arm,segment/);
    await get('/v1/experiments/popular-only/versions/1');
    await get('/v1/experiments/popular-only/forecast?days=7');
    const { exposures } = await get<{ exposures: { items: object[] }[] }>('/v1/experiments/popular-only/exposures?limit=5');
    expect(exposures).toHaveLength(5);
    expect(exposures[0].items).toHaveLength(3);
    await expect
      .poll(async () => (await get<{ differences: object[] }>('/v1/experiments/popular-only/differences')).differences.length)
      .toBeGreaterThan(0);
    for (const [step, body] of [
      ['ramp', { traffic: 1 }],
      ['stop', {}],
      ['archive', {}],
    ] as const)
      await post(`/v1/experiments/popular-only/${step}`, body);
  });
});

describe('judgements over HTTP', () => {
  it.each(['pair', 'grade'])('a study of kind %s is answered task by task', async (kind) => {
    const study = `tastes ${kind}`;
    const body = { study, kind, treatmentA: 'as-retrieved', treatmentB: { sources: ['popular-in-category'] }, queries: 3, length: 4 };
    const { tasks } = await post<{ tasks: number }>('/v1/judgements', body);
    const address = `/v1/judgements/${encodeURIComponent(study)}`;
    let { task } = await get<{ task: { taskId: string } | null }>(`${address}/next?judge=ann`);
    for (let answered = 0; task; answered++) {
      expect(answered).toBeLessThan(tasks);
      ({ task } = await post<{ task: { taskId: string } | null }>(address, { taskId: task.taskId, judge: 'ann', answer: 1 }));
    }
    const { studies } = await get<{ studies: { study: string }[] }>('/v1/judgements');
    expect(studies).toContainEqual(expect.objectContaining({ study, kind, tasks, judgements: tasks, judges: 1 }));
  });
});
