import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildApp } from '../../src/api/shell/app.ts';
import type { App } from '../../src/api/routes/routes.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { drawSvg } from '../../src/vision/image-tensor.ts';
import { drawing, testConfig, worldFolder } from '../world.ts';

let folder: string;
let context: Context;
let app: App;

beforeAll(async () => {
  folder = await worldFolder();
  context = await openContext(testConfig(folder), folder, { lock: true });
  app = await buildApp(context);
  await context.refresher.imagesSettled();
});
afterAll(async () => {
  await app.close();
  await context.close();
});

const post = async (url: string, payload: object) => (await app.inject({ method: 'POST', url, payload })).json();

test('pictures of pins that are there are looked at, and likeness proposes', () => {
  expect(context.visual?.image.has.slice(0, 12)).toEqual(new Uint8Array(12).fill(1));
  expect(context.sources.all.map((source) => source.name)).toContain('visual-neighbors');
});

test('a new pin is answered at once, and by its picture within seconds; a copy joins its original', async () => {
  writeFileSync(join(folder, 'images', 'new.png'), await drawSvg(drawing('plant', 7), 'png'));
  writeFileSync(join(folder, 'images', 'copy.png'), readFileSync(join(folder, 'images', 'plant-1.png')));
  const receipt = await post('/v1/pins', {
    pins: [
      { id: 'new', image: 'new.png' },
      { id: 'copy', image: 'copy.png' },
      { id: 'out', image: '../out.png' },
    ],
  });
  expect(receipt).toMatchObject({ read: 3, written: 2, rejected: { IMAGE_OUTSIDE_FOLDER: { count: 1, lines: [2] } } });
  expect((await app.inject('/v1/pins/new/related')).json().missing).toContain('visual-features');
  await context.refresher.imagesSettled();
  const list = (await app.inject('/v1/pins/new/related?limit=3')).json();
  expect(list.missing).not.toContain('visual-features');
  expect(list.items[0].sources.map((source: { name: string }) => source.name)).toContain('visual-neighbors');
  expect(context.pins.group[context.pins.indexOf('copy')]).toBe(context.pins.indexOf('plant-1'));
  const ids = (await app.inject('/v1/pins/plant-1/related?limit=50')).json().items.map((item: { pinId: string }) => item.pinId);
  expect(ids).not.toContain('copy');
});

test('a save changes the lists without a build', async () => {
  const before = (await app.inject('/v1/pins/tattoo-6/related?limit=50')).json();
  expect(before.missing).toContain('boards');
  await post('/v1/saves', { saves: [{ pinId: 'tattoo-6', boardId: 'tattoos of ann' }] });
  const after = (await app.inject('/v1/pins/tattoo-6/related?limit=3')).json();
  expect(after.missing).not.toContain('boards');
  expect(after.items[0].sources.map((source: { name: string }) => source.name)).toContain('board-cooccurrence');
});

test('pictures are served resized, with a tag that saves the next transfer', async () => {
  const picture = await app.inject('/v1/pins/plant-1/image?width=64');
  expect(picture.statusCode).toBe(200);
  expect(picture.headers).toMatchObject({ 'content-type': 'image/jpeg', 'cache-control': 'public, max-age=60, must-revalidate' });
  const again = await app.inject({ url: '/v1/pins/plant-1/image?width=64', headers: { 'if-none-match': String(picture.headers.etag) } });
  expect(again.statusCode).toBe(304);
  await post('/v1/pins', { pins: [{ id: 'bare' }] });
  expect((await app.inject('/v1/pins/bare/image')).json()).toMatchObject({ code: 'IMAGE_UNKNOWN' });
});

test('browsing: by category, by words, a page at a time', async () => {
  const page = (await app.inject('/v1/pins?category=gardening&limit=2')).json();
  expect(page.pins).toHaveLength(2);
  const next = (await app.inject(`/v1/pins?category=gardening&limit=50&cursor=${page.nextCursor}`)).json();
  const ids = [...page.pins, ...next.pins].map((pin: { id: string }) => pin.id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.every((id: string) => id.startsWith('plant'))).toBe(true);
  const every = (await app.inject('/v1/pins?limit=100')).json().pins.map((pin: { id: string }) => pin.id);
  const distinct = (await app.inject('/v1/pins?limit=100&distinct=true')).json().pins.map((pin: { id: string }) => pin.id);
  expect(every).toEqual(expect.arrayContaining(['copy', 'plant-1']));
  expect(distinct).toContain('plant-1');
  expect(distinct).not.toContain('copy');
  const found = (await app.inject('/v1/pins?q=tattoo%20number%203')).json();
  expect(found.pins.map((pin: { id: string }) => pin.id)).toContain('tattoo-3');
  expect((await app.inject('/v1/categories')).json().categories[0].pins).toBeGreaterThan(4);
  expect((await app.inject('/v1/users?limit=3')).json().users).toHaveLength(3);
  expect((await app.inject('/v1/users/ann-plant/history')).json().history[0]).toMatchObject({ type: 'save' });
});
