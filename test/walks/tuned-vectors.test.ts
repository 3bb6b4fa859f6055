/** A net that `tune-net` wrote, from extraction to uploads: its short vectors are a set like those that are imported. */
import { Blob } from 'node:buffer';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildApp } from '../../src/api/shell/app.ts';
import type { ListReplyBody } from '../../src/api/routes/list-reply.ts';
import { exactNearest } from '../../src/candidates/vectors/vector-set.ts';
import { whyNoGraph } from '../../src/candidates/visual/hnsw-index.ts';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { type PinRecord, readPin } from '../../src/catalog/pins/records.ts';
import { job as importVectors } from '../../src/jobs/candidates/import-vectors.ts';
import { job as dropFeatures } from '../../src/jobs/nets/drop-features.ts';
import { job as extractFeatures } from '../../src/jobs/nets/extract-features.ts';
import { job as tuneNet } from '../../src/jobs/nets/tune-net.ts';
import { seededRandom } from '../../src/math/random.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { drawSvg } from '../../src/vision/image-tensor.ts';
import { readNet } from '../../src/vision/net-manifest.ts';
import { holdRepliesToSchemas } from '../declared-replies.ts';
import { modelOf } from '../ranker/models.ts';
import { runJob } from '../run-job.ts';
import { temporaryFolder, testConfig } from '../world.ts';

const BASE = fileURLToPath(new URL('../../data/nets/visual-1', import.meta.url));
const PINS = 40;
const pictures: Uint8Array[] = [];
let folder: string;
let context: Context;
let app: Awaited<ReturnType<typeof buildApp>>;
let receipt: Readonly<Record<string, unknown>>;

beforeAll(async () => {
  folder = temporaryFolder();
  const forms = join(folder, 'forms');
  for (let i = 0; i < PINS + 12; i++) pictures.push(await form(i));
  for (let i = 0; i < PINS; i++) {
    mkdirSync(join(forms, kindOf(i)), { recursive: true });
    writeFileSync(join(forms, kindOf(i), `${i}.png`), pictures[i]);
  }
  const how = { images: forms, net: BASE, bits: 64, short: 8, epochs: 1, sample: 100, threads: 1 };
  await runJob(tuneNet, folder, { name: 'by-form', out: join(folder, 'nets', 'visual'), ...how });
  add(Array.from({ length: PINS }, (_, i) => i));
  receipt = await runJob(extractFeatures, folder, { workers: 1 });
  context = await openContext(testConfig(folder), folder, { lock: true });
  app = await buildApp(context);
  holdRepliesToSchemas(app);
}, 240_000);
afterAll(async () => {
  await app?.close();
  await context?.close();
});

const kindOf = (i: number): string => (i % 2 ? 'disc' : 'square');

/** A disc or a square of any colour, size and place. */
function form(i: number): Promise<Uint8Array> {
  const random = seededRandom(100 + i);
  const colour = (): string => `rgb(${random.integer(200)},${random.integer(200)},${random.integer(200)})`;
  const [x, y, r] = [14 + random.integer(36), 14 + random.integer(36), 8 + random.integer(6)];
  const shape = i % 2 ? `<circle cx="${x}" cy="${y}" r="${r}"` : `<rect x="${x - r}" y="${y - r}" width="${2 * r}" height="${2 * r}"`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="64" height="64" fill="${colour()}"/>${shape} fill="${colour()}"/></svg>`;
  return drawSvg(svg, 'png');
}

function add(numbers: readonly number[]): void {
  const catalog = context?.catalog ?? openCatalog(folder);
  mkdirSync(join(folder, 'images'), { recursive: true });
  for (const i of numbers) writeFileSync(join(folder, 'images', `${i}.png`), pictures[i]);
  catalog.pins.upsert(numbers.map((i) => readPin({ id: `p${i}`, image: `images/${i}.png`, title: kindOf(i) }, Date.now()) as PinRecord));
  if (!context) catalog.close();
}

interface Found {
  readonly items: readonly { readonly pinId: string; readonly cosine?: number; readonly score: number; readonly source?: string }[];
  readonly missing: readonly string[];
  readonly degraded: readonly unknown[];
}
async function ask(payload: object): Promise<Found> {
  const reply = await app.inject({ method: 'POST', url: '/v1/visual-search', payload: { limit: 100, ...payload } });
  expect(reply.statusCode, reply.body).toBe(200);
  return reply.json();
}
async function upload(i: number, fields: Readonly<Record<string, string>> = {}, url = '/v1/visual-search'): Promise<Found> {
  const form = new FormData();
  for (const [field, value] of Object.entries({ limit: '100', ...fields })) form.set(field, value);
  form.set('image', new Blob([Buffer.from(pictures[i])]) as never, 'form.png');
  const request = new Request('http://x/', { method: 'POST', body: form });
  const payload = Buffer.from(await request.arrayBuffer());
  const reply = await app.inject({ method: 'POST', url, payload, headers: { 'content-type': request.headers.get('content-type') ?? '' } });
  expect(reply.statusCode, reply.body).toBe(200);
  return reply.json();
}

/** The vector of an upload, by the net itself; null never, because the pictures can be read. */
async function vectorOf(i: number): Promise<Float32Array> {
  const [seen] = await context.inference.embed(readNet(join(folder, 'nets', 'visual')), [{ bytes: pictures[i] }]);
  if (!seen.ok || !seen.embedding) throw new Error('no vector');
  return seen.embedding;
}
/** Its cosines with all pins of the set, the greatest first. */
async function truthOf(i: number) {
  const [set] = context.sources.vectors.sets;
  const { pinIndexes } = exactNearest(set, await vectorOf(i), PINS);
  const vector = await vectorOf(i);
  return Array.from(pinIndexes, (pin) => {
    const other = set.vectorOf(pin) as Float32Array;
    return { pinId: context.pins.idOf(pin), cosine: other.reduce((sum, value, d) => sum + value * vector[d], 0) };
  });
}

test('extraction fills the set, and makes it again only for new pictures', async () => {
  expect(receipt.vectors).toMatchObject({ source: 'vectors-net', vectors: PINS, dimensions: 8, metric: 'cosine', unchanged: false });
  if (whyNoGraph() === null) expect(receipt.vectors).toMatchObject({ graph: { recall: { 10: expect.any(Number) } } });
  expect((await runJob(extractFeatures, folder, { workers: 1 })).vectors).toMatchObject({ vectors: PINS, unchanged: true });
  const [set] = context.sources.vectors.sets;
  expect([...(set.vectorOf(3) as Float32Array)]).toEqual([...(await vectorOf(3))].map((value) => expect.closeTo(value, 5)));
});

test('pins get candidates and the cosine feature from it', async () => {
  context.registry.add(modelOf('by-vectors', [{ name: 'vector-cosine', weight: 1, normalization: { kind: 'none' } }]));
  const url = '/v1/pins/p0/related?limit=50&explain=true&treatment=';
  const proposed: ListReplyBody = (await app.inject(`${url}{"sources":["vectors-net"]}`)).json();
  expect(proposed.items.length).toBeGreaterThan(PINS / 2);
  expect(proposed.items[0].sources).toEqual([{ name: 'vectors-net', score: expect.any(Number) }]);
  expect(proposed.missing).not.toContain('vectors');
  const ranked: ListReplyBody = (await app.inject(`${url}by-vectors`)).json();
  const truth = new Map((await truthOf(0)).map(({ pinId, cosine }) => [pinId, cosine]));
  for (const { pinId, score } of ranked.items) expect(score).toBeCloseTo(truth.get(pinId) as number, 5);
});

test('uploads find their neighbors in the set and are scored by the true cosine', async () => {
  for (const i of [PINS, PINS + 1, PINS + 2]) {
    const { items, missing } = await upload(i);
    const truth = await truthOf(i);
    const shown = new Set(items.map(({ pinId }) => pinId));
    const expected = truth.filter(({ pinId }) => shown.has(pinId));
    expect(items.map(({ pinId }) => pinId)).toEqual(expected.map(({ pinId }) => pinId));
    items.forEach(({ cosine }, at) => expect(cosine).toBeCloseTo(expected[at].cosine, 5));
    expect(items.length).toBeGreaterThan(PINS * 0.8);
    expect(missing).toEqual([]);
  }
});

test('crops, narrowed searches and Lens go the same way', async () => {
  const crop = await ask({ pinId: 'p1', box: [0, 0, 40, 40] });
  const cosines = crop.items.map(({ cosine }) => cosine as number);
  expect(cosines).toEqual([...cosines].sort((a, b) => b - a));
  expect(crop.items.every(({ pinId }) => pinId !== 'p1')).toBe(true);
  const like = await upload(PINS);
  const lens = await upload(PINS, {}, '/v1/lens');
  const byLooks = lens.items.filter(({ source }) => source === 'visual-search').map(({ pinId }) => pinId);
  expect(byLooks.slice(0, 5)).toEqual(like.items.slice(0, 5).map(({ pinId }) => pinId));
  // Fewer are accepted than the graph looks at: all are compared.
  const near = (await ask({ pinId: 'p1' })).items.map(({ pinId }) => pinId);
  expect((await ask({ pinId: 'p1', exclude: near.slice(0, -2) })).items.map(({ pinId }) => pinId)).toEqual(near.slice(-2));
});

test('a pin that came after the set has no vector: it is found by its code, and lists say what is missing', async () => {
  add([PINS + 3]);
  await context.refresh();
  await context.refresher.imagesSettled();
  await context.refresh();
  const id = `p${PINS + 3}`;
  const { items } = await upload(PINS + 3);
  expect(items.find(({ pinId }) => pinId === id)).toMatchObject({ pinId: id });
  expect(items.find(({ pinId }) => pinId === id)).not.toHaveProperty('cosine');
  expect(items[0].pinId, 'the same picture, all bits equal').toBe(id);
  expect((await ask({ pinId: id })).missing).toEqual(['vectors']);
  const list: ListReplyBody = (await app.inject(`/v1/pins/${id}/related`)).json();
  expect(list.missing).toContain('vectors');
  expect(list.degraded).toEqual([]);
  expect((await runJob(extractFeatures, folder, { workers: 1 })).vectors).toMatchObject({ vectors: PINS + 1, unchanged: false });
  await context.refresh();
  expect((await upload(PINS + 3)).items[0]).toMatchObject({ pinId: id, cosine: expect.closeTo(1, 4) });
});

test('only the serving net has its set at work, and no import takes its name', async () => {
  const { vectors } = context.sources;
  expect(vectors.sourcesOf('another net')).toEqual([]);
  expect(vectors.sets.map(({ name }) => name)).toEqual(['net']);
  for (const name of ['net', 'net-0123456789ab'])
    await expect(runJob(importVectors, folder, { file: 'x.jsonl', name })).rejects.toMatchObject({ code: 'JOB_USAGE' });
  await expect(runJob(dropFeatures, folder, {}, {})).resolves.toMatchObject({
    nets: [{ name: 'by-form', artifactBytes: expect.any(Number) }],
  });
});

test('without the set everything goes by codes, as before', async () => {
  const place = `vectors-net-${(context.visual?.netDigest ?? '').slice(0, 12)}`;
  rmSync(join(folder, 'artifacts', place), { recursive: true });
  await context.refresh();
  const { items, missing, degraded } = await upload(PINS);
  expect(items.length).toBeGreaterThan(0);
  for (const item of items) expect(item).not.toHaveProperty('cosine');
  expect([missing, degraded]).toEqual([[], []]);
});
