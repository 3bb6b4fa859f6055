/** Servers of pictures that are slow: whoever names them waits, nobody else. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createKey } from '../../src/access-keys.ts';
import { buildApp } from '../../src/api/shell/app.ts';
import type { App } from '../../src/api/routes/routes.ts';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { Places } from '../../src/service/places.ts';
import { drawSvg } from '../../src/vision/image-tensor.ts';
import { type ImageServer, imageServer } from '../image-server.ts';
import { drawing, testConfig, worldFolder } from '../world.ts';

describe('a service with room for one piece of image work', () => {
  let images: ImageServer;
  let context: Context;
  let app: App;
  beforeEach(async () => {
    images = await imageServer(await drawSvg(drawing('plant', 9), 'png'));
    const folder = await worldFolder();
    context = await openContext(
      testConfig(folder, { heavyInFlight: 1, imagePrivateUrls: true, queueWaitMs: 20_000, visualWaitMs: 120_000 }),
      folder,
      {
        lock: true,
      },
    );
    const pins = Array.from({ length: 40 }, (_, i) => ({ id: `web-${i}`, image: `${images.url}?${i}` }));
    upsertBatch(context.catalog, 'pins', pins, { now: Date.now(), folders: { images: folder, data: folder } });
    await context.refresh();
    app = await buildApp(context);
  });
  afterEach(async () => {
    images.close();
    await app.close();
    await context.close();
  });
  const search = (imageUrl: string, remoteAddress: string) =>
    app.inject({ method: 'POST', url: '/v1/visual-search', payload: { imageUrl }, remoteAddress });
  const code = async (reply: ReturnType<typeof search>): Promise<string> => (await reply).json<{ code: string }>().code;

  // Four such requests kept the thumbnails of everybody off the pages for 15 s.
  it('serves pictures while callers wait for slow addresses, a few of each and a few in all', async () => {
    const held = ['a', 'b', 'c', 'd'].flatMap((_, i) => [1, 2].map((n) => search(`${images.url}?${i}${n}`, `10.0.0.${i}`)));
    await images.asked;
    expect((await app.inject('/v1/pins/plant-1/image?width=64')).statusCode).toBe(200);
    expect(await code(search(`${images.url}?more`, '10.0.0.0'))).toBe('REQUEST_RATE_LIMITED');
    expect(await code(search(`${images.url}?more`, '10.0.0.9'))).toBe('SERVER_OVERLOADED');
    images.release();
    const codes = await Promise.all(held.map(code));
    // There are no features here: each was fetched and searched for.
    expect(new Set(codes)).toEqual(new Set(['INDEX_UNAVAILABLE']));
    expect(await code(search(`${images.url}?again`, '10.0.0.0'))).toBe('INDEX_UNAVAILABLE');
  });

  it('serves pictures while those of pins are on their way from elsewhere', async () => {
    const held = Array.from({ length: 40 }, (_, i) => app.inject(`/v1/pins/web-${i}/image?width=64`));
    await images.asked;
    expect((await app.inject('/v1/pins/plant-1/image?width=64')).statusCode).toBe(200);
    images.release();
    const statuses = (await Promise.all(held)).map(({ statusCode }) => statusCode);
    expect(new Set(statuses)).toEqual(new Set([200]));
  });

  // The fetch held the one place of image work, and objects of pictures that lie here were refused meanwhile.
  it('tells the objects of a picture while those of others are on their way from elsewhere', async () => {
    const held = Array.from({ length: 4 }, (_, i) => app.inject(`/v1/pins/web-${i}/objects`));
    await images.asked;
    expect((await app.inject('/v1/pins/plant-1/objects')).json()).not.toHaveProperty('code');
    images.release();
    for (const reply of await Promise.all(held)) expect([200, 422, 503]).toContain(reply.statusCode);
    expect((await app.inject('/v1/pins/web-0/objects')).json()).toMatchObject({ width: 128 });
  });
});

describe('with a key', () => {
  let context: Context;
  let app: App;
  let key: string;
  beforeAll(async () => {
    const folder = await worldFolder();
    key = createKey(folder, 'shop', ['read']);
    context = await openContext(testConfig(folder), folder, { lock: true });
    app = await buildApp(context);
  });
  afterAll(async () => {
    await app.close();
    await context.close();
  });

  it('strangers have nothing fetched for them', async () => {
    const ask = async (url: string, headers: Record<string, string>) =>
      (await app.inject({ method: 'POST', url, headers, payload: { imageUrl: 'http://127.0.0.1:1/' } })).json<{ code: string }>().code;
    for (const url of ['/v1/visual-search', '/v1/lens']) {
      expect(await ask(url, {})).toBe('REQUEST_UNAUTHORIZED');
      expect(await ask(url, { authorization: `Bearer ${key}` })).toBe('IMAGE_URL_REFUSED');
    }
  });
});

it('places are given to those who wait, in their order, as far as they may have more', async () => {
  const places = new Places(2, 1);
  places.take('a');
  expect(() => places.take('a')).toThrow(/Too many requests/);
  places.take('b');
  expect(() => places.take('c')).toThrow(/at capacity/);
  const begun: string[] = [];
  const waits = ['a', 'c', 'd'].map((owner) => places.wait(owner, 60_000, 3).then(() => begun.push(owner)));
  await expect(places.wait('e', 60_000, 3)).rejects.toThrow(/at capacity/);
  places.giveBack('b');
  await waits[1];
  expect(begun).toEqual(['c']);
  places.giveBack('a');
  await waits[0];
  places.giveBack('c');
  await waits[2];
  expect(begun).toEqual(['c', 'a', 'd']);
  await expect(places.wait('f', 1, 3)).rejects.toThrow(/at capacity/);
});
