/** Pages of other sites, and names that were pointed at this machine: one test per route of the OpenAPI document. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKey } from '../../src/access-keys.ts';
import { buildApp } from '../../src/api/shell/app.ts';
import { hostNameOf, isLoopbackName } from '../../src/api/shell/host-name.ts';
import type { App } from '../../src/api/routes/routes.ts';
import type { Config } from '../../src/config.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { testConfig, worldFolder } from '../world.ts';

interface Opened {
  readonly context: Context;
  readonly app: App;
}

const opened: Opened[] = [];
afterAll(async () => {
  for (const { app, context } of opened) {
    await app.close();
    await context.close();
  }
});

async function open(folder: string, more: Partial<Config> = {}): Promise<Opened> {
  const context = await openContext(testConfig(folder, more), folder, { lock: true });
  const service = { context, app: await buildApp(context) };
  opened.push(service);
  return service;
}

async function routesOf(app: App): Promise<{ method: 'GET' | 'POST' | 'PUT' | 'DELETE'; path: string }[]> {
  const { paths } = (await app.inject('/v1/openapi.json')).json<{ paths: Record<string, Record<string, unknown>> }>();
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => ({ method: method.toUpperCase() as 'GET', path: path.replaceAll(/\{\w+\}/g, 'plant-1') })),
  );
}

/** What a page of another site can make a browser send without asking first. */
const FORGERIES = [
  ['a form as text', { origin: 'https://evil.example', 'content-type': 'text/plain' }, 'a=b'],
  ['a form of fields', { origin: 'https://evil.example', 'content-type': 'application/x-www-form-urlencoded' }, 'a=b'],
  ['a form without a body', { origin: 'https://evil.example' }, undefined],
  ['a frame in a sandbox', { origin: 'null', 'content-type': 'text/plain' }, 'a=b'],
  ['another program on this machine', { origin: 'http://localhost:3000', 'content-type': 'text/plain' }, 'a=b'],
  ['what the browser calls cross-site', { 'sec-fetch-site': 'cross-site' }, undefined],
  ['what the browser calls same-site', { 'sec-fetch-site': 'same-site', 'content-type': 'application/json' }, '{}'],
] as const;

describe('without a key', () => {
  let app: App;
  let context: Context;
  beforeAll(async () => {
    ({ app, context } = await open(await worldFolder()));
  });

  it('every route refuses a name that was pointed here', async () => {
    const before = context.catalog.pins.count();
    for (const { method, path } of await routesOf(app)) {
      for (const host of ['evil.example', 'evil.example:8080', '127.0.0.1.evil.example', 'localhost.evil.example', '192.168.1.7:80']) {
        const headers = { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' };
        const reply = await app.inject({
          method,
          url: path,
          headers,
          ...(method === 'GET' ? {} : { payload: { pins: [{ id: 'forged' }] } }),
        });
        expect([method, path, reply.statusCode, reply.json<{ code: string }>().code]).toEqual([method, path, 421, 'REQUEST_HOST_REFUSED']);
      }
    }
    expect(context.catalog.pins.count()).toBe(before);
  });

  it('every route that changes something refuses pages of other sites', async () => {
    const changing = (await routesOf(app)).filter(({ method }) => method !== 'GET');
    expect(changing.length).toBeGreaterThan(20);
    for (const { method, path } of changing) {
      for (const [name, headers, payload] of FORGERIES) {
        const reply = await app.inject({ method, url: path, headers, ...(payload === undefined ? {} : { payload }) });
        expect([name, method, path, reply.statusCode, reply.json<{ code: string }>().code]).toEqual([
          name,
          method,
          path,
          403,
          'REQUEST_CROSS_SITE',
        ]);
      }
    }
    expect(context.jobs.runs(10, null)).toEqual([]);
  });

  it('reads from a page of another site are refused, a link to our pages is not', async () => {
    const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' };
    expect((await app.inject({ url: '/v1/pins/plant-1/related?userId=ann', headers })).statusCode).toBe(403);
    expect((await app.inject({ url: '/health/live', headers })).statusCode).toBe(200);
    expect((await app.inject({ url: '/', headers: { ...headers, accept: 'text/html' } })).statusCode).not.toBe(403);
  });

  it.each(['127.0.0.1', '127.0.0.1:8080', 'localhost:9', 'LOCALHOST', '[::1]:8080', '127.8.8.8'])('%s is ours', async (host) => {
    const own = { host, origin: `http://${host.toLowerCase()}`, 'sec-fetch-site': 'same-origin' };
    expect((await app.inject({ url: '/v1/users', headers: own })).statusCode).toBe(200);
    expect((await app.inject({ method: 'POST', url: '/v1/saves', headers: own, payload: { saves: [] } })).statusCode).toBe(200);
    expect((await app.inject({ method: 'POST', url: '/v1/saves', headers: { host }, payload: { saves: [] } })).statusCode).toBe(200);
  });
});

describe('with a key', () => {
  it('the listed names are answered and no others, the listed origins may write and no others', async () => {
    const folder = await worldFolder();
    const key = createKey(folder, 'shop', ['read', 'events']);
    const { app } = await open(folder, { hosts: ['pins.example'], origins: ['https://shop.example'] });
    const ask = async (headers: Record<string, string>, method: 'GET' | 'POST' = 'GET') => {
      const url = method === 'GET' ? '/v1/categories' : '/v1/events';
      const all = { authorization: `Bearer ${key}`, ...headers };
      return (await app.inject({ method, url, headers: all, ...(method === 'GET' ? {} : { payload: { events: [] } }) })).statusCode;
    };
    expect(await ask({ host: 'pins.example:8080' })).toBe(200);
    expect(await ask({ host: '127.0.0.1' })).toBe(200);
    expect(await ask({ host: 'evil.example' })).toBe(421);
    expect(await ask({ host: 'pins.example', origin: 'https://pins.example' }, 'POST')).toBe(200);
    expect(await ask({ host: 'pins.example', origin: 'https://shop.example', 'sec-fetch-site': 'same-site' }, 'POST')).toBe(200);
    expect(await ask({ host: 'pins.example', origin: 'https://evil.example' }, 'POST')).toBe(403);
    expect(await ask({ host: 'pins.example', 'sec-fetch-site': 'cross-site' })).toBe(200);
  });

  it('any name is answered where none is listed', async () => {
    const folder = await worldFolder();
    createKey(folder, 'shop', ['read']);
    const { app } = await open(folder);
    expect((await app.inject({ url: '/v1/categories', headers: { host: 'pins.example' } })).statusCode).toBe(200);
  });
});

it('names are told from ports, and loopback from what only looks like it', () => {
  expect(['Pins.Example.:80', '[::1]:8080', '[::1]', '127.0.0.1:9', ''].map(hostNameOf)).toEqual([
    'pins.example',
    '::1',
    '::1',
    '127.0.0.1',
    '',
  ]);
  expect(['localhost', '127.0.0.1', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1'].every(isLoopbackName)).toBe(true);
  expect(['', '0.0.0.0', '2130706433', '0x7f.1', '127.1', 'localhost.evil', '::', '10.0.0.1'].some(isLoopbackName)).toBe(false);
});
