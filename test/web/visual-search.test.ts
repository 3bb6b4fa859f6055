import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page, Request } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { job as detect } from '../../src/jobs/nets/detect-objects.ts';
import { job as extract } from '../../src/jobs/nets/extract-features.ts';
import type { Job } from '../../src/jobs/job.ts';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { SILENT } from '../../src/progress.ts';
import { openDetectionStore } from '../../src/detection/detection-store.ts';
import { openMarkStore } from '../../src/marks/mark-store.ts';
import { type Server, startServer } from '../../src/server.ts';
import { bundledNet } from '../../src/vision/net-folder.ts';
import { readNet } from '../../src/vision/net-manifest.ts';
import { testConfig, worldFolder } from '../world.ts';
import { CHROMIUM, openBrowser } from './browser.ts';

const BUILT = existsSync(join(import.meta.dirname, '../../dist/web/index.html'));

interface Asked {
  readonly box: readonly number[];
  readonly terms: readonly string[];
  readonly mode: string;
  readonly via: string;
  readonly preview: boolean;
}

describe.skipIf(!CHROMIUM || !BUILT)('search inside pictures, in a real browser (skipped without Chromium or built pages)', () => {
  let folder: string;
  let server: Server;
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];
  const asked: Asked[] = [];

  beforeAll(async () => {
    folder = await worldFolder();
    const config = testConfig(folder);
    const run = (job: Job) =>
      job.run({ options: { workers: 1 }, args: [], config, dataFolder: folder, progress: SILENT, signal: new AbortController().signal });
    await run(extract);
    await run(detect);
    drawDetections(folder);
    writeWords(folder);
    noteMarks(folder);
    server = await startServer({ ...config, host: '127.0.0.1' }, folder);
    browser = await openBrowser();
    page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
    listen(page);
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  function listen(on: Page): void {
    on.on('pageerror', (error) => problems.push(error.message));
    on.on('request', (request: Request) => {
      const { pathname } = new URL(request.url());
      if (pathname === '/v1/visual-search' && request.headers()['content-type'] === 'application/json')
        asked.push(request.postDataJSON() as Asked);
    });
  }

  const results = (on = page) => on.waitForFunction(() => document.querySelector('.results:not(.busy) .card'), null, { timeout: 60_000 });
  const last = (): Asked => asked[asked.length - 1];
  const boxOf = async (on = page) => {
    const box = await on.locator('.crop').boundingBox();
    if (!box) throw new Error('there is no crop box');
    return { ...box, x2: box.x + box.width, y2: box.y + box.height };
  };
  async function open(path: string, on = page): Promise<void> {
    await on.goto(server.address + path, { waitUntil: 'networkidle' });
    await results(on);
  }

  it('asks while the box is dragged, as previews, and counts the search when it is let go', async () => {
    await open('/pin/plant-4?crop=');
    asked.length = 0;
    const { x, y, width, height } = await boxOf();
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + width / 2 + 40, y + height / 2 + 20, { steps: 4 });
    await expect.poll(() => asked.length, { timeout: 20_000 }).toBeGreaterThan(0);
    expect(asked.every(({ preview }) => preview)).toBe(true);
    await page.mouse.up();
    await expect.poll(() => last().preview, { timeout: 20_000 }).toBe(false);
    await results();
    expect(last()).toMatchObject({ via: 'crop', mode: 'flashlight' });
    expect(page.url()).toMatch(/crop=\d+/);
  });

  it('resizes by a corner and draws a new box beside the old one', async () => {
    const before = await boxOf();
    await page.mouse.move(before.x2, before.y2);
    await page.mouse.down();
    await page.mouse.move(before.x2 - 60, before.y2 - 60, { steps: 3 });
    await page.mouse.up();
    const smaller = await boxOf();
    expect(smaller.width).toBeLessThan(before.width - 40);
    const stage = await page.locator('.stage').boundingBox();
    if (!stage) throw new Error('there is no picture');
    await page.mouse.move(stage.x + 5, stage.y + 5);
    await page.mouse.down();
    await page.mouse.move(stage.x + 90, stage.y + 70, { steps: 3 });
    await page.mouse.up();
    const drawn = await boxOf();
    expect(drawn.x).toBeLessThan(stage.x + 10);
    expect(drawn.width).toBeLessThan(100);
  });

  it('moves by arrows, resizes with shift, and takes the whole picture by Escape', async () => {
    await page.locator('.crop').focus();
    const before = await boxOf();
    await page.keyboard.press('ArrowRight');
    expect((await boxOf()).x).toBeGreaterThan(before.x);
    await page.keyboard.press('Shift+ArrowDown');
    expect((await boxOf()).height).toBeGreaterThan(before.height);
    await page.keyboard.press('Escape');
    await expect.poll(() => last().box, { timeout: 20_000 }).toEqual([0, 0, 1, 1]);
    await results();
  });

  it('a dot names its object and searches by it', async () => {
    const dot = page.locator('.dot').first();
    expect(await dot.getAttribute('aria-label')).toBe('Search this: plant');
    await dot.click();
    await expect.poll(() => last().via, { timeout: 20_000 }).toBe('dot');
    expect(last().box.map((side) => Math.round(side * 100) / 100)).toEqual([0.25, 0.25, 0.75, 0.75]);
    await results();
  });

  it('a chip narrows, a second click widens again', async () => {
    await page
      .locator('.narrow-by .term-chip')
      .filter({ hasText: /^plant large$/ })
      .click();
    await expect.poll(() => last().terms, { timeout: 20_000 }).toEqual(['plant large']);
    await page.waitForFunction(() => document.querySelectorAll('.results:not(.busy) .card').length === 2, null, { timeout: 20_000 });
    await page.locator('.narrow-by .term-chip.on').click();
    await page.waitForFunction(() => document.querySelectorAll('.results:not(.busy) .card').length > 2, null, { timeout: 20_000 });
  });

  it('shops the look: a shelf per object, buyable only', async () => {
    await page.getByRole('button', { name: 'Shop the look' }).click();
    await page.waitForSelector('.shelf .card', { timeout: 20_000 });
    expect(await page.getByRole('button', { name: 'Shop the look' }).getAttribute('aria-pressed')).toBe('true');
    const ids = await page.locator('.shelf .card').evaluateAll((cards) => cards.map((card) => card.getAttribute('data-pin') ?? ''));
    expect(ids.length).toBeGreaterThan(0);
    expect(await page.locator('.found').innerText()).toBe(ids.length === 1 ? '1 pin found' : `${ids.length} pins found`);
    expect(ids.every((id) => Number(id.split('-')[1]) % 2 === 0)).toBe(true);
  });

  it('a saved result is an event of that search', async () => {
    await page.getByRole('button', { name: 'Looks alike' }).click();
    await results();
    const sent = page.waitForResponse(
      (reply) => reply.url().endsWith('/v1/events') && (reply.request().postData() ?? '').includes('"save"'),
    );
    await page.locator('.results .card').first().hover();
    await page.locator('.results .save').first().click();
    expect(((await (await sent).json()) as { written: number }).written).toBe(1);
  });

  it('follows a finger: a touch drags the box, a tap takes a dot', async () => {
    const phone = await browser.newContext({ viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true });
    const small = await phone.newPage();
    listen(small);
    await open('/pin/plant-4?crop=', small);
    const before = await boxOf(small);
    const finger = await phone.newCDPSession(small);
    const [x, y] = [before.x + before.width / 2, before.y + before.height * 0.8];
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', at: readonly { x: number; y: number }[]) =>
      finger.send('Input.dispatchTouchEvent', { type, touchPoints: [...at] });
    await touch('touchStart', [{ x, y }]);
    for (let step = 1; step <= 4; step++) await touch('touchMove', [{ x: x - 12 * step, y: y - 6 * step }]);
    await touch('touchEnd', []);
    const after = await boxOf(small);
    expect(after.x).toBeLessThan(before.x - 30);
    expect(after.width).toBeCloseTo(before.width, 0);
    await small.locator('.dot').first().tap();
    await expect.poll(() => last().via, { timeout: 20_000 }).toBe('dot');
    expect(await small.evaluate(() => document.documentElement.scrollWidth > innerWidth)).toBe(false);
    await phone.close();
  });

  it('takes a photo by file, by drop and by paste, shows the blend, and crops inside it', async () => {
    const bytes = readFileSync(join(folder, 'images', 'tattoo-2.png'));
    await page.goto(`${server.address}/lens`, { waitUntil: 'networkidle' });
    await page.getByLabel('Choose a photo').setInputFiles({ name: 'one.png', mimeType: 'image/png', buffer: bytes });
    await page.waitForSelector('.blend', { state: 'attached', timeout: 60_000 });
    expect(await page.locator('.drop b').innerText()).toBe('one.png');
    for (const kind of ['drop', 'paste'] as const) {
      await page.evaluate(handOver, { kind, text: bytes.toString('base64') });
      await page.waitForFunction((name) => document.querySelector('.drop b')?.textContent === name, `${kind}.png`, { timeout: 20_000 });
      await page.waitForSelector('.blend', { state: 'attached', timeout: 60_000 });
    }
    await page.getByRole('button', { name: 'Search inside the photo' }).click();
    await results();
    expect(await page.locator('.crop').count()).toBe(1);
    expect(await page.locator('.results .card').first().getAttribute('data-pin')).toMatch(/^tattoo-/);
  });

  it('says what it cannot read', async () => {
    await page.goto(`${server.address}/lens`, { waitUntil: 'networkidle' });
    await page
      .getByLabel('Choose a photo')
      .setInputFiles({ name: 'page.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('<!doctype html><html></html>') });
    await page.waitForSelector('.state[role=alert]', { timeout: 20_000 });
    expect(await page.locator('.state').innerText()).toContain('HTML');
  });

  it('a dot that is less sure than a coin has no word', async () => {
    await open('/pin/plant-5?crop=');
    const dot = page.locator('.dot').first();
    expect(await dot.getAttribute('aria-label')).toBe('Search this');
    expect(await dot.innerText()).toBe('');
  });

  it('says what the net sees, and how sure it is', async () => {
    await page.goto(`${server.address}/pin/plant-4`, { waitUntil: 'networkidle' });
    expect(await page.locator('.hero-text .term-chip').allInnerTexts()).toContain('pot 82 %');
  });

  it('shows the marks of a picture with their boxes, and leads from one to all pins that show it', async () => {
    await page.goto(`${server.address}/pin/plant-4`, { waitUntil: 'networkidle' });
    await page.getByRole('button', { name: 'Show 1 object and 2 marks' }).click();
    expect(await page.locator('.box.mark').evaluateAll((boxes) => boxes.map((box) => box.textContent))).toEqual(['Acme 75', 'Star 60']);
    expect(await page.locator('.box.mark').first().getAttribute('title')).toBe('mark Acme, 75 of 100; 50 is just sure enough');
    const [stage, box] = [await page.locator('.stage').boundingBox(), await page.locator('.box.mark').first().boundingBox()];
    if (!stage || !box) throw new Error('there is no picture, or no mark');
    expect(Math.abs((box.x - stage.x) / stage.width - 8 / 128)).toBeLessThan(0.02);
    expect(Math.abs(box.width / stage.width - 40 / 128)).toBeLessThan(0.02);
    await page.locator('.hero-text .mark-chip', { hasText: 'Acme' }).click();
    await page.waitForSelector('h1:has-text("All pins, with the mark Acme")', { state: 'attached' });
    await page.waitForFunction(() => document.querySelectorAll('.card').length === 2);
    const ids = await page.locator('.card').evaluateAll((cards) => cards.map((card) => card.getAttribute('data-pin')));
    expect(ids.sort()).toEqual(['plant-4', 'tattoo-1']);
    await page.getByRole('button', { name: /^Acme/, pressed: true }).click();
    await page.waitForFunction(() => document.querySelectorAll('.card').length > 2);
    expect(page.url()).not.toContain('mark');
  });

  it('a mark has a dot, and its chip leaves only what shows it', async () => {
    await open('/pin/plant-4?crop=');
    expect(await page.locator('.dot.mark').evaluateAll((dots) => dots.map((dot) => dot.getAttribute('aria-label')))).toEqual([
      'Search this: Acme',
      'Search this: Star',
    ]);
    const chip = page.locator('.cropper').getByRole('button', { name: /^Acme/ });
    await chip.click();
    await page.waitForFunction(() => document.querySelectorAll('.results:not(.busy) .card').length === 1, null, { timeout: 20_000 });
    expect(await page.locator('.results .card').getAttribute('data-pin')).toBe('tattoo-1');
    await chip.click();
    await page.waitForFunction(() => document.querySelectorAll('.results:not(.busy) .card').length > 2, null, { timeout: 20_000 });
  });

  it('breaks nothing', () => {
    expect(problems).toEqual([]);
  });
});

/** Puts a sure plant into the middle of plant-4 and an unsure one into plant-5's, whatever the detector thinks of our drawings. */
function drawDetections(folder: string): void {
  const store = openDetectionStore(folder, readNet(bundledNet('detectors/fashion')));
  for (let pinIndex = 0; pinIndex < 12; pinIndex++) {
    const sure = { 3: 0.95, 4: 0.45 }[pinIndex];
    const detections = sure ? [{ label: 'plant', score: sure, box: [32, 32, 96, 96] as const }] : [];
    store.write([
      { pinIndex, imageVersion: store.versionsSeen().get(pinIndex) ?? 1, found: { width: 128, height: 128, detections }, failure: null },
    ]);
  }
  store.close();
}

/** As find-marks writes them: two in plant-4, one of them in tattoo-1, too. */
function noteMarks(folder: string): void {
  const marks = openMarkStore(folder);
  const acme = { label: 'Acme', score: 0.75, box: [8, 8, 48, 48] as const };
  marks.putFound(
    [
      { pinIndex: 3, marks: [acme, { label: 'Star', score: 0.6, box: [80, 80, 120, 110] }] },
      { pinIndex: 6, marks: [acme] },
    ],
    'all',
  );
  marks.close();
}

/** As extraction writes them; the net has no words for drawings of 128 pixels. */
function writeWords(folder: string): void {
  const catalog = openCatalog(folder);
  const plant = [...catalog.pins.images()].filter(({ pinIndex }) => pinIndex === 3);
  catalog.pins.noteImages(plant.map((image) => ({ ...image, failure: null, words: { pot: 0.82 } })));
  catalog.close();
}

/** In the page: drops or pastes a file as a browser would. */
function handOver({ kind, text }: { kind: 'drop' | 'paste'; text: string }): void {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], `${kind}.png`, { type: 'image/png' }));
  if (kind === 'paste') dispatchEvent(new ClipboardEvent('paste', { clipboardData: data }));
  else document.querySelector('.drop')?.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
}
