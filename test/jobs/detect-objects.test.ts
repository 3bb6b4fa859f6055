import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { type PinRecord, readPin } from '../../src/catalog/pins/records.ts';
import { type Config, readConfig } from '../../src/config.ts';
import { readDetectorSet } from '../../src/detection/detector-set.ts';
import { openSetDetections } from '../../src/detection/set-detections.ts';
import { openFeatureStore } from '../../src/features/feature-store.ts';
import { job } from '../../src/jobs/nets/detect-objects.ts';
import { SILENT } from '../../src/progress.ts';
import { drawSvg } from '../../src/vision/image-tensor.ts';

let folder: string;

/** A drawn dress on a plain ground, wide or narrow. */
const dress = (width: number): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="200" height="300"><rect width="200" height="300" fill="#eee"/>
   <path d="M100 40 l${width} 230 h-${2 * width} z" fill="#a22"/><circle cx="100" cy="30" r="18" fill="#c96"/></svg>`;

function run(overrides: Partial<Config> = {}, signal = new AbortController().signal, options: Record<string, unknown> = {}) {
  const config = { ...readConfig({}, { data: folder }), ...overrides };
  return job.run({ options: { workers: 1, ...options }, args: [], config, dataFolder: folder, progress: SILENT, signal });
}

const retry = (overrides: Partial<Config> = {}) => run(overrides, undefined, { retryFailed: true });

function upsert(id: string, image: string): void {
  const catalog = openCatalog(folder);
  catalog.pins.upsert([readPin({ id, image }, Date.now()) as PinRecord]);
  catalog.close();
}

/** The code of a pin's dominant object, and why there is none. */
function cropOf(pinIndex: number) {
  const store = openFeatureStore(folder);
  const row = store.get(store.nets()[0].netId, 'object', pinIndex);
  store.close();
  return { described: row?.code !== null, failure: row?.failure ?? null };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'detect-'));
  mkdirSync(join(folder, 'images'));
  for (const [i, width] of [20, 50, 80].entries()) writeFileSync(join(folder, 'images', `${i}.jpg`), await drawSvg(dress(width)));
  writeFileSync(join(folder, 'images', '3.jpg'), 'this is no picture');
  const catalog = openCatalog(folder);
  const pins = [0, 1, 2, 3, 4].map((i) => readPin({ id: `p${i}`, image: `images/${i}.jpg` }, Date.now()) as PinRecord);
  catalog.pins.upsert([...pins, readPin({ id: 'without' }, Date.now()) as PinRecord]);
  catalog.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Anything at all is dominant: the first detection over the floor. */
const eager = { objectScoreMin: 0.01, dominantAreaMin: 0 };

describe('detect-objects', () => {
  it('looks at each image once, refuses the bad ones by reason, and goes on', async () => {
    const receipt = await run();
    expect(receipt).toMatchObject({ read: 5, written: 3, unchanged: 0, provider: 'cpu' });
    expect(Object.values(receipt.refused as object).reduce((a, b) => a + b, 0)).toBe(2);
    expect(await run()).toMatchObject({ read: 5, written: 0, unchanged: 5 });
  });

  it('keeps weak detections, inside the image', () => {
    const store = openSetDetections(folder, readDetectorSet(folder));
    const found = store.read(0);
    store.close();
    expect(found).toMatchObject({ width: 200, height: 300 });
    expect(found?.detections.length).toBeGreaterThan(0);
    for (const { box, score } of found?.detections ?? []) {
      expect(score).toBeGreaterThanOrEqual(0.01);
      expect(box[0] >= 0 && box[1] >= 0 && box[2] <= 200 && box[3] <= 300).toBe(true);
    }
  });

  it('makes crops anew when thresholds change them, and only then', async () => {
    const strict = { objectScoreMin: 2, dominantAreaMin: 1, dominantScoreMin: 1 };
    expect((await run(strict)).crops).toMatchObject({ dominant: 0 });
    const made = (await run(eager)).crops;
    expect(made).toMatchObject({ dominant: 3, written: 3 });
    expect((await run(eager)).crops).toMatchObject({ dominant: 3, written: 0, unchanged: 3 });
    const store = openFeatureStore(folder);
    const objects = [...store.rows(store.nets()[0].netId, 'object')];
    expect(objects.filter((row) => row.code && row.scores && row.label && row.box)).toHaveLength(3);
    store.close();
    expect((await run(strict)).crops).toMatchObject({ dominant: 0, written: 0, unchanged: 0 });
  });

  it('stops cleanly and resumes', async () => {
    upsert('p0', 'images/1.jpg');
    const stop = new AbortController();
    stop.abort();
    await expect(run({}, stop.signal)).rejects.toMatchObject({ code: 'JOB_STOPPED' });
    expect(await run()).toMatchObject({ written: 1, unchanged: 4 });
  });

  // Only images were walked that the detector had read: the crop of the picture before stayed.
  it('leaves no crop of the picture before when the detector refuses the new one', async () => {
    await run(eager);
    expect(cropOf(0)).toEqual({ described: true, failure: null });
    upsert('p0', 'images/3.jpg');
    expect(await run(eager)).toMatchObject({ written: 0, unchanged: 4 });
    expect(cropOf(0)).toEqual({ described: false, failure: null });
  });

  it('looks again at what was refused when it is told to', async () => {
    writeFileSync(join(folder, 'images', '4.jpg'), await drawSvg(dress(60)));
    expect(await run(eager)).toMatchObject({ written: 0, unchanged: 5 });
    // Those that are still no picture: of p0 and p3.
    expect(await retry(eager)).toMatchObject({ written: 1, unchanged: 2, refused: { IMAGE_UNSUPPORTED: 2 } });
  });

  it('describes a crop again whose picture was away, when it is told to', async () => {
    const away = join(folder, 'images', 'away.jpg');
    // Another box is dominant, so that the crop is made anew.
    await run({ objectScoreMin: 2, dominantAreaMin: 1, dominantScoreMin: 1 });
    renameSync(join(folder, 'images', '2.jpg'), away);
    await run(eager);
    expect(cropOf(2)).toEqual({ described: false, failure: 'IMAGE_REFUSED' });
    renameSync(away, join(folder, 'images', '2.jpg'));
    await run(eager);
    expect(cropOf(2)).toEqual({ described: false, failure: 'IMAGE_REFUSED' });
    await retry(eager);
    expect(cropOf(2)).toEqual({ described: true, failure: null });
  });
});
