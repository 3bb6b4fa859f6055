import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKey } from '../../src/access-keys.ts';
import { buildApp } from '../../src/api/shell/app.ts';
import type { App } from '../../src/api/routes/routes.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { readSchedule, SCHEDULABLE_JOBS } from '../../src/schedule/schedule-file.ts';
import { temporaryFolder, testConfig } from '../world.ts';

describe('jobs over HTTP', () => {
  const folder = temporaryFolder();
  let context: Context;
  let app: App;
  let admin: string;
  let reader: string;

  beforeAll(async () => {
    admin = createKey(folder, 'operator', ['admin']);
    reader = createKey(folder, 'shop', ['read', 'events']);
    context = await openContext(testConfig(folder), folder, { lock: true });
    app = await buildApp(context);
  });
  afterAll(async () => {
    await app.close();
    await context.close();
  });

  async function ask(method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, key: string | null, payload?: object) {
    const reply = await app.inject({
      method,
      url,
      payload,
      headers: key === null ? {} : { authorization: `Bearer ${key}` },
    });
    return { status: reply.statusCode, body: reply.json<Record<string, unknown>>() };
  }

  it('are for administrators alone', async () => {
    expect(await ask('GET', '/v1/jobs', null)).toMatchObject({ status: 401 });
    expect(await ask('GET', '/v1/jobs', reader)).toMatchObject({ status: 403, body: { code: 'REQUEST_FORBIDDEN' } });
    expect(await ask('POST', '/v1/jobs/train-ranker/run', reader)).toMatchObject({ status: 403 });
  });

  it('get a cron expression and lose it again; flags stay with whoever may write the data folder', async () => {
    const set = await ask('PUT', '/v1/jobs/train-ranker/schedule', admin, { cron: '0 3 * * *' });
    expect(set.status).toBe(200);
    expect(set.body.jobs).toHaveLength(SCHEDULABLE_JOBS.length);
    const line = (set.body.jobs as { job: string; nextRunAt: string }[]).find(({ job }) => job === 'train-ranker');
    expect(line).toMatchObject({ cron: '0 3 * * *', flags: [], state: 'idle', progress: null, last: null });
    expect(line?.nextRunAt).toMatch(/T03:00:00\.000Z$/);
    expect(readSchedule(folder)).toEqual({ 'train-ranker': { cron: '0 3 * * *', flags: [] } });
    expect(await ask('PUT', '/v1/jobs/train-ranker/schedule', admin, { cron: '0 3 * * *', flags: ['--report', '/etc/x'] })).toMatchObject({
      status: 400,
    });
    expect(await ask('DELETE', '/v1/jobs/train-ranker/schedule', admin)).toMatchObject({ status: 200 });
    expect(readSchedule(folder)).toEqual({});
  });

  it('name what is wrong', async () => {
    expect(await ask('PUT', '/v1/jobs/train-ranker/schedule', admin, { cron: 'at noon' })).toMatchObject({
      status: 400,
      body: { code: 'JOB_USAGE' },
    });
    expect(await ask('POST', '/v1/jobs/erase-user/run', admin)).toMatchObject({
      status: 404,
      body: { code: 'JOB_UNKNOWN' },
    });
    expect(await ask('POST', '/v1/jobs/no-such-job/stop', admin)).toMatchObject({ status: 404, body: { code: 'JOB_UNKNOWN' } });
    expect(await ask('POST', '/v1/jobs/train-ranker/stop', admin)).toMatchObject({
      status: 422,
      body: { code: 'NOTHING_TO_DO' },
    });
    expect(await ask('GET', '/v1/jobs/runs?limit=5', admin)).toEqual({ status: 200, body: { runs: [] } });
  });
});
