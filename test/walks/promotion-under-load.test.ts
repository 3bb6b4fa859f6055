import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ModelRegistry } from '../../src/ranker/registry/model-registry.ts';
import { openLoop } from '../../torture/open-loop.ts';
import { runJob, type ServiceProcess, startService } from '../../torture/service-process.ts';
import { writeSmallCatalog } from '../../torture/small-catalog.ts';
import { modelOf } from '../ranker/models.ts';
import { temporaryFolder } from '../world.ts';

const WAIT = { timeout: 30_000, interval: 50 };
const folder = temporaryFolder();
const data = join(folder, 'data');
const registry = new ModelRegistry(join(data, 'models'));
let service: ServiceProcess;

interface Ready {
  readonly model: string;
  readonly degraded: readonly { readonly code: string; readonly reason: string }[];
}

beforeAll(async () => {
  const catalog = writeSmallCatalog(join(folder, 'files'), 300, 30, 10);
  const imported = await runJob(['import-catalog', '--data', data, ...catalog.flags]);
  expect(imported.status, imported.said).toBe(0);
  const feature = (name: string, weight: number) => ({ name, weight, normalization: { kind: 'none' } as const });
  const built = await runJob(['build-candidates', '--data', data]);
  expect(built.status, built.said).toBe(0);
  registry.add(modelOf('first', [feature('cooccurrence-score', 1)]));
  registry.add(modelOf('second', [feature('cooccurrence-score', 1), feature('title-similarity', 0.001)]));
  registry.add(modelOf('third', [feature('freshness', 1)]));
  // Pins of the same boards come last: what everybody can see falls, and nobody's clicks are needed to say so.
  registry.add(modelOf('worse', [feature('cooccurrence-score', -1)]));
  service = await startService(data, { RELATED_PINS_LOG_LEVEL: 'warn' });
}, 120_000);
afterAll(async () => {
  await service?.kill();
  rmSync(folder, { recursive: true, force: true });
});

const get = async <T>(path: string): Promise<T> => (await (await fetch(`${service.url}${path}`)).json()) as T;
const serving = async (): Promise<string> => (await get<Ready>('/health/ready')).model;
const metrics = async (): Promise<string> => (await fetch(`${service.url}/metrics`)).text();
async function post(path: string, body: unknown = {}): Promise<{ status: number; body: Record<string, unknown> }> {
  const reply = await fetch(`${service.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: reply.status, body: (await reply.json()) as Record<string, unknown> };
}

// A machine that is busy with something else can hold a process up past a bound: then it is asked again.
describe('models change under load', { timeout: 240_000 }, () => {
  it('a promotion, a bad one, a refused one, dark reads, a trial and a way back: no request fails', async () => {
    let done = false;
    const rounds: Promise<Readonly<Record<string, number>>>[] = [];
    const load = (async () => {
      const all: Record<string, number> = {};
      while (!done) {
        const round = openLoop({
          url: service.url,
          perSecond: 40,
          seconds: 1,
          connections: 8,
          path: (n) => `/v1/pins/p${n % 300}/related?userId=u${n % 60}`,
        });
        rounds.push(round.then(({ statuses }) => statuses));
        for (const [status, count] of Object.entries(await rounds[rounds.length - 1])) all[status] = (all[status] ?? 0) + count;
      }
      return all;
    })();
    try {
      expect(await serving()).toBe('starter');
      // Held-out boards call it no better than the starter: a model without a judge comes into service by hand alone.
      expect(await post('/v1/models/first/promote', { why: 'the first one' })).toMatchObject({ body: { code: 'RANKER_UNJUDGED' } });
      expect(await post('/v1/models/first/promote', { why: 'the first one', force: true })).toMatchObject({
        status: 200,
        body: { model: 'first', previous: 'starter' },
      });
      expect(await serving()).toBe('first');

      const byJob = await runJob(['promote-model', 'second', '--force', '--why', 'better', '--data', data]);
      expect(byJob).toMatchObject({ status: 0, receipt: { model: 'second', previous: 'first', why: 'better' } });
      await expect.poll(serving, WAIT).toBe('second');

      expect(await post('/v1/models/worse/promote')).toMatchObject({ status: 409, body: { code: 'RANKER_GUARDRAIL' } });
      expect(await serving()).toBe('second');

      await darkReads();
      await aTrial();
      await aBadFile();

      expect(await post('/v1/models/roll-back', { why: 'enough' })).toMatchObject({
        status: 200,
        body: { model: 'first' },
      });
      await expect.poll(serving, WAIT).toBe('first');
      expect((await get<Ready>('/health/ready')).degraded).toEqual([]);
      expect(await metrics()).toContain('related_pins_model_refused 0');
    } finally {
      done = true;
    }
    const statuses = await load;
    expect(Object.keys(statuses)).toEqual(['200']);
    expect(statuses['200']).toBeGreaterThan(40);
  });

  async function darkReads(): Promise<void> {
    expect(await post('/v1/models/third/dark', { share: 1, why: 'look first' })).toMatchObject({
      status: 200,
      body: { model: 'third', share: 1 },
    });
    const report = () =>
      get<{ model: string; reads: number; overlap: Record<string, number>; counts: { failed: number } }>('/v1/models/dark/report');
    await expect.poll(async () => (await report()).reads, WAIT).toBeGreaterThan(20);
    const { model, overlap, counts } = await report();
    expect(model).toBe('third');
    expect(counts.failed).toBe(0);
    expect(overlap['10']).toBeLessThan(1);
    expect(await serving()).toBe('second');
    const told = await runJob(['report-dark-reads', '--data', data]);
    expect(told).toMatchObject({ status: 0, receipt: { model: 'third' } });
    expect(told.receipt?.servingModels).toContain('second');
    expect(told.receipt?.latencyMs).toMatchObject({ dark: { count: told.receipt?.reads } });
    expect(await post('/v1/models/dark/stop')).toMatchObject({ status: 200, body: { model: null, previous: 'third' } });
  }

  async function aTrial(): Promise<void> {
    expect(await post('/v1/models/third/canary', { share: 0.5 })).toMatchObject({
      status: 200,
      body: { model: 'third', share: 0.5 },
    });
    const models = new Set<string>();
    for (let n = 0; n < 40; n++)
      models.add((await get<{ modelVersion: string }>(`/v1/pins/p${n}/related?userId=somebody-${n}`)).modelVersion);
    expect([...models].sort()).toEqual(['second', 'third']);
    await post('/v1/models/canary/stop');
    expect((await get<{ canary: unknown }>('/v1/models')).canary).toBeNull();
  }

  /** Promoted by hand past every check: the file is damaged. */
  async function aBadFile(): Promise<void> {
    const good = readFileSync(registry.pathOf('third'));
    const damaged = Buffer.from(good);
    damaged[40] ^= 1;
    writeFileSync(registry.pathOf('damaged'), damaged);
    expect(await post('/v1/models/damaged/promote', { force: true, why: 'try' })).toMatchObject({
      status: 422,
      body: { code: 'RANKER_MODEL_REFUSED' },
    });
    writeFileSync(join(data, 'models', 'SERVING'), 'damaged\n');
    await expect
      .poll(async () => (await get<Ready>('/health/ready')).degraded.map(({ code }) => code), WAIT)
      .toEqual(['RANKER_MODEL_REFUSED']);
    expect(await serving()).toBe('second');
    const list = await get<{ modelVersion: string; degraded: readonly { code: string }[]; items: readonly unknown[] }>(
      '/v1/pins/p1/related',
    );
    expect(list).toMatchObject({ modelVersion: 'second', degraded: [{ code: 'RANKER_MODEL_REFUSED' }] });
    expect(list.items.length).toBeGreaterThan(0);
    expect(await metrics()).toContain('related_pins_model_refused 1');
  }
});
