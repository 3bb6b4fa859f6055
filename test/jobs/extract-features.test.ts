import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { imageFetching } from '../../src/catalog/pins/image-fetch.ts';
import { type PinRecord, readPin } from '../../src/catalog/pins/records.ts';
import { featureNetOf } from '../../src/features/convnet.ts';
import { readExtracted, writeExtractionPlan } from '../../src/features/extraction-shards.ts';
import { openFeatureStore } from '../../src/features/feature-store.ts';
import { job as extractFeatures } from '../../src/jobs/nets/extract-features.ts';
import { SILENT } from '../../src/progress.ts';
import { imageLimitsOf } from '../../src/vision/inference-pool.ts';
import { activeNet } from '../../src/vision/net-folder.ts';
import { type BinarizationRule, readNet } from '../../src/vision/net-manifest.ts';
import { runJob } from '../run-job.ts';
import { imageServer } from '../image-server.ts';
import { colourNet, plain } from '../vision/colour-net.ts';
import { temporaryFolder, testConfig } from '../world.ts';
import { HAS_SPARK, SUBMIT } from './spark-here.ts';

const CLI = join(import.meta.dirname, '../../dist/src/cli.js');

/** A data folder with a net of its own, some pictures in it, and a last one on the web. */
async function folderWith(rule: BinarizationRule, pictures: number, url: string): Promise<string> {
  const folder = temporaryFolder();
  colourNet(join(folder, 'nets', 'visual'), { binarization: rule });
  mkdirSync(join(folder, 'images'));
  for (let i = 0; i < pictures; i++) writeFileSync(join(folder, 'images', `${i}.png`), await plain(`rgb(${255 - 5 * i},${3 * i},0)`));
  const catalog = openCatalog(folder);
  const images = [...Array.from({ length: pictures }, (_, i) => `images/${i}.png`), url];
  catalog.pins.upsert(images.map((image, i) => readPin({ id: `p${i}`, image }, Date.now()) as PinRecord));
  catalog.close();
  return folder;
}

function run(folder: string, signal = new AbortController().signal): Promise<Readonly<Record<string, unknown>>> {
  const config = testConfig(folder, { imagePrivateUrls: true });
  return extractFeatures.run({
    options: { workers: 1, threads: 1, batch: 4 },
    args: [],
    config,
    dataFolder: folder,
    progress: SILENT,
    signal,
  });
}

function stored(folder: string) {
  const store = openFeatureStore(folder);
  const catalog = openCatalog(folder);
  const netId = store.netIdOf(featureNetOf(readNet(activeNet(folder, 'visual'))));
  const found = { failures: store.failures(netId), binarizer: store.binarizer(netId), needed: catalog.pins.imagesNeeded().length };
  catalog.close();
  store.close();
  return found;
}

describe('extract-features, stopped', () => {
  // The stop broke the connection, which was kept as IMAGE_URL_REFUSED: no later run looked at the image again.
  it('while an image is fetched, does not refuse that image for good', async () => {
    const server = await imageServer(await plain('#fa0'));
    const folder = await folderWith('activation > 0', 3, server.url);
    const stop = new AbortController();
    void server.asked.then(() => stop.abort());
    await expect(run(folder, stop.signal)).rejects.toMatchObject({ code: 'JOB_STOPPED' });
    expect(stored(folder)).toMatchObject({ failures: {}, needed: 1 });
    server.release();
    expect(await run(folder)).toMatchObject({ written: 1, unchanged: 3, rejected: {} });
    expect(stored(folder)).toMatchObject({ failures: {}, needed: 0 });
    server.close();
  });

  // Thresholds were fitted on whatever part of the sample had been read, and kept.
  it('while codes are fitted, keeps no fit on a part of the sample', async () => {
    const server = await imageServer(await plain('#fa0'));
    const folder = await folderWith('activation > median', 20, server.url);
    const stop = new AbortController();
    void server.asked.then(() => stop.abort());
    await expect(run(folder, stop.signal)).rejects.toMatchObject({ code: 'JOB_STOPPED' });
    expect(stored(folder)).toMatchObject({ failures: {}, binarizer: null, needed: 21 });
    server.release();
    expect(await run(folder)).toMatchObject({ written: 21 });
    server.close();
  });
});

describe('extract-features', () => {
  it('fits codes on a small catalogue too: it takes what there is', async () => {
    const server = await imageServer(await plain('#fa0'));
    server.release();
    const folder = await folderWith('activation > median', 2, server.url);
    expect(await run(folder)).toMatchObject({ written: 3 });
    expect(stored(folder).binarizer).toMatchObject({ kind: 'thresholds', bits: 3 });
    server.close();
  });
});

/** A process of its own that does pieces of a folder; its answers. */
function pieces(shared: string, lines: readonly string[], ...more: readonly string[]) {
  const args = [CLI, 'shard', 'each', '--folder', shared, '--json', ...more];
  const done = spawnSync(process.execPath, args, { input: `${lines.join('\n')}\n`, encoding: 'utf8' });
  return done.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Every row of the active net, and what the catalog says of the images. */
function everything(folder: string) {
  const store = openFeatureStore(folder);
  const catalog = openCatalog(folder);
  const rows = [...store.rows(store.netIdOf(featureNetOf(readNet(activeNet(folder, 'visual')))), 'image')];
  const groups = [...catalog.groups.all()];
  const needed = catalog.pins.imagesNeeded().length;
  catalog.close();
  store.close();
  return { rows, needed, groups };
}

/** Pictures of two folders alike: some fine, one that is no picture, one that the net fails on, one that is gone. */
async function alikeFolders(): Promise<[string, string]> {
  const server = await imageServer(await plain('#fa0'));
  server.close();
  const make = async (): Promise<string> => {
    const folder = await folderWith('activation > median', 30, server.url);
    writeFileSync(join(folder, 'images', '3.png'), 'no picture');
    writeFileSync(join(folder, 'images', '5.png'), await plain('#00f'));
    // The picture of pin 10 once more.
    writeFileSync(join(folder, 'images', '25.png'), await plain('rgb(205,30,0)'));
    return folder;
  };
  return [await make(), await make()];
}

describe('extract-features, dealt to many', () => {
  it('a plain loop over the shard command gives the rows of one machine, a piece that is there is left, a killed one is done again', async () => {
    const [folder, other] = await alikeFolders();
    expect((await run(folder)).nearDuplicates).toBeGreaterThan(0);
    const local = everything(folder);
    expect(local.rows.map(({ failure }) => failure).filter(Boolean)).toEqual(expect.arrayContaining(['IMAGE_REFUSED']));
    const shared = join(other, 'by-hand');
    const catalog = openCatalog(other);
    const images = [...catalog.pins.images()];
    catalog.close();
    const net = readNet(activeNet(other, 'visual'));
    const { binarizer } = stored(folder);
    if (!binarizer) throw new Error('nothing was fitted');
    const config = testConfig(other, { imagePrivateUrls: true });
    const dealt = { net, binarizer, fetching: imageFetching(config, other), limits: imageLimitsOf(config), parts: 4 };
    const plan = writeExtractionPlan(shared, images, dealt);
    expect(plan.pieces).toBe(4);
    expect(pieces(shared, ['extract 2', 'extract 9', 'extract 0'])).toMatchObject([
      { step: 'extract', part: 2, written: true },
      { error: { code: 'JOB_USAGE', message: 'There are 4 pieces of images; --part 9 is none of them.' } },
      { step: 'extract', part: 0, written: true },
      { pieces: 3 },
    ]);
    // A piece that was cut off while it was written is no piece.
    const cut = join(shared, 'extract', '00002.bin');
    truncateSync(cut, 100);
    writeExtractionPlan(shared, images, dealt);
    expect(pieces(shared, ['extract 0', 'extract 1', 'extract 2', 'extract 3']).slice(0, 4)).toMatchObject([
      { written: false },
      { written: true },
      { written: true },
      { written: true },
    ]);
    const found = [0, 1, 2, 3].flatMap((piece) => readExtracted(shared, piece).rows);
    const store = openFeatureStore(':memory:');
    const netId = store.netIdOf(featureNetOf(net));
    store.put(netId, 'image', found);
    expect([...store.rows(netId, 'image')]).toEqual(local.rows);
    store.close();
    // Another fit gives other codes: no piece of before is taken for one of it.
    writeExtractionPlan(shared, images, { ...dealt, binarizer: { kind: 'positive', bits: 3 } });
    expect(pieces(shared, ['extract 0'])).toMatchObject([{ written: true }, { pieces: 1 }]);
  });

  it.skipIf(!HAS_SPARK)(
    `Spark reads the images of one machine to the same bits${HAS_SPARK ? '' : ' (skipped: no spark-submit here)'}`,
    { timeout: 240_000 },
    async () => {
      const [folder, other] = await alikeFolders();
      const local = await runJob(extractFeatures, folder, { workers: 1 }, { imagePrivateUrls: true });
      const options = { workers: 1, on: 'spark', master: 'local[2]', parts: 5 } as const;
      const settings = { imagePrivateUrls: true, sparkSubmit: SUBMIT };
      await expect(runJob(extractFeatures, other, { ...options, pace: 1 }, settings)).rejects.toMatchObject({ code: 'JOB_USAGE' });
      const dealt = await runJob(extractFeatures, other, options, settings);
      const { read, written, rejected, nearDuplicates, postponed } = local;
      expect(nearDuplicates).toBeGreaterThan(0);
      expect(dealt).toMatchObject({ read, written, rejected, nearDuplicates, postponed });
      expect(everything(other)).toEqual(everything(folder));
      for (const job of ['extraction', 'near-duplicates']) {
        expect(existsSync(join(other, 'spark', job)), job).toBe(false);
      }
    },
  );
});
