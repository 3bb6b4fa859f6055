import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { job } from '../../src/jobs/nets/evaluate-features.ts';
import { SILENT } from '../../src/progress.ts';
import { drawSvg } from '../../src/vision/image-tensor.ts';
import { CHROMIUM, openBrowser } from '../web/browser.ts';
import { FAMILIES } from '../vision/family-graphs.ts';
import { drawing, TASTES, temporaryFolder, testConfig } from '../world.ts';

/** Six plants and six tattoos, in folders whose names must not end a script. */
async function labelledPictures(): Promise<string> {
  const folder = join(temporaryFolder(), 'pictures');
  for (const taste of TASTES) {
    mkdirSync(join(folder, `${taste} <b>`), { recursive: true });
    for (let n = 1; n <= 6; n++) writeFileSync(join(folder, `${taste} <b>`, `${n}.png`), await drawSvg(drawing(taste, n), 'png'));
  }
  return folder;
}

function run(options: Record<string, unknown>) {
  const dataFolder = temporaryFolder();
  return job.run({
    options: { truth: 'categories', seed: 1, ...options },
    args: [],
    config: testConfig(dataFolder),
    dataFolder,
    progress: SILENT,
    signal: new AbortController().signal,
  });
}

const VGG = ['fc6', 'fc7', 'pool5', 'fc8'];
const POOLED = ['pool5', 'fc8'];

// Random weights: what is held is that each export is measured by one command, under the paper's names.
it.each([
  ['vgg16', 'VGG16, torchvision', VGG],
  ['alexnet', 'AlexNet, Caffe2 in the zoo', VGG],
  ['googlenet', 'GoogLeNet, with an auxiliary head', POOLED],
  ['resnet101', 'ResNet-101', POOLED],
  ['resnet152', 'ResNet-152', POOLED],
])('prints Table 1 of an export of %s, layers named as in the paper', { timeout: 120_000 }, async (name, family, layers) => {
  const file = join(temporaryFolder(), `${name}.onnx`);
  writeFileSync(file, FAMILIES[family].make().bytes);
  const images = await labelledPictures();
  const printed = (await run({ images, net: [file], itq: ['4'] })).rows as { net: string; layer: string; type: string; distance: string }[];
  expect([...new Set(printed.slice(2).map((row) => `${row.net} ${row.layer}`))]).toEqual(layers.map((layer) => `${name} ${layer}`));
  for (const layer of layers) {
    const kinds = printed.filter((row) => row.layer === layer).map(({ type, distance }) => `${type} ${distance}`);
    expect(kinds).toEqual(['raw L1', 'raw L2', 'raw cosine', 'binary Hamming', 'binary-median Hamming', 'binary-itq-4 Hamming']);
  }
  const some = (await run({ images, net: [file], layers: ['pool5', 'conv9'] })).rows as { layer: string }[];
  expect([...new Set(some.map(({ layer }) => layer))]).toEqual(['-', 'pool5']);
  await expect(run({ images, net: [file], layers: ['conv9'] })).rejects.toMatchObject({ code: 'JOB_USAGE' });
});

it('prints the rows of Table 1, and a map that needs nothing else', { timeout: 180_000 }, async () => {
  const images = await labelledPictures();
  const file = join(temporaryFolder(), 'map.html');
  const { rows, map, noise } = (await run({ images, map: file, noise: 3, itq: ['16'] })) as unknown as {
    rows: { net: string; layer: string; type: string; distance: string; p1: number; bytesPerImage: number }[];
    map: Record<string, unknown>;
    noise: { images: number; separation: number }[];
  };
  const kinds = rows.map(({ layer, type, distance }) => `${layer} ${type} ${distance}`);
  for (const layer of ['fc6', 'fc8'])
    for (const kind of ['raw L1', 'raw L2', 'raw cosine', 'binary Hamming', 'binary-median Hamming', 'binary-itq-16 Hamming'])
      expect(kinds).toContain(`${layer} ${kind}`);
  expect(rows.find(({ type, layer }) => type === 'raw' && layer === 'fc6')?.p1).toBe(1);
  expect(noise.map((row) => row.images)).toEqual([3, 3]);
  expect(map).toEqual({ file, images: 15, spaces: ['related-pins-visual-2 fc6'] });
  const page = readFileSync(file, 'utf8');
  expect(page).not.toMatch(/https?:\/\//);
  expect(page.match(/data:image\/jpeg;base64,/g)).toHaveLength(15);
  expect(page).not.toContain('plant <b>');
});

it.skipIf(CHROMIUM === null)(
  `draws the map and tells an image's neighbours${CHROMIUM ? '' : ' (skipped: no Chromium)'}`,
  { timeout: 180_000 },
  async () => {
    const file = join(temporaryFolder(), 'map.html');
    await run({ images: await labelledPictures(), map: file });
    const browser = await openBrowser();
    try {
      const page = await browser.newPage({ viewport: { width: 1000, height: 700 } });
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(error.message));
      await page.goto(pathToFileURL(file).href);
      expect(await page.locator('#labels button').allTextContents()).toEqual(['plant <b>6', 'tattoo <b>6']);
      // Found by the page's own arithmetic: where it draws the first image.
      const at = await page.evaluate('[xOf(0), yOf(0)]');
      const [x, y] = at as [number, number];
      await page.mouse.move(x, y);
      await page.locator('#card.on').waitFor();
      expect(await page.locator('#card b').textContent()).toMatch(/^plant <b>\/\d\.png$/);
      expect(await page.locator('#near img').count()).toBe(8);
      await page.locator('#labels button').first().click();
      expect(await page.locator('#labels button').first().getAttribute('aria-pressed')).toBe('true');
      expect(errors).toEqual([]);
    } finally {
      await browser.close();
    }
  },
);
