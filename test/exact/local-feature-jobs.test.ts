import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { alteredPicture } from '../../lab/studies/exact/altered-pictures.ts';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';
import { INLIERS_MIN } from '../../src/exact/exact-search.ts';
import { ExactSearchThread } from '../../src/exact/exact-search-thread.ts';
import { homographyOf, mapped } from '../../src/exact/homography.ts';
import { openLocalFeatureStore } from '../../src/exact/local-feature-store.ts';
import { KEY_POINTS_MAX } from '../../src/exact/local-features.ts';
import { callJob } from '../../src/jobs/job.ts';
import { job as build } from '../../src/jobs/search/build-vocabulary.ts';
import { job as extract } from '../../src/jobs/search/extract-local-features.ts';
import { seededRandom } from '../../src/math/random.ts';
import { SILENT } from '../../src/progress.ts';
import { decodeImage, DEFAULT_IMAGE_LIMITS, drawSvg } from '../../src/vision/image-tensor.ts';
import { temporaryFolder, testConfig } from '../world.ts';
import { drawnPicture, SIDE } from './drawn-pictures.ts';

const PICTURES = 8;

const folder = temporaryFolder();
const input = { config: testConfig(folder), dataFolder: folder, progress: SILENT, signal: new AbortController().signal };
const thread = new ExactSearchThread(folder, DEFAULT_IMAGE_LIMITS);

function upsert(names: readonly string[]): void {
  const catalog = openCatalog(folder);
  const pins = names.map((name) => ({ id: name, image: `${name}.png`, title: name }));
  upsertBatch(catalog, 'pins', pins, { now: Date.now(), folders: { images: join(folder, 'images'), data: folder } });
  catalog.close();
}

beforeAll(async () => {
  mkdirSync(join(folder, 'images'));
  for (let i = 0; i < PICTURES; i++) writeFileSync(join(folder, 'images', `p${i}.png`), await drawnPicture(i));
  writeFileSync(join(folder, 'images', 'broken.png'), 'no picture');
  writeFileSync(
    join(folder, 'images', 'plain.png'),
    await drawSvg(`<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90"><rect width="90" height="90" fill="#abc"/></svg>`, 'png'),
  );
  upsert([...Array.from({ length: PICTURES }, (_, i) => `p${i}`), 'broken', 'plain']);
});
afterAll(() => thread.close());

describe('local features of a catalog', () => {
  it('are extracted once, refused pictures are counted, and nothing is searched before there are words', async () => {
    await expect(callJob(build, input)).rejects.toMatchObject({ code: 'NOTHING_TO_DO' });
    const first = await callJob(extract, input, { workers: 1 });
    expect(first).toMatchObject({ read: PICTURES + 2, written: PICTURES + 1, refused: { IMAGE_UNSUPPORTED: 1 }, unchanged: 0 });
    const store = openLocalFeatureStore(folder);
    const features = store.get(0);
    expect(features).toMatchObject({ width: SIDE, height: SIDE });
    expect(features?.count).toBeGreaterThan(100);
    expect(features?.count).toBeLessThanOrEqual(KEY_POINTS_MAX);
    expect(store.get(PICTURES + 1)?.count).toBe(0);
    expect(store.count()).toBe(PICTURES + 1);
    store.close();
    expect(await callJob(extract, input, { workers: 1 })).toMatchObject({ written: 0, unchanged: PICTURES + 2 });
    expect(await callJob(extract, input, { workers: 1, retryFailed: true })).toMatchObject({ written: 0, unchanged: PICTURES + 1 });
    expect(thread.isReady).toBe(false);
  });

  it('find the same thing turned, and where it is in both pictures', async () => {
    expect(await callJob(build, input, { depth: 4 })).toMatchObject({ pictures: PICTURES });
    expect(thread.isReady).toBe(true);
    const photo = (await decodeImage(await drawnPicture(3))).working;
    const { bytes } = await alteredPicture('rotation', photo, photo, seededRandom(1));
    const [best, ...others] = await thread.search({ bytes, box: null, others: [] }, () => true);
    expect(best).toMatchObject({ pinIndex: 3, extent: [SIDE, SIDE] });
    expect(best.inliers).toBeGreaterThan(3 * INLIERS_MIN);
    expect(others.every(({ inliers }) => inliers < INLIERS_MIN)).toBe(true);
    // A turn about the middle keeps the middle: it lies where the middle of the picture is.
    const { width, height } = await decodeImage(bytes);
    const { query, result } = best.regions as NonNullable<typeof best.regions>;
    const [x, y] = mapped(homographyOf(query, result) as number[], [width / 2, height / 2]);
    expect(Math.hypot(x - SIDE / 2, y - SIDE / 2)).toBeLessThan(8);
    const without = await thread.search({ bytes, box: null, others: [] }, (pinIndex) => pinIndex !== 3);
    expect(without.some(({ pinIndex }) => pinIndex === 3)).toBe(false);
  });

  it('follow a catalog that grows, without new words', async () => {
    writeFileSync(join(folder, 'images', 'later.png'), await drawnPicture(50));
    upsert(['later']);
    expect(await callJob(extract, input, { workers: 1 })).toMatchObject({ written: 1 });
    const [best] = await thread.search({ bytes: await drawnPicture(50), box: [20, 20, 260, 260], others: [] }, () => true);
    expect(best.pinIndex).toBe(PICTURES + 2);
    const { query } = best.regions as NonNullable<typeof best.regions>;
    for (const [x, y] of query) expect(Math.min(x, y, 280 - x, 280 - y)).toBeGreaterThan(0);
  });

  it('say why they are refused: a damaged vocabulary, a picture that is none', async () => {
    const question = { bytes: Buffer.from('no picture'), box: null, others: [] };
    await expect(thread.search(question, () => true)).rejects.toMatchObject({ code: 'IMAGE_UNSUPPORTED' });
    rmSync(join(folder, 'local-features.sqlite'), { force: true });
    const fresh = new ExactSearchThread(folder, DEFAULT_IMAGE_LIMITS);
    await expect(fresh.search({ ...question, bytes: await drawnPicture(1) }, () => true)).rejects.toThrow();
    await fresh.close();
  });
});
