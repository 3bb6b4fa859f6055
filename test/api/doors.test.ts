/** What happens before a request reaches its handler: headers, keys, limits, the audit trail. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKey } from '../../src/access-keys.ts';
import { buildApp } from '../../src/api/shell/app.ts';
import { Keys } from '../../src/api/shell/keys.ts';
import type { App } from '../../src/api/routes/routes.ts';
import { AUDIT_FILE } from '../../src/audit-trail.ts';
import type { Config } from '../../src/config.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { temporaryFolder, testConfig } from '../world.ts';

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

describe.each<Partial<Config>>([{}, { rateLimit: 5 }])('the doors of a guarded service, %j', (settings) => {
  const folder = temporaryFolder();
  let context: Context;
  let app: App;
  let admin: string;

  beforeAll(async () => {
    admin = createKey(folder, 'operator', ['admin']);
    context = await openContext(testConfig(folder, settings), folder, { lock: true });
    app = await buildApp(context);
  });
  afterAll(async () => {
    await app.close();
    await context.close();
  });

  const auditLines = (): readonly { who: string; status: number }[] => {
    const path = join(folder, AUDIT_FILE);
    if (!existsSync(path)) return [];
    return readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { who: string; status: number });
  };

  it('a refusal has the security headers as well', async () => {
    const refused = await app.inject({ url: '/v1/jobs' });
    expect(refused.statusCode).toBe(401);
    expect(refused.headers['x-content-type-options']).toBe('nosniff');
    expect(refused.headers['content-security-policy']).toContain("default-src 'self'");
  });

  it('whoever tries keys fills no audit trail, is held back by the limit, and shuts nobody out who was let in before', async () => {
    await app.inject({ url: '/v1/jobs', headers: bearer(admin) });
    const statuses: number[] = [];
    for (let i = 0; i < 40; i++) {
      const url = `/v1/models/m-${i}/promote`;
      statuses.push((await app.inject({ method: 'POST', url, payload: {}, headers: bearer(`guess-${i}`) })).statusCode);
    }
    const limited = statuses.filter((status) => status === 429).length;
    // How many wrong keys are too many is a matter of time: key-guesses.test.ts has a clock of its own.
    if (settings.rateLimit) expect(limited).toBeGreaterThan(20);
    expect(statuses.every((status) => status === 401 || status === 429)).toBe(true);
    const strangers = auditLines().filter(({ status }) => status === 401);
    expect(strangers.length).toBeGreaterThan(0);
    expect(strangers.length).toBeLessThan(10);
    expect(strangers[0]).toMatchObject({ address: '127.0.0.1' });
    const administered = await app.inject({ method: 'POST', url: '/v1/models/none/promote', payload: {}, headers: bearer(admin) });
    expect(administered.statusCode).toBe(404);
    expect(auditLines().at(-1)).toMatchObject({ who: 'operator', status: 404 });
  });

  it('a burst of wrong keys takes turns: who asks after it is answered before most of it', async () => {
    let refused = 0;
    const guess = async (i: number): Promise<void> => {
      const { statusCode } = await app.inject({ url: '/v1/jobs', headers: bearer(`burst-${i}`), remoteAddress: '198.51.100.9' });
      refused += Number(statusCode === 401 || statusCode === 429);
    };
    const burst = Array.from({ length: 200 }, (_, i) => guess(i));
    expect((await app.inject({ url: '/health/live' })).statusCode).toBe(200);
    expect(refused).toBeLessThan(100);
    await Promise.all(burst);
    expect(refused).toBe(200);
  });

  it('a wrong key leaves a line wherever it was sent, and no user id with it', async () => {
    const before = auditLines().length;
    const refused = await app.inject({ url: '/v1/users/ann-plant/history', headers: bearer('guess'), remoteAddress: '198.51.100.7' });
    expect(refused.statusCode).toBe(401);
    const [line] = auditLines().slice(before);
    expect(line).toMatchObject({ who: 'no key', status: 401, address: '198.51.100.7' });
    expect(JSON.stringify(line)).not.toContain('ann-plant');
    expect((await app.inject({ url: '/v1/users/ann-plant/history', remoteAddress: '198.51.100.8' })).statusCode).toBe(401);
    expect(auditLines()).toHaveLength(before + 1);
  });

  it('a key that is sent with a free read has a limit of its own', async () => {
    const read = async (headers: Record<string, string>) => (await app.inject({ url: '/v1/categories', headers })).statusCode;
    const anonymous = await Promise.all(Array.from({ length: 30 }, () => read({})));
    if (settings.rateLimit) expect(anonymous).toContain(429);
    expect(await read(bearer(admin))).toBe(200);
  });

  it('a caller with any valid key cannot fill the audit trail either', async () => {
    const page = createKey(folder, 'page', ['events']);
    const before = auditLines().length;
    for (let i = 0; i < 40; i++) {
      const url = `/v1/experiments/${'a'.repeat(90)}/stop`;
      const reply = await app.inject({ method: 'POST', url, headers: bearer(page), remoteAddress: `10.0.0.${i}` });
      expect([403, 429]).toContain(reply.statusCode);
    }
    expect(auditLines().length - before).toBeLessThan(10);
  });

  it('what is stored about single people asks for a key that may read it, whatever reading asks for', async () => {
    const [reader, people] = [createKey(folder, 'reader', ['read']), createKey(folder, 'support', ['people'])];
    for (const url of ['/v1/users', '/v1/users/ann/history', '/v1/experiments/none/exposures']) {
      const of = async (headers: Record<string, string>) => (await app.inject({ url, headers, remoteAddress: '10.1.1.1' })).statusCode;
      expect([url, await of({}), await of(bearer(reader))]).toEqual([url, 401, 403]);
      expect([200, 404]).toContain(await of(bearer(people)));
    }
    const feed = async (headers: Record<string, string>) =>
      (await app.inject({ url: '/v1/users/ann/home-feed', headers, remoteAddress: '10.1.1.2' })).statusCode;
    expect([await feed({}), await feed(bearer(reader))]).toEqual([401, 200]);
    expect((await app.inject({ url: '/v1/categories', remoteAddress: '10.1.1.3' })).statusCode).toBe(200);
  });

  it('a key file that got damaged lets nobody in and says nothing of itself', async () => {
    const damaged = temporaryFolder();
    const key = createKey(damaged, 'operator', ['admin']);
    const own = await openContext(testConfig(damaged), damaged, { lock: true });
    const service = await buildApp(own);
    writeFileSync(join(damaged, 'keys.json'), '[{"name": "operator"');
    const reply = await service.inject({ method: 'POST', url: '/v1/jobs/back-up/run', headers: bearer(key) });
    expect([reply.statusCode, reply.body.includes(damaged)]).toEqual([401, false]);
    await service.close();
    await own.close();
    expect(() => new Keys(damaged, [])).toThrow(/keys.json/);
  });

  it('a body for an address that does not exist is not read', async () => {
    const reply = await app.inject({ method: 'POST', url: '/nothing/here', payload: 'x'.repeat(1000), headers: bearer(admin) });
    expect(reply.statusCode).toBe(404);
    expect(reply.headers.connection).toBe('close');
    expect(reply.json()).toMatchObject({ code: 'ROUTE_UNKNOWN' });
  });
});
