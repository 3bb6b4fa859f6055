import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { type PinRecord, readPin } from '../../src/catalog/pins/records.ts';
import { featureNetOf } from '../../src/features/convnet.ts';
import { openFeatureStore } from '../../src/features/feature-store.ts';
import { job as extractFeatures } from '../../src/jobs/nets/extract-features.ts';
import { SILENT } from '../../src/progress.ts';
import { activeNet } from '../../src/vision/net-folder.ts';
import { type BinarizationRule, readNet } from '../../src/vision/net-manifest.ts';
import { imageServer } from '../image-server.ts';
import { colourNet, plain } from '../vision/colour-net.ts';
import { temporaryFolder, testConfig } from '../world.ts';

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
