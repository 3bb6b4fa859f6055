/** How bodies and replies travel, and what the framework itself refuses. */
import { brotliCompressSync, brotliDecompressSync, deflateSync, gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { App } from '../../src/api/routes/routes.ts';
import { buildApp } from '../../src/api/shell/app.ts';
import { encodingFor } from '../../src/api/shell/compression.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { testConfig, worldFolder } from '../world.ts';

let context: Context;
let app: App;

beforeAll(async () => {
  const folder = await worldFolder();
  const config = testConfig(folder, { bodyLimitBytes: 100_000, origins: ['https://shop.example'] });
  context = await openContext(config, folder, { lock: true });
  app = await buildApp(context);
});
afterAll(async () => {
  await app.close();
  await context.close();
});

const LONG = '/v1/pins/plant-1/related?explain=true&limit=10';

describe('replies', () => {
  test('above a kilobyte go out compressed, as the caller likes', async () => {
    const plain = await app.inject({ url: '/v1/openapi.json' });
    expect(plain.headers['content-encoding']).toBeUndefined();
    const unpack = { gzip: gunzipSync, br: brotliDecompressSync };
    for (const name of ['gzip', 'br'] as const) {
      const reply = await app.inject({ url: '/v1/openapi.json', headers: { 'accept-encoding': name } });
      expect(reply.headers).toMatchObject({ 'content-encoding': name, vary: expect.stringContaining('Accept-Encoding') as string });
      expect(unpack[name](reply.rawPayload).toString()).toBe(plain.body);
      expect(reply.rawPayload.length).toBeLessThan(plain.rawPayload.length / 3);
    }
    const list = await app.inject({ url: LONG, headers: { 'accept-encoding': 'gzip' } });
    expect(JSON.parse(gunzipSync(list.rawPayload).toString())).toHaveProperty('items');
  });

  test('small ones and pictures go as they are', async () => {
    for (const url of ['/health/live', '/v1/pins/plant-1/image?width=512']) {
      const reply = await app.inject({ url, headers: { 'accept-encoding': 'gzip, br' } });
      expect([url, reply.statusCode, reply.headers['content-encoding']]).toEqual([url, 200, undefined]);
    }
  });

  test.each([
    ['gzip, deflate, br', 'gzip'],
    ['br;q=1, gzip;q=0.5', 'br'],
    ['*', 'gzip'],
    ['gzip;q=0, *;q=0.3', 'br'],
    ['identity', undefined],
    ['gzip;q=0', undefined],
  ])('accept-encoding %s is answered in %s', (accepted, name) => {
    expect(encodingFor(accepted)?.name).toBe(name);
  });
});

describe('bodies', () => {
  const body = Buffer.from(JSON.stringify({ queryPinId: 'plant-1', pinIds: ['plant-2', 'tattoo-1'] }));
  const post = (payload: Buffer, headers: Record<string, string>) =>
    app.inject({ method: 'POST', url: '/v1/rank', payload, headers: { 'content-type': 'application/json', ...headers } });

  test.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['identity', (bytes: Buffer) => bytes],
  ] as const)('may come in %s', async (encoding, pack) => {
    const reply = await post(pack(body), { 'content-encoding': encoding });
    expect([reply.statusCode, reply.json<{ items: unknown[] }>().items]).toEqual([200, expect.objectContaining({ length: 2 })]);
  });

  test('are bounded by what comes out, and refused where they are not what they say', async () => {
    const bomb = gzipSync(Buffer.from(`{"pins":[${' '.repeat(5_000_000)}]}`));
    expect(bomb.length).toBeLessThan(100_000);
    const large = await app.inject({
      method: 'POST',
      url: '/v1/pins',
      payload: bomb,
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    });
    expect([large.statusCode, large.json<{ code: string }>().code]).toEqual([413, 'REQUEST_TOO_LARGE']);
    const wrong = await post(body, { 'content-encoding': 'gzip' });
    expect([wrong.statusCode, wrong.json<{ detail: string }>().detail]).toEqual([400, 'the body is no whole gzip']);
    const unknown = await post(body, { 'content-encoding': 'lzma' });
    expect([unknown.statusCode, unknown.json<{ code: string }>().code]).toEqual([415, 'REQUEST_MEDIA_TYPE']);
  });

  test.each(['text/plain', 'application/xml', 'application/x-www-form-urlencoded'])('of type %s are 415', async (type) => {
    const reply = await app.inject({ method: 'POST', url: '/v1/rank', payload: body, headers: { 'content-type': type } });
    expect([reply.statusCode, reply.headers['content-type'], reply.json<{ code: string; detail: string }>().code]).toEqual([
      415,
      expect.stringContaining('application/problem+json'),
      'REQUEST_MEDIA_TYPE',
    ]);
    expect(reply.json<{ detail: string }>().detail).toContain(type);
  });
});

test('an address that is none is a problem document', async () => {
  const reply = await app.inject({ url: '/v1/pins/%E0%A4%A/related' });
  expect([reply.statusCode, reply.headers['content-type']]).toEqual([400, expect.stringContaining('application/problem+json')]);
  expect(reply.json()).toMatchObject({
    type: 'urn:related-pins:error:request_invalid',
    status: 400,
    code: 'REQUEST_INVALID',
    requestId: expect.any(String) as string,
  });
});

test('exclude may be repeated, and an id with a comma is meant whole', async () => {
  await app.inject({
    method: 'POST',
    url: '/v1/pins',
    payload: { pins: [{ id: 'plant,seven', title: 'plant number 7', annotations: { plant: 1 } }] },
  });
  const ids = async (query: string): Promise<string[]> =>
    (await app.inject(`/v1/pins/plant-1/related?limit=50&${query}`)).json<{ items: { pinId: string }[] }>().items.map(({ pinId }) => pinId);
  expect(await ids('')).toEqual(expect.arrayContaining(['plant-2', 'plant-3', 'plant,seven']));
  const repeated = await ids('exclude=plant-2&exclude=plant%2Cseven');
  expect(repeated).toContain('plant-3');
  expect(repeated).not.toEqual(expect.arrayContaining(['plant-2']));
  expect(repeated).not.toEqual(expect.arrayContaining(['plant,seven']));
  const listed = await ids('exclude=plant-2,plant-3');
  expect(listed.filter((id) => id === 'plant-2' || id === 'plant-3')).toEqual([]);
});

describe('pages of other sites', () => {
  const preflight = (origin: string) =>
    app.inject({ method: 'OPTIONS', url: '/v1/rank', headers: { origin, 'access-control-request-method': 'POST' } });

  test('may ask when their origin is listed', async () => {
    expect(await preflight('https://shop.example')).toMatchObject({
      statusCode: 204,
      headers: {
        'access-control-allow-origin': 'https://shop.example',
        'access-control-allow-methods': expect.stringContaining('POST') as string,
      },
    });
    const reply = await app.inject({ url: '/v1/pins/plant-1', headers: { origin: 'https://shop.example' } });
    expect(reply.headers).toMatchObject({
      'access-control-allow-origin': 'https://shop.example',
      vary: expect.stringContaining('Origin') as string,
    });
  });

  test('may not otherwise', async () => {
    const other = await preflight('https://other.example');
    expect(other.headers['access-control-allow-origin']).toBeUndefined();
    expect(other.statusCode).not.toBe(204);
  });
});
