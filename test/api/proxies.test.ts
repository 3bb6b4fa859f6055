/** Who asks, behind a proxy and with several processes. */
import { afterEach, expect, it } from 'vitest';
import { type AppShape, buildService } from '../../src/api/shell/app.ts';
import type { App } from '../../src/api/routes/routes.ts';
import type { Config } from '../../src/config.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { testConfig, worldFolder } from '../world.ts';

let opened: { context: Context; app: App } | null = null;
afterEach(async () => {
  await opened?.app.close();
  await opened?.context.close();
});

async function open(settings: Partial<Config>, shape: AppShape = {}): Promise<App> {
  const folder = await worldFolder();
  const context = await openContext(testConfig(folder, settings), folder, { lock: true });
  const { app } = await buildService(context, shape);
  opened = { context, app };
  return app;
}

const URL_OF_LIST = '/v1/pins/plant-1/related';

it('callers behind a listed proxy have limits of their own; nobody else is believed', async () => {
  const app = await open({ proxies: ['10.0.0.0/8'], rateLimit: 1 });
  const ask = async (remoteAddress: string, forwarded: string): Promise<number> =>
    (await app.inject({ url: URL_OF_LIST, remoteAddress, headers: { 'x-forwarded-for': forwarded } })).statusCode;
  const throughProxy = await Promise.all(Array.from({ length: 20 }, (_, i) => ask('10.0.0.1', `198.51.100.${i}`)));
  expect(new Set(throughProxy)).toEqual(new Set([200]));
  const spoofed = await Promise.all(Array.from({ length: 20 }, (_, i) => ask('203.0.113.9', `198.51.100.${100 + i}`)));
  expect(spoofed.filter((status) => status === 429).length).toBeGreaterThan(10);
  // What the caller writes before the proxy's own word is not believed either.
  const prepended = await Promise.all(Array.from({ length: 20 }, (_, i) => ask('10.0.0.1', `192.0.2.${i}, 203.0.113.77`)));
  expect(prepended.filter((status) => status === 429).length).toBeGreaterThan(10);
});

// With two processes behind the port twice the limit was let through.
it('a reading thread has its share of the limit', async () => {
  const app = await open({ workers: 2, rateLimit: 2 }, { writer: '/nowhere.sock' });
  const statuses = (await Promise.all(Array.from({ length: 8 }, () => app.inject(URL_OF_LIST)))).map(({ statusCode }) => statusCode);
  expect(statuses.filter((status) => status === 200)).toHaveLength(2);
});

it('a reading thread looks at host and origin as the writing one does', async () => {
  const app = await open({ workers: 2 }, { writer: '/nowhere.sock' });
  const statusOf = async (headers: Record<string, string>, method: 'GET' | 'POST' = 'GET', url = URL_OF_LIST): Promise<number> =>
    (await app.inject({ method, url, headers })).statusCode;
  expect(await statusOf({ host: 'evil.example' })).toBe(421);
  expect(await statusOf({ host: 'evil.example' }, 'POST', '/v1/jobs/back-up/run')).toBe(421);
  expect(await statusOf({ origin: 'https://evil.example' }, 'POST', '/v1/jobs/back-up/run')).toBe(403);
  expect(await statusOf({ 'sec-fetch-site': 'cross-site' })).toBe(403);
  expect(await statusOf({})).toBe(200);
});
