import { Blob } from 'node:buffer';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { buildApp } from '../../src/api/shell/app.ts';
import type { App } from '../../src/api/routes/routes.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { job as extract } from '../../src/jobs/nets/extract-features.ts';
import { importDetector } from '../../src/detection/import/import-detector.ts';
import { openProbe } from '../detection/probe-session.ts';
import { SILENT } from '../../src/progress.ts';
import { drawSvg } from '../../src/vision/image-tensor.ts';
import { fasterRcnn } from '../detection/detector-graphs.ts';
import { holdRepliesToSchemas } from '../declared-replies.ts';
import { drawing, tasteOf, testConfig, worldFolder } from '../world.ts';

interface Item {
  readonly pinId: string;
  readonly score: number;
  readonly distance: number;
  readonly source?: string;
  readonly terms?: readonly { readonly contribution: number }[];
}
interface Reply {
  readonly status: number;
  readonly detail?: string;
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
  readonly recommendationId: string;
  readonly [field: string]: unknown;
}

let folder: string;
let context: Context;
let app: App;

beforeAll(async () => {
  folder = await worldFolder();
  const config = testConfig(folder, { uploadLimitBytes: 200_000, imagePixelLimit: 4_000_000 });
  await extract.run({
    options: { threads: 1, batch: 8 },
    args: [],
    config,
    dataFolder: folder,
    progress: SILENT,
    signal: new AbortController().signal,
  });
  context = await openContext(config, folder, { lock: true });
  app = await buildApp(context);
  holdRepliesToSchemas(app);
}, 60_000);
afterAll(async () => {
  await app.close();
  await context.close();
});

async function ask(body: Record<string, unknown>, url = '/v1/visual-search'): Promise<Reply> {
  const reply = await app.inject({ method: 'POST', url, payload: body });
  return { ...reply.json<Reply>(), status: reply.statusCode };
}

async function upload(
  bytes: Uint8Array,
  fields: Record<string, string> = {},
  url = '/v1/visual-search',
  name = 'photo.jpg',
): Promise<Reply> {
  const form = new FormData();
  for (const [field, value] of Object.entries(fields)) form.set(field, value);
  form.set('image', new Blob([Buffer.from(bytes)]) as never, name);
  const request = new Request('http://x/', { method: 'POST', body: form });
  const payload = Buffer.from(await request.arrayBuffer());
  const reply = await app.inject({ method: 'POST', url, payload, headers: { 'content-type': request.headers.get('content-type') ?? '' } });
  return { ...reply.json<Reply>(), status: reply.statusCode };
}

const ids = ({ items }: Reply): string[] => items.map(({ pinId }) => pinId);

describe('Flashlight', () => {
  it('finds what looks like a pin, with terms and colours, and a score whose terms add up', async () => {
    const reply = await ask({ pinId: 'plant-1', explain: true });
    expect(reply.status).toBe(200);
    expect(ids(reply)).not.toContain('plant-1');
    expect(tasteOf(reply.items[0].pinId)).toBe('plant');
    for (const { score, terms = [] } of reply.items) expect(terms.reduce((sum, { contribution }) => sum + contribution, 0)).toBe(score);
    expect(reply).toMatchObject({
      annotations: expect.any(Array),
      colours: expect.any(Array),
      modelVersion: expect.stringContaining('hamming'),
    });
  });

  it('pages without repeats', async () => {
    const first = await ask({ pinId: 'plant-1', limit: 4 });
    const second = await ask({ pinId: 'plant-1', limit: 4, cursor: first.nextCursor });
    const all = await ask({ pinId: 'plant-1', limit: 8 });
    expect([...ids(first), ...ids(second)]).toEqual(ids(all));
  });

  it('narrows by chips, category, buyable and exclude', async () => {
    expect(ids(await ask({ pinId: 'plant-1', terms: ['tattoo'] })).every((id) => id.startsWith('tattoo'))).toBe(true);
    expect(ids(await ask({ pinId: 'plant-1', terms: ['plant', 'plant large'] })).sort()).toEqual(['plant-2', 'plant-4', 'plant-6']);
    expect(ids(await ask({ pinId: 'plant-1', category: 'tattoos' })).every((id) => id.startsWith('tattoo'))).toBe(true);
    expect(ids(await ask({ pinId: 'plant-1', buyable: true })).every((id) => Number(id.split('-')[1]) % 2 === 0)).toBe(true);
    expect(ids(await ask({ pinId: 'plant-1', exclude: ['plant-2'] }))).not.toContain('plant-2');
    expect(ids(await ask({ pinId: 'plant-1', terms: ['no such term'] }))).toEqual([]);
  });

  it('takes a box in pixels or fractions, and an uploaded picture', async () => {
    const pixels = await ask({ pinId: 'plant-1', box: [32, 32, 96, 96] });
    const fractions = await ask({ pinId: 'plant-1', box: [0.25, 0.25, 0.75, 0.75], boxUnit: 'fractions' });
    expect(ids(pixels)).toEqual(ids(fractions));
    const bytes = readFileSync(join(folder, 'images', 'tattoo-2.png'));
    expect((await upload(bytes)).items[0]).toMatchObject({ pinId: 'tattoo-2', distance: 0 });
    expect((await upload(bytes, { box: '[0,0,1,1]', boxUnit: 'fractions', limit: '2' })).items).toHaveLength(2);
  });

  it('serves its restricted forms', async () => {
    expect(ids(await ask({ pinId: 'plant-1', mode: 'similar-looks' })).every((id) => id.startsWith('plant'))).toBe(true);
    const look = await ask({ pinId: 'plant-1', mode: 'shop-the-look', box: [0, 0, 128, 128] });
    expect(look).toMatchObject({ look: [{ completes: false, count: look.items.length }] });
    expect(ids(look).every((id) => Number(id.split('-')[1]) % 2 === 0)).toBe(true);
    const bytes = readFileSync(join(folder, 'images', 'tattoo-2.png'));
    const exact = await upload(bytes, { mode: 'exact-product' });
    expect(exact).toMatchObject({ exactProduct: { precision: expect.any(Number), distanceMax: expect.any(Number) } });
    expect(exact.items[0].pinId).toBe('tattoo-2');
  });
});

describe('what people do with a region', () => {
  const box = [0.1, 0.1, 0.6, 0.6];

  it('raises what people chose there before, and makes a dot of what many cropped', async () => {
    const before = await ask({ pinId: 'tattoo-1', box, boxUnit: 'fractions', limit: 20 });
    const last = before.items[before.items.length - 1].pinId;
    for (const userId of ['ann', 'bob', 'cleo', 'dora']) {
      const { recommendationId } = await ask({ pinId: 'tattoo-1', box, boxUnit: 'fractions', userId });
      const events = [{ eventId: `${userId} ${recommendationId}`, type: 'save', recommendationId, pinId: last, userId }];
      const receipt = await app.inject({ method: 'POST', url: '/v1/events', payload: { events } });
      expect(receipt.json()).toMatchObject({ written: 1 });
    }
    const after = await ask({ pinId: 'tattoo-1', box, boxUnit: 'fractions', limit: 20, explain: true });
    const raised = after.items.find(({ pinId }) => pinId === last);
    expect(raised?.terms?.[2].contribution).toBeCloseTo((0.05 * 4) / (5 + 5), 6);
    const { objects } = (await app.inject('/v1/pins/tattoo-1/objects')).json<{ objects: { people?: number; shown: boolean }[] }>();
    expect(objects.some(({ people, shown }) => people === 4 && shown)).toBe(true);
  });

  it('a preview leaves nothing in the log', async () => {
    context.log.commit.flush();
    const count = context.log.lists.count();
    await ask({ pinId: 'tattoo-3', box, boxUnit: 'fractions', preview: true });
    context.log.commit.flush();
    expect(context.log.lists.count()).toBe(count);
  });

  it('a treatment shows a box instead of dots, or sets thresholds', async () => {
    const treatment = JSON.stringify({ dots: { show: 'box' } });
    const box = (await app.inject(`/v1/pins/plant-1/objects?treatment=${encodeURIComponent(treatment)}`)).json();
    expect(box).toMatchObject({
      display: 'box',
      defaultBox: [expect.any(Number), expect.any(Number), expect.any(Number), expect.any(Number)],
    });
    const strict = JSON.stringify({ dots: { thresholds: { visual: 1 } } });
    const dots = (await app.inject(`/v1/pins/plant-2/objects?explain=true&treatment=${encodeURIComponent(strict)}`)).json<{
      objects: { shown: boolean; suppressedBy?: string; signals: object }[];
      thresholds: object;
    }>();
    expect(dots.thresholds).toMatchObject({ fashion: { thresholds: { visual: 1 } }, everyday: { thresholds: { visual: 1 } } });
    for (const object of dots.objects)
      expect(object).toMatchObject({ shown: false, suppressedBy: expect.any(String), signals: expect.any(Object) });
    const wrong = await app.inject('/v1/pins/plant-1/objects?treatment={"dots":{"show":"all"}}');
    expect(wrong.statusCode).toBe(400);
  });
});

describe('a detector that is put into the data folder', () => {
  // The process had read its one detector at the start: pages showed objects of the old one until it was started again.
  it('is at work without a restart, beside the others, and gone again when its folder is', async () => {
    const [file, labels] = ['finder.onnx', 'finder.txt'].map((name) => join(folder, name));
    writeFileSync(file, fasterRcnn({ finds: true }).finish());
    writeFileSync(labels, 'kettle\nspoon\nteapot\n');
    const objects = async () =>
      (await app.inject('/v1/pins/plant-3/objects')).json<{ objects: { label: string; detector: string }[] }>().objects;
    expect((await objects()).map(({ label }) => label)).not.toContain('teapot');
    const out = join(folder, 'nets', 'detectors', 'finder');
    await importDetector({ file, name: 'finder', out, labelsFile: labels, open: openProbe });
    await context.refresh();
    expect(await objects()).toContainEqual(expect.objectContaining({ label: 'teapot', detector: 'finder' }));
    rmSync(out, { recursive: true });
    await context.refresh();
    expect((await objects()).map(({ label }) => label)).not.toContain('teapot');
  });
});

describe('Lens', () => {
  it('says what it understood, where each item is from and what each source gave', async () => {
    const bytes = await drawSvg(drawing('plant', 3), 'jpeg', 60);
    const reply = await upload(bytes, { limit: '6' }, '/v1/lens');
    expect(reply).toMatchObject({
      status: 200,
      understanding: {
        annotations: expect.any(Array),
        objects: expect.any(Array),
        colours: expect.any(Array),
        picture: expect.any(String),
      },
    });
    expect((reply as unknown as { blend: { source: string; ratio: number; reason: string }[] }).blend.map(({ source }) => source)).toEqual([
      'visual-search',
      'annotation-search',
      'object-search',
    ]);
    expect(reply.items.every(({ source }) => source !== undefined)).toBe(true);
    expect(new Set(ids(reply)).size).toBe(reply.items.length);
    const next = await upload(bytes, { limit: '6', cursor: reply.nextCursor ?? '' }, '/v1/lens');
    expect(ids(next).some((id) => ids(reply).includes(id))).toBe(false);
  });

  it('takes events on its lists', async () => {
    const { recommendationId, items } = await ask({ pinId: 'plant-2' }, '/v1/lens');
    const events = [{ eventId: 'of a lens', type: 'click', recommendationId, pinId: items[0].pinId }];
    expect((await app.inject({ method: 'POST', url: '/v1/events', payload: { events } })).json()).toMatchObject({
      written: 1,
      keptApart: 0,
    });
  });
});

describe('bad input', () => {
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>');
  const html = Buffer.from('<!doctype html><html><body>not found</body></html>');

  test.each([
    ['outside the image', [300, 300, 400, 400]],
    ['of no area', [10, 10, 10, 50]],
    ['inside out', [50, 50, 10, 10]],
  ])('a box %s: 400 with the size of the image', async (_, box) => {
    const reply = await ask({ pinId: 'plant-1', box });
    expect(reply).toMatchObject({ status: 400, code: 'BOX_INVALID' });
    expect(reply.detail).toContain('128 x 128');
  });

  it('names what it cannot read', async () => {
    expect(await upload(svg)).toMatchObject({ status: 415, code: 'IMAGE_UNSUPPORTED', detail: expect.stringContaining('SVG') });
    expect(await upload(html)).toMatchObject({ status: 415, code: 'IMAGE_UNSUPPORTED', detail: expect.stringContaining('HTML') });
    expect(await upload(Buffer.alloc(0))).toMatchObject({ status: 422, code: 'IMAGE_REFUSED' });
    const png = readFileSync(join(folder, 'images', 'plant-1.png'));
    expect(await upload(png.subarray(0, png.length >> 1))).toMatchObject({ status: 422, code: 'IMAGE_REFUSED' });
    expect(await upload(Buffer.alloc(300_000, 7))).toMatchObject({ status: 413, code: 'IMAGE_TOO_LARGE' });
    expect(await upload(hugePng(), {}, '/v1/lens')).toMatchObject({
      status: 413,
      code: 'IMAGE_TOO_LARGE',
      detail: expect.stringContaining('pixels'),
    });
    expect(await upload(animation())).toMatchObject({ status: 422, code: 'IMAGE_REFUSED', detail: expect.stringContaining('2 frames') });
  });

  it('guards addresses as the import does', async () => {
    expect(await ask({ imageUrl: 'http://127.0.0.1:1/x.jpg' })).toMatchObject({ status: 422, code: 'IMAGE_URL_REFUSED' });
    expect(await ask({ imageUrl: '/etc/passwd' })).toMatchObject({ status: 400, code: 'REQUEST_INVALID', field: 'imageUrl' });
  });

  it.each([
    ['nothing', {}, 'pinId'],
    ['an unknown mode', { pinId: 'plant-1', mode: 'guess' }, 'mode'],
    ['three corners', { pinId: 'plant-1', box: [1, 2, 3] }, 'box'],
    ['a foreign cursor', { pinId: 'plant-1', cursor: 'abc' }, 'cursor'],
    ['too many items', { pinId: 'plant-1', limit: 10_000 }, 'limit'],
  ])('names the field of a request with %s', async (_, body, field) => {
    expect(await ask(body)).toMatchObject({ status: 400, code: 'REQUEST_INVALID', field });
  });

  it('says when to come back for features that take too long, and has them then', async () => {
    const hasty = await openContext({ ...context.config, visualWaitMs: 1 }, folder);
    const other = await buildApp(hasty);
    const payload = { pinId: 'tattoo-4', box: [3, 3, 90, 90] };
    const late = await other.inject({ method: 'POST', url: '/v1/visual-search', payload });
    expect(late.statusCode).toBe(503);
    expect(late.headers['retry-after']).toBe('1');
    expect(late.json()).toMatchObject({ code: 'FEATURES_NOT_READY' });
    await expect
      .poll(async () => (await other.inject({ method: 'POST', url: '/v1/visual-search', payload })).statusCode, { timeout: 20_000 })
      .toBe(200);
    await other.close();
    await hasty.close();
  });
});

/** The header of a PNG of 60,000 x 60,000 pixels; nothing behind it. */
function hugePng(): Buffer {
  const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
  png.writeUInt32BE(60_000, 16);
  png.writeUInt32BE(60_000, 20);
  return png;
}

/** A GIF of two frames of one pixel. */
function animation(): Buffer {
  const frame = Buffer.from([0x21, 0xf9, 4, 0, 10, 0, 0, 0, 0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0]);
  const head = Buffer.from([...Buffer.from('GIF89a'), 1, 0, 1, 0, 0x80, 0, 0, 0, 0, 0, 255, 255, 255]);
  return Buffer.concat([head, frame, frame, Buffer.from([0x3b])]);
}
