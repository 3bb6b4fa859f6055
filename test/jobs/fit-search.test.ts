import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { type PinRecord, readPin } from '../../src/catalog/pins/records.ts';
import { readDetectorSet } from '../../src/detection/detector-set.ts';
import { featureNetOf } from '../../src/features/convnet.ts';
import { netKeyOf } from '../../src/features/feature-store.ts';
import { job as extractFeatures } from '../../src/jobs/nets/extract-features.ts';
import { job as fitSearch } from '../../src/jobs/search/fit-search.ts';
import type { Job } from '../../src/jobs/job.ts';
import { seededRandom } from '../../src/math/random.ts';
import { SILENT } from '../../src/progress.ts';
import { openObjectStore, type PinObjectsRow } from '../../src/search/object-store.ts';
import { readThresholds, servingThresholds, THRESHOLDS_FILE, thresholdsFor } from '../../src/search/search-thresholds.ts';
import { drawSvg } from '../../src/vision/image-tensor.ts';
import { activeNet } from '../../src/vision/net-folder.ts';
import { readNet } from '../../src/vision/net-manifest.ts';
import { temporaryFolder, testConfig } from '../world.ts';

const PICTURES = 40;
const folder = temporaryFolder();
const random = seededRandom(4);
const run = (job: Job, options: Record<string, unknown> = {}) =>
  job.run({ options, args: [], config: testConfig(folder), dataFolder: folder, progress: SILENT, signal: new AbortController().signal });
// Every picture is searched by: confetti looks alike, and a dozen judge a distance by luck.
const options = { recall: 0.9, precision: 0.9, products: PICTURES, seed: 1 };

/** Pictures with one true sofa each; every other detection is false and has results that agree with nothing. */
beforeAll(async () => {
  mkdirSync(join(folder, 'images'));
  const catalog = openCatalog(folder);
  for (let i = 0; i < PICTURES; i++) {
    const shapes = Array.from(
      { length: 12 },
      () =>
        `<rect x="${random.integer(90)}" y="${random.integer(90)}" width="${8 + random.integer(40)}" height="${8 + random.integer(40)}" fill="hsl(${random.integer(360)},70%,50%)"/>`,
    );
    writeFileSync(
      join(folder, 'images', `${i}.jpg`),
      await drawSvg(`<svg xmlns="http://www.w3.org/2000/svg" width="128" height="128">${shapes.join('')}</svg>`),
    );
  }
  catalog.pins.upsert(
    Array.from({ length: PICTURES }, (_, i) => readPin({ id: `p${i}`, image: `images/${i}.jpg` }, Date.now()) as PinRecord),
  );
  catalog.close();
  await run(extractFeatures, { workers: 1 });
  const net = featureNetOf(readNet(activeNet(folder, 'visual')));
  const store = openObjectStore(folder, netKeyOf(net), readDetectorSet(folder).digest);
  const object = (right: boolean) => ({
    label: 'sofa',
    score: 0.5 + 0.4 * random.next(),
    box: right ? ([10, 10, 60, 60] as const) : ([90, 90, 120, 120] as const),
    code: new Uint32Array(net.fc6Length / 32),
    detector: 'fashion',
    signals: { visual: 0.8, annotation: 1, conformity: 0.5, agreement: right ? 0.6 + 0.4 * random.next() : 0.5 * random.next() },
  });
  store.put(
    Array.from({ length: PICTURES }, (_, pinIndex): PinObjectsRow => ({
      pinIndex,
      state: 'known',
      objects: [object(true), object(false)],
    })),
  );
  store.close();
  const lines = Array.from({ length: PICTURES }, (_, i) =>
    JSON.stringify({ photo: `images/${i}.jpg`, width: 128, height: 128, objects: [{ label: 'sofa', box: [10, 10, 60, 60] }] }),
  );
  writeFileSync(join(folder, 'truth.jsonl'), `${lines.join('\n')}\n`);
}, 60_000);

describe('fit-search', () => {
  it('fits dots on one half, judges them on the other, and serving takes them up', async () => {
    const receipt = await run(fitSearch, { ...options, truth: [join(folder, 'truth.jsonl')] });
    expect(receipt).toMatchObject({
      dots: [{ name: 'fashion', photos: PICTURES, dots: 2 * PICTURES, rightDots: PICTURES, recallAsked: 0.9 }],
    });
    const { dots: [dots] = [], exactProduct, net = '' } = readThresholds(join(folder, THRESHOLDS_FILE)) ?? {};
    expect(dots?.thresholds.agreement).toBeGreaterThan(0.5);
    expect(dots?.judged.falseRemoved).toBeGreaterThan(0.9);
    expect(exactProduct?.precision).toBeGreaterThan(0.8);
    const set = readDetectorSet(folder);
    const serving = servingThresholds(folder, net, set);
    expect(serving.dots.fashion).toMatchObject({ from: 'catalogue', thresholds: dots?.thresholds });
    expect(thresholdsFor({ detector: 'fashion' }, serving)).toEqual(dots?.thresholds);
    // No dot of it was known.
    expect(serving.dots.everyday.from).not.toBe('catalogue');
    expect(servingThresholds(folder, 'another net', set)).toMatchObject({ dots: { fashion: { from: 'unfitted' } }, exactProduct: null });
  });

  it('fits what it is asked to fit, and says when it cannot', async () => {
    const receipt = await run(fitSearch, { ...options, products: 4, truth: [join(folder, 'truth.jsonl')], knobs: ['conformity'] });
    expect(receipt).toMatchObject({ dots: [{ thresholds: { score: 0, agreement: 0 } }] });
    await expect(run(fitSearch, { ...options, products: 4, truth: [join(folder, 'truth.jsonl')], knobs: ['luck'] })).rejects.toThrow(
      /not luck/,
    );
    expect(await run(fitSearch, { ...options, products: 4 })).toMatchObject({ dots: [] });
    writeFileSync(join(folder, 'others.jsonl'), '{"photo": "else.jpg", "objects": []}\n');
    await expect(run(fitSearch, { ...options, products: 4, truth: [join(folder, 'others.jsonl')] })).rejects.toThrow(
      /index-objects comes first/,
    );
  });

  it('counts the copies it searched by: a picture that is gone has none', async () => {
    const catalog = openCatalog(folder);
    catalog.pins.upsert([readPin({ id: 'gone', image: 'images/gone.jpg' }, Date.now()) as PinRecord]);
    catalog.close();
    expect(await run(fitSearch, { ...options, products: PICTURES + 1 })).toMatchObject({ exactProduct: { queries: 3 * PICTURES } });
  });
});
