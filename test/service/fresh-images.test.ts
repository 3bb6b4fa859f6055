import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { type PinRecord, readPin } from '../../src/catalog/pins/records.ts';
import { type Context, openContext } from '../../src/service/context.ts';
import { FIT_FEWEST } from '../../src/features/binarize.ts';
import type { FeatureNet } from '../../src/features/convnet.ts';
import { job as extractFeatures } from '../../src/jobs/nets/extract-features.ts';
import type { BinarizationRule } from '../../src/vision/net-manifest.ts';
import { imageServer } from '../image-server.ts';
import { runJob } from '../run-job.ts';
import { colourNet, plain } from '../vision/colour-net.ts';
import { temporaryFolder, testConfig } from '../world.ts';

const WAIT = { timeout: 60_000, interval: 20 };
const COLOURS = 4;

/** A data folder with a net of its own and a few pictures, which pins may share. */
async function folderOf(rule: BinarizationRule): Promise<string> {
  const folder = temporaryFolder();
  colourNet(join(folder, 'nets', 'visual'), { binarization: rule });
  mkdirSync(join(folder, 'images'));
  for (let i = 0; i < COLOURS; i++) writeFileSync(join(folder, 'images', `${i}.png`), await plain(`rgb(${255 - 40 * i},${30 * i},0)`));
  return folder;
}

function addPins({ catalog }: Pick<Context, 'catalog'>, count: number, imageOf = (i: number): string => `images/${i % COLOURS}.png`): void {
  const from = catalog.pins.count();
  catalog.pins.upsert(Array.from({ length: count }, (_, i) => readPin({ id: `p${from + i}`, image: imageOf(i) }, Date.now()) as PinRecord));
}

const netIdOf = ({ looks }: Context): number => looks.store.netIdOf(looks.net as FeatureNet);

describe('fresh images', () => {
  // The stop broke the connection, which was kept as IMAGE_URL_REFUSED: the next start did not look at the image again.
  it('one that is being fetched when the service stops is looked at by the next', async () => {
    const server = await imageServer(await plain('#fa0'));
    const folder = await folderOf('activation > 0');
    const config = testConfig(folder, { imagePrivateUrls: true });
    const stopped = await openContext(config, folder);
    addPins(stopped, 1, () => server.url);
    void stopped.refresher.imagesSettled();
    await server.asked;
    await stopped.close();
    const catalog = openCatalog(folder);
    expect(catalog.pins.imagesNeeded()).toHaveLength(1);
    catalog.close();
    server.release();
    const context = await openContext(config, folder);
    expect(context.looks.store.failures(netIdOf(context))).toEqual({});
    await context.refresher.imagesSettled();
    expect(context.visual?.image.has[0]).toBe(1);
    await context.close();
    server.close();
  });

  // Medians were fitted on whatever had arrived, be it one picture, and kept for the whole catalogue that came after.
  it('are left to extract-features while there are too few to fit codes on, which is said once', async () => {
    const folder = await folderOf('activation > median');
    const problems: (string | null)[] = [];
    const context = await openContext(testConfig(folder), folder, { onChange: ({ problem }) => problems.push(problem) });
    for (const arrived of [3, 1]) {
      addPins(context, arrived);
      await context.refresher.imagesSettled();
    }
    expect(problems).toEqual([expect.stringMatching(/^Fewer than 500 images .* extract-features fits them/)]);
    expect(context.looks.store.binarizer(netIdOf(context))).toBeNull();
    expect(context.catalog.pins.imagesNeeded()).toHaveLength(4);
    expect(await runJob(extractFeatures, folder, { workers: 1 })).toMatchObject({ written: 4 });
    await context.refresh();
    addPins(context, 1);
    await context.refresher.imagesSettled();
    expect([...(context.visual?.image.has.subarray(0, 5) ?? [])]).toEqual([1, 1, 1, 1, 1]);
    expect(problems).toHaveLength(1);
    await context.close();
  });

  it('are enough to fit codes on when some hundred are there', async () => {
    const folder = await folderOf('activation > median');
    const context = await openContext(testConfig(folder), folder);
    addPins(context, FIT_FEWEST);
    void context.refresher.imagesSettled();
    await expect.poll(() => context.looks.store.binarizer(netIdOf(context)), WAIT).toMatchObject({ kind: 'thresholds' });
    await expect.poll(() => context.visual?.image.has[0], WAIT).toBe(1);
    await context.close();
  });
});
