import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { App } from '../../src/api/routes/routes.ts';
import { buildApp } from '../../src/api/shell/app.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { drawSvg } from '../../src/vision/image-tensor.ts';
import { drawing, temporaryFolder, testConfig } from '../world.ts';

let folder: string;
let context: Context;
let app: App;

beforeAll(async () => {
  folder = temporaryFolder();
  context = await openContext(testConfig(folder), folder, { lock: true });
  app = await buildApp(context);
});
afterAll(async () => {
  await app.close();
  await context.close();
});

async function send(path: string): Promise<{ statusCode: number; json(): { code?: string; field?: string } }> {
  const form = new FormData();
  form.set('path', path);
  form.set('image', new Blob([new Uint8Array(await drawSvg(drawing('plant', 1), 'png'))]), 'a.png');
  const request = new Request('http://localhost/', { method: 'POST', body: form });
  const payload = Buffer.from(await request.arrayBuffer());
  const headers = { 'content-type': request.headers.get('content-type') ?? '' };
  return app.inject({ method: 'POST', url: '/v1/photos', payload, headers });
}

test.each([
  '../a.png',
  'a/../../b.png',
  '/etc/a.png',
  '.hidden/a.png',
  'a//b.png',
  'a\\b.png',
  'run.sh',
  'a.html',
  '',
  'x'.repeat(300) + '.png',
])('a file that is called %j is refused', async (path) => {
  const refused = await send(path);
  expect([refused.statusCode, refused.json().code, refused.json().field]).toEqual([400, 'REQUEST_INVALID', 'path']);
  expect(existsSync(join(folder, 'photos')) ? readdirSync(join(folder, 'photos')) : []).toEqual([]);
});

test('photos that were sent are taken in as a folder is, and the next call takes in what is new', async () => {
  for (const path of ['plants/leaf-1.png', 'plants/leaf-2.png', 'top.png']) expect((await send(path)).statusCode).toBe(200);
  const takeIn = () => app.inject({ method: 'POST', url: '/v1/photos/take-in' });
  expect((await takeIn()).json()).toMatchObject({ photos: 3, added: 3, boards: 1, rejected: {} });
  expect((await app.inject('/v1/pins/plants%2Fleaf-1.png')).json()).toMatchObject({ title: 'leaf 1', hasImage: true });
  expect((await app.inject('/v1/boards/plants')).json()).toMatchObject({ pins: 2 });
  await send('plants/leaf-3.png');
  expect((await takeIn()).json()).toMatchObject({ photos: 4, added: 1, unchanged: 3 });
});
