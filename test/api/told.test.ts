/** What strangers are told of faults that are not theirs: that there is one, and nothing of files, folders and addresses. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildApp } from '../../src/api/shell/app.ts';
import { problemOf } from '../../src/api/shell/problem.ts';
import { publicDegradations } from '../../src/api/public-degradations.ts';
import type { App } from '../../src/api/routes/routes.ts';
import { ServiceError } from '../../src/errors.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { testConfig, worldFolder } from '../world.ts';

it('degradations name no folder and no address', () => {
  const told = publicDegradations([
    { code: 'REDIS_UNAVAILABLE', reason: 'Redis does not answer: connect ECONNREFUSED 10.0.0.7:6379' },
    { code: 'ARTIFACT_REFUSED', reason: 'The artifact /srv/pins/var/artifacts/visual/v3.bin is refused: its digest does not match' },
    { code: 'RANKER_MODEL_REFUSED', reason: 'The model m/2 is refused: it needs and/or lacks fc6' },
  ]);
  expect(JSON.stringify(told)).not.toMatch(/10\.0\.0\.7|srv|var/);
  expect(told.map(({ reason }) => reason).slice(1)).toEqual([
    'The artifact v3.bin is refused: its digest does not match',
    'The model m/2 is refused: it needs and/or lacks fc6',
  ]);
});

it('problems of the operation keep their code, and their words for the log', () => {
  for (const error of [
    new ServiceError('CONFIG_INVALID', { problems: '/srv/pins/keys.json: Unterminated string' }),
    new ServiceError('CATALOG_FILE_UNREADABLE', { file: '/srv/pins/log.sqlite', format: 'SQLite', reason: 'x' }),
    new ServiceError('DATA_DISK_FULL', { folder: '/srv/pins' }),
  ]) {
    const problem = problemOf(error, 'r1');
    expect([problem.code, problem.detail.includes('/srv')]).toEqual([error.code, false]);
  }
  expect(problemOf(new ServiceError('DATA_DISK_FULL', { folder: '/srv/pins' }), 'r1').detail).toContain('the data folder is full');
});

describe('bodies whose fields are all optional', () => {
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

  // They were answered with "body must be object", although the document says that the body is optional.
  it.each(['/v1/models/roll-back', '/v1/models/canary/stop', '/v1/models/dark/stop', '/v1/models/none/promote', '/v1/models/none/dark'])(
    'may be left out: %s',
    async (url) => {
      const codes = [];
      for (const request of [{}, { payload: {} }, { headers: { 'content-type': 'application/json' } }])
        codes.push((await app.inject({ method: 'POST', url, ...request })).json<{ code?: string }>().code);
      expect(codes[0]).not.toBe('REQUEST_INVALID');
      expect(new Set(codes).size).toBe(1);
    },
  );

  it('a body with a required field may not', async () => {
    for (const url of ['/v1/models/none/canary', '/v1/rank'])
      expect((await app.inject({ method: 'POST', url })).json()).toMatchObject({ code: 'REQUEST_INVALID' });
  });

  it('the data folder stands in no reply', async () => {
    for (const url of ['/health/ready', '/v1/models', '/v1/jobs', '/v1/pins/plant-1/related', '/v1/nets/dark/report'])
      expect([url, (await app.inject(url)).body.includes(join(context.dataFolder, ''))]).toEqual([url, false]);
  });
});
