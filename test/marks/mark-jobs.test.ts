import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { drawnLogo } from '../../lab/studies/marks/drawn-logos.ts';
import { buildApp } from '../../src/api/shell/app.ts';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';
import { callJob } from '../../src/jobs/job.ts';
import { job as refresh } from '../../src/jobs/catalog/refresh.ts';
import { job as extractFeatures } from '../../src/jobs/nets/extract-features.ts';
import { job as findMarks } from '../../src/jobs/search/find-marks.ts';
import { job as teachMark } from '../../src/jobs/search/teach-mark.ts';
import { hasMarks, openMarkStore } from '../../src/marks/mark-store.ts';
import { SILENT } from '../../src/progress.ts';
import { openContext } from '../../src/service/context.ts';
import { boxIou } from '../../src/vision/box.ts';
import { decodeImage, encodePixels, type Pixels } from '../../src/vision/image-tensor.ts';
import { holdRepliesToSchemas } from '../declared-replies.ts';
import { drawnPicture } from '../exact/drawn-pictures.ts';
import { temporaryFolder, testConfig } from '../world.ts';

const folder = temporaryFolder();
const image = (name: string): string => join(folder, 'images', `${name}.png`);
const input = { config: testConfig(folder), dataFolder: folder, progress: SILENT, signal: new AbortController().signal };
const find = (): Promise<Record<string, unknown>> => callJob(findMarks, input, { workers: 1 }) as Promise<Record<string, unknown>>;
const teach = (label: string, ...names: string[]) =>
  teachMark.run({ ...input, args: names.map((name) => join(folder, `${name}.png`)), options: { label } });
const forget = (label: string) => callJob(teachMark, input, { label, forget: true });

/** Where logos lie in the pictures of the pins, and how large they are there. */
const BOX = [180, 120, 300, 240] as const;

/** A drawn picture, with a logo at three eighths of its own size. */
async function scene(seed: number, logo: number | null): Promise<Uint8Array> {
  const { working } = await decodeImage(await drawnPicture(seed));
  const out: Pixels = { width: working.width, height: working.height, data: Uint8Array.from(working.data) };
  if (logo === null) return encodePixels(out, 'png');
  const small = (await decodeImage(await drawnLogo(logo))).working;
  const [x1, y1, x2, y2] = BOX;
  for (let y = y1; y < y2; y++)
    for (let x = x1; x < x2; x++) {
      const [u, v] = [Math.floor(((x - x1) / (x2 - x1)) * small.width), Math.floor(((y - y1) / (y2 - y1)) * small.height)];
      out.data.set(small.data.subarray(3 * (v * small.width + u), 3 * (v * small.width + u) + 3), 3 * (y * out.width + x));
    }
  return encodePixels(out, 'png');
}

function marksOf(pinIndex: number) {
  const store = openMarkStore(folder);
  const marks = store.marksOf(pinIndex);
  store.close();
  return marks;
}

beforeAll(async () => {
  mkdirSync(join(folder, 'images'));
  for (const logo of [0, 1, 2]) writeFileSync(join(folder, `logo${logo}.png`), await drawnLogo(logo));
  for (const [name, logo] of Object.entries({ acme: 0, star: 1, other: 2, none: null })) {
    writeFileSync(image(name), await scene(name.length + name.charCodeAt(0), logo));
  }
  writeFileSync(image('broken'), 'no picture');
  const catalog = openCatalog(folder);
  const pins = ['acme', 'star', 'other', 'none', 'broken'].map((id) => ({ id, image: `${id}.png`, title: id }));
  upsertBatch(catalog, 'pins', pins, { now: Date.now(), folders: { images: join(folder, 'images'), data: folder } });
  catalog.close();
  await callJob(extractFeatures, input, { workers: 1 });
}, 120_000);

describe('taught marks', () => {
  it('are refused by name where nothing is taught, or nothing can be', async () => {
    await expect(find()).rejects.toMatchObject({ code: 'NOTHING_TO_DO' });
    await expect(teach('Acme', 'absent')).rejects.toThrow(/absent.png cannot be read/);
    await expect(teach('Acme')).rejects.toMatchObject({ code: 'JOB_USAGE' });
    await expect(forget('Acme')).rejects.toMatchObject({ code: 'NOTHING_TO_DO' });
    // A refusal teaches nothing: a service that finds a store says that marks are looked for.
    writeFileSync(join(folder, 'plain.png'), await encodePixels({ width: 64, height: 64, data: new Uint8Array(3 * 64 * 64) }, 'png'));
    await expect(teach('Acme', 'plain')).rejects.toThrow(/too plain/);
    expect(hasMarks(folder)).toBe(false);
  });

  it('are found with their box; what nobody taught stays unknown', async () => {
    expect(await teach('Acme', 'logo0')).toMatchObject({ added: 1, pictures: 1, labels: 1 });
    expect(await teach('Acme', 'logo0')).toMatchObject({ added: 0, pictures: 1, labels: 1 });
    expect(await find()).toMatchObject({ read: 5, looked: 5, compared: 4, refused: { IMAGE_UNSUPPORTED: 1 }, marks: 1, pins: 1 });
    const [mark, ...more] = marksOf(0);
    expect(more).toEqual([]);
    expect(mark.label).toBe('Acme');
    expect(mark.score).toBeGreaterThan(0.5);
    expect(boxIou(mark.box, BOX)).toBeGreaterThan(0.7);
    for (const pin of [1, 2, 3]) expect(marksOf(pin)).toEqual([]);
  });

  it('that are taught later are compared with what was seen: no picture is read again', async () => {
    rmSync(image('star'));
    await teach('Star', 'logo1');
    expect(await find()).toMatchObject({ looked: 0, compared: 4, marks: 2, labels: 2 });
    expect(marksOf(1)).toMatchObject([{ label: 'Star' }]);
    expect(await find()).toMatchObject({ looked: 0, compared: 0, unchanged: 5 });
  });

  it('are looked for again where a run was stopped, and only there', async () => {
    writeFileSync(image('late'), await scene(99, 1));
    const catalog = openCatalog(folder);
    const pins = [{ id: 'late', image: 'late.png', title: 'late' }];
    upsertBatch(catalog, 'pins', pins, { now: Date.now(), folders: { images: join(folder, 'images'), data: folder } });
    catalog.close();
    const stopped = AbortSignal.abort();
    await expect(callJob(findMarks, { ...input, signal: stopped }, { workers: 1 })).rejects.toMatchObject({ code: 'JOB_STOPPED' });
    expect(await find()).toMatchObject({ looked: 1, compared: 1, marks: 3 });
    expect(marksOf(5)).toMatchObject([{ label: 'Star' }]);
  });

  it('are shown with the objects of a pin, and filter lists', async () => {
    // A busy machine may take its time to detect what nobody stored.
    const context = await openContext({ ...input.config, visualWaitMs: 60_000 }, folder, { lock: true });
    const app = await buildApp(context);
    holdRepliesToSchemas(app);
    const get = async (url: string) => (await app.inject({ method: 'GET', url })).json();
    const listed = async (filter: string): Promise<string[]> => {
      const { pins } = await get(`/v1/pins?limit=20&filter=${encodeURIComponent(filter)}`);
      return pins.map(({ id }: { id: string }) => id).sort();
    };
    expect((await get('/v1/pins/acme/objects')).marks).toMatchObject([{ label: 'Acme', box: expect.any(Array) }]);
    expect((await get('/v1/pins/none/objects')).marks).toEqual([]);
    expect(await listed('mark=Star')).toEqual(['late', 'star']);
    expect(await listed('mark!=Star')).toEqual(['acme']);
    expect(await listed('mark=Other')).toEqual([]);
    const counts = async () => (await get('/v1/marks')).marks as { label: string; pins: number }[];
    expect(await counts()).toEqual([
      { label: 'Acme', pins: 1 },
      { label: 'Star', pins: 2 },
    ]);
    await app.inject({ method: 'DELETE', url: '/v1/pins/late' });
    expect(await counts()).toContainEqual({ label: 'Star', pins: 1 });
    await app.inject({ method: 'POST', url: '/v1/pins/late/restore' });
    await forget('Acme');
    expect(await listed('mark=Acme')).toEqual([]);
    expect((await get('/v1/pins/acme/objects')).marks).toEqual([]);
    await app.close();
    await context.close();
    await teach('Acme', 'logo0');
    await find();
  }, 60_000);

  it('are looked for by refresh as well, once somebody taught one', async () => {
    const step = async () => {
      const { steps } = await callJob(refresh, input, { objects: false });
      return steps.find(({ job }) => job === 'find-marks')?.did;
    };
    expect(await step()).toBe('nothing: every picture was compared with the taught marks');
    writeFileSync(image('later'), await scene(119, 1));
    const catalog = openCatalog(folder);
    const pins = [{ id: 'later', image: 'later.png', title: 'later' }];
    upsertBatch(catalog, 'pins', pins, { now: Date.now(), folders: { images: join(folder, 'images'), data: folder } });
    catalog.close();
    expect(await step()).toBe('1 picture looked at, 4 marks on 4 pins in all');
  }, 60_000);

  it('are gone at once when they are forgotten', async () => {
    expect(await forget('Acme')).toMatchObject({ forgotten: 1, labels: 1 });
    expect(marksOf(0)).toEqual([]);
    expect(await find()).toMatchObject({ looked: 0, compared: 6, marks: 3, pins: 3 });
  });
});
