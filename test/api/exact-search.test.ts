import { Blob } from 'node:buffer';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { alteredPicture } from '../../lab/studies/exact/altered-pictures.ts';
import type { App } from '../../src/api/routes/routes.ts';
import { buildApp } from '../../src/api/shell/app.ts';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';
import { callJob } from '../../src/jobs/job.ts';
import { job as extract } from '../../src/jobs/nets/extract-features.ts';
import { job as buildVocabulary } from '../../src/jobs/search/build-vocabulary.ts';
import { job as extractLocal } from '../../src/jobs/search/extract-local-features.ts';
import { openMarkStore } from '../../src/marks/mark-store.ts';
import { seededRandom } from '../../src/math/random.ts';
import { SILENT } from '../../src/progress.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { decodeImage } from '../../src/vision/image-tensor.ts';
import { holdRepliesToSchemas } from '../declared-replies.ts';
import { drawnPicture, SIDE } from '../exact/drawn-pictures.ts';
import { temporaryFolder, testConfig } from '../world.ts';

const PICTURES = 8;
const folder = temporaryFolder();
const input = {
  config: testConfig(folder, { visualWaitMs: 120_000 }),
  dataFolder: folder,
  progress: SILENT,
  signal: new AbortController().signal,
};
let context: Context;
let app: App;

beforeAll(async () => {
  mkdirSync(join(folder, 'images'));
  for (let i = 0; i < PICTURES; i++) writeFileSync(join(folder, 'images', `p${i}.png`), await drawnPicture(i));
  const catalog = openCatalog(folder);
  const pins = Array.from({ length: PICTURES }, (_, i) => ({ id: `p${i}`, image: `p${i}.png`, title: `p${i}`, buyable: i % 2 === 0 }));
  upsertBatch(catalog, 'pins', pins, { now: Date.now(), folders: { images: join(folder, 'images'), data: folder } });
  catalog.close();
  await callJob(extract, input, { workers: 1 });
  context = await openContext(input.config, folder, { lock: true });
  app = await buildApp(context);
  holdRepliesToSchemas(app);
}, 120_000);
afterAll(async () => {
  await app.close();
  await context.close();
});

async function upload(image: Uint8Array, fields: Record<string, string>) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  body.set('image', new Blob([new Uint8Array(image)]) as never, 'query.png');
  const encoded = new Response(body);
  const headers = { 'content-type': encoded.headers.get('content-type') as string };
  const reply = await app.inject({ method: 'POST', url: '/v1/visual-search', headers, payload: Buffer.from(await encoded.arrayBuffer()) });
  return { status: reply.statusCode, ...reply.json() };
}

async function turnedPicture() {
  const photo = (await decodeImage(await drawnPicture(4))).working;
  return (await alteredPicture('rotation', photo, photo, seededRandom(1))).bytes;
}

it('before there are key points the exact product is found by codes, and the reply says what is missing', async () => {
  const reply = await upload(await drawnPicture(4), { mode: 'exact' });
  expect(reply).toMatchObject({ status: 200, missing: ['local features'], exactProduct: { distanceMax: expect.any(Number) } });
  expect(reply.items[0]).toMatchObject({ pinId: 'p4', distance: 0 });
  expect(reply.items[0].match).toBeUndefined();
}, 60_000);

it('then it is found turned, with the region in both pictures, under either name of the mode', async () => {
  await callJob(extractLocal, input, { workers: 1 });
  await callJob(buildVocabulary, input, { depth: 4 });
  const image = await turnedPicture();
  for (const mode of ['exact', 'exact-product']) {
    const reply = await upload(image, { mode, explain: 'true' });
    expect(reply).toMatchObject({ status: 200, missing: [] });
    expect(reply.modes).toContain('exact-product');
    const [first] = reply.items;
    expect(first).toMatchObject({ pinId: 'p4', match: { inliers: expect.any(Number), extent: [SIDE, SIDE] } });
    expect(first.match.inliers).toBeGreaterThan(30);
    for (const [x, y] of first.match.result) expect(x >= -5 && x <= SIDE + 5 && y >= -5 && y <= SIDE + 5).toBe(true);
    const sum = first.terms.reduce((total: number, { contribution }: { contribution: number }) => total + contribution, 0);
    expect(sum).toBeCloseTo(first.score, 10);
    expect(first.terms.at(-1)).toMatchObject({ feature: 'verified key points' });
  }
}, 60_000);

it('keeps to the filters, and finds no other of the kind in its place', async () => {
  const image = await turnedPicture();
  expect((await upload(image, { mode: 'exact', exclude: '["p4"]' })).items).toEqual([]);
  expect((await upload(image, { mode: 'exact', buyable: 'true' })).items[0].pinId).toBe('p4');
  expect((await upload(await drawnPicture(99), { mode: 'exact' })).items).toEqual([]);
}, 60_000);

it('finds the thing within a box that was drawn', async () => {
  const reply = await upload(await drawnPicture(5), { mode: 'exact', box: '[40,40,250,250]' });
  expect(reply.items[0]).toMatchObject({ pinId: 'p5' });
  for (const [x, y] of reply.items[0].match.query) expect(Math.min(x - 38, y - 38, 252 - x, 252 - y)).toBeGreaterThan(0);
}, 60_000);

it('takes filters of marks in every mode', async () => {
  const store = openMarkStore(folder);
  const mark = (label: string) => [{ label, score: 0.9, box: [0, 0, 40, 40] as const }];
  store.putFound(
    [2, 4].map((pinIndex) => ({ pinIndex, marks: mark(pinIndex === 4 ? 'Acme' : 'Other') })),
    'test',
  );
  store.close();
  const image = await turnedPicture();
  for (const mode of ['flashlight', 'similar-looks', 'exact-product', 'shop-the-look']) {
    const pinsOf = async (filter: string): Promise<string[]> => {
      const { status, items, look = [] } = await upload(image, { mode, filter });
      expect(status).toBe(200);
      const all = [...items, ...look.flatMap((part: { items: unknown[] }) => part.items)] as { pinId: string }[];
      return [...new Set(all.map(({ pinId }) => pinId))];
    };
    const [right, other] = [await pinsOf('mark=Acme'), await pinsOf('mark=Other')];
    if (mode !== 'shop-the-look') expect({ mode, right }).toEqual({ mode, right: ['p4'] });
    expect(right.every((id) => id === 'p4')).toBe(true);
    expect(other.every((id) => id === 'p2')).toBe(true);
    if (mode === 'exact-product') expect(other).toEqual([]);
  }
}, 60_000);
