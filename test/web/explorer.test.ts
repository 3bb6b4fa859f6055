import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { openDetectionStore } from '../../src/detection/detection-store.ts';
import { job as extract } from '../../src/jobs/nets/extract-features.ts';
import { SILENT } from '../../src/progress.ts';
import { type Server, startServer } from '../../src/server.ts';
import { bundledNet } from '../../src/vision/net-folder.ts';
import { readNet } from '../../src/vision/net-manifest.ts';
import { testConfig, worldFolder } from '../world.ts';
import { CHROMIUM, openBrowser } from './browser.ts';

const BUILT = existsSync(join(import.meta.dirname, '../../dist/web/index.html'));

describe.skipIf(!CHROMIUM || !BUILT)('the pages in a real browser (skipped without Chromium or built pages)', () => {
  let server: Server;
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];

  beforeAll(async () => {
    const folder = await worldFolder();
    const config = testConfig(folder);
    await extract.run({
      options: { threads: 1, batch: 8 },
      args: [],
      config,
      dataFolder: folder,
      progress: SILENT,
      signal: new AbortController().signal,
    });
    noteObjects(folder);
    server = await startServer({ ...config, host: '127.0.0.1' }, folder);
    browser = await openBrowser();
    page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  const open = async (path: string): Promise<void> => {
    await page.goto(server.address + path, { waitUntil: 'networkidle' });
  };

  it('shows every pin with its picture, filters by category and finds by words', async () => {
    await open('/');
    expect(await page.locator('.card').count()).toBe(12);
    expect(await page.locator('h1').textContent()).toBe('All pins');
    await page.locator('.chip', { hasText: 'tattoos' }).click();
    await page.waitForURL('**/?category=tattoos');
    await page.waitForFunction(() => document.querySelectorAll('.card').length === 5);
    await page.locator('#search').fill('plant number 3');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelectorAll('.card').length === 1);
    expect(await page.locator('.card').getAttribute('data-pin')).toBe('plant-3');
  });

  it('shows the jobs with a form, says why one cannot run, runs another, and shows how it ended', { timeout: 180_000 }, async () => {
    await open('/jobs');
    const training = page.locator('[data-job="evaluate-ranker"]');
    expect(await training.getByRole('button', { name: 'Run' }).count()).toBe(0);
    expect(await training.innerText()).toContain('The log holds no event yet.');
    const building = page.locator('[data-job="build-candidates"]');
    await building.locator('summary').click();
    await building.getByLabel('threads').fill('1');
    await building.getByLabel('only', { exact: true }).selectOption('cooccurrence');
    await building.getByRole('button', { name: 'Run now' }).click();
    await page.waitForFunction(() => document.querySelector('[data-job="build-candidates"] .outcome')?.textContent === 'done', undefined, {
      timeout: 150_000,
    });
    const run = page.getByRole('region', { name: 'Runs' }).locator('tbody tr').first();
    expect(await run.innerText()).toContain('--only=cooccurrence --threads=1');
    await run.locator('summary').click();
    expect(await run.locator('pre').first().innerText()).toContain('cooccurrence');
  });

  it('the status says what serves, what was built and what lies where, and names what is stale with the job that mends it', async () => {
    await open('/status');
    const troubles = page.getByRole('region', { name: 'Troubles' });
    expect(await troubles.innerText()).toMatch(/there are no lists of pins that look alike/);
    expect(await troubles.getByRole('button', { name: 'Run build-candidates' }).count()).toBe(1);
    expect(await page.getByRole('region', { name: 'Catalog' }).innerText()).toMatch(/12\s+pins/);
    expect(await page.getByRole('region', { name: 'Serving' }).innerText()).toContain('starter');
    expect(await page.getByRole('region', { name: 'Storage' }).innerText()).toContain('catalog.sqlite');
  });

  it('the models and nets that serve are named, with what can be done about them', async () => {
    await open('/models');
    expect(await page.getByRole('row', { name: /starter/ }).innerText()).toContain('serves');
    await open('/nets');
    expect(await page.getByRole('row', { name: /bundled/ }).innerText()).toContain('serves');
  });

  it('explore mixes boards and lists newest first on request; a user is found by a part of the id', async () => {
    const order = () =>
      page
        .locator('.masonry-column > .card:first-child')
        .evaluateAll((row) => row.map((card) => card.getAttribute('data-pin')?.split('-')[0]));
    await open('/');
    expect(new Set((await order()).slice(0, 4)).size).toBe(2);
    await page.getByRole('link', { name: 'newest first' }).click();
    await expect.poll(async () => new Set((await order()).slice(0, 4)).size, { timeout: 20_000 }).toBe(1);
    await open('/home');
    await page.getByLabel('User id').fill('ann-pl');
    await page.waitForFunction(() => document.querySelectorAll('[aria-label=Users] tbody tr').length === 1);
    await page.getByRole('link', { name: 'ann-plant' }).click();
    await page.waitForSelector('[aria-label="History"] .card');
  });

  it('opens a closeup, explains a score in bars that name the terms, and goes back', async () => {
    await open('/');
    await page.locator('.card[data-pin="plant-1"] .card-image').click();
    await page.waitForSelector('.related .card');
    expect(await page.locator('h1').innerText()).toBe('plant number 1');
    expect(await page.title()).toBe('plant number 1 - related-pins');
    expect(await page.evaluate(() => document.activeElement?.id), 'the new page has the focus').toBe('main');
    const first = await page.locator('.related .card').first().getAttribute('data-pin');
    expect(first).toMatch(/^plant-/);
    expect(await page.locator('.related .card .card-name').first().innerText()).toMatch(/^plant number \d$/);
    await page.locator('.related .card').first().hover();
    await page.locator('.related .ask').first().click();
    expect(await page.locator('.why .term').count()).toBeGreaterThan(0);
    await page.goBack();
    await page.waitForFunction(() => document.querySelectorAll('.card').length === 12);
  });

  it('gives the explanation the focus, and the focus back on Escape, with the panel in sight in a narrow window too', async () => {
    for (const width of [1200, 380]) {
      await page.setViewportSize({ width, height: 700 });
      await open('/pin/plant-1');
      await page.waitForSelector('.related .card');
      const why = page.getByRole('button', { name: /^Why #2 plant/ });
      await why.focus();
      await page.keyboard.press('Enter');
      await page.waitForSelector('.why:focus');
      await page.waitForFunction(() => {
        const [panel, bar] = ['.why', '.bar'].map((part) => document.querySelector(part)?.getBoundingClientRect());
        return panel && bar && panel.top >= bar.bottom - 1 && panel.top < innerHeight;
      });
      await page.keyboard.press('Escape');
      await page.locator('.why').waitFor({ state: 'detached' });
      expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toMatch(/^Why #2 plant/);
    }
    await page.setViewportSize({ width: 1200, height: 800 });
  });

  it('leaves the focus alone when the site opens, and skips to the content', async () => {
    await open('/experiments');
    expect(await page.title()).toBe('Experiments - related-pins');
    expect(await page.evaluate(() => document.activeElement === document.body)).toBe(true);
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
  });

  it('explains why a pin stands above the next one: both pictures, and terms that add up to the difference', async () => {
    await open('/pin/plant-1');
    await page.waitForSelector('.related .card');
    await page.locator('.related .card').first().hover();
    await page.locator('.related .ask').first().click();
    await page.getByRole('button', { name: 'against the next one' }).click();
    expect(await page.locator('.why-pictures img').count()).toBe(2);
    const terms = (await page.locator('.term-value').allInnerTexts()).map(Number);
    const sum = Number(await page.locator('.why .sum b').innerText());
    expect(Math.abs(terms.reduce((total, term) => total + term, 0) - sum)).toBeLessThan(0.001 * (terms.length + 1));
  });

  it('draws the objects found over the picture and marks the dominant one', async () => {
    await open('/pin/plant-1');
    await page.getByRole('button', { name: /Show 2 objects/ }).click();
    expect(await page.locator('.box').count()).toBe(2);
    expect(await page.locator('.box.dominant .box-label').innerText()).toBe('★ plant 95');
    const [one, two] = await Promise.all([0, 1].map((i) => page.locator('.box-label').nth(i).boundingBox()));
    expect(one && two && (one.y + one.height <= two.y || two.y + two.height <= one.y), 'labels lie apart').toBe(true);
  });

  it('shows the home feed of a chosen user beside what that user saved', async () => {
    await open('/home/ann-plant');
    await page.waitForSelector('[aria-label="History"] .card');
    expect(await page.locator('h1').innerText()).toContain('ann-plant');
    await page.waitForSelector('[aria-label="Feed"] .card, [aria-label="Feed"] .state');
  });

  it('lays two orderings side by side, with the address to send to somebody', async () => {
    await open('/pin/plant-1?treatment=as-retrieved&against=variant-c');
    await page.waitForFunction(() => document.querySelectorAll('.side-by-side .related').length === 2);
    await page.waitForSelector('.moved');
    expect(await page.locator('.side-by-side .related h2').allInnerTexts()).toEqual(['as-retrieved', 'variant-c']);
  });

  it('a save on the page is a real event', async () => {
    const events = page.waitForResponse(
      (reply) => reply.url().endsWith('/v1/events') && (reply.request().postData() ?? '').includes('"save"'),
    );
    await open('/pin/plant-2');
    await page.waitForSelector('.related .card');
    await page.locator('.related .card').first().hover();
    await page.locator('.related .save').first().click();
    const receipt = (await (await events).json()) as { written: number };
    expect(receipt.written).toBe(1);
  });

  it('a pin is hidden from the menu of its card, stays away, and comes back with Undo; the menu works by keyboard', async () => {
    const hiddenHere = async (): Promise<readonly string[]> => {
      const user = await page.evaluate(
        () => localStorage.getItem('related-pins-user') ?? localStorage.getItem('related-pins-visitor') ?? '',
      );
      const reply = await fetch(`${server.address}/v1/users/${encodeURIComponent(user)}/hidden`);
      return ((await reply.json()) as { hidden: { pinId: string }[] }).hidden.map(({ pinId }) => pinId);
    };
    await open('/pin/plant-1');
    await page.waitForSelector('.related .card');
    const card = page.locator('.related .card').first();
    const pinId = (await card.getAttribute('data-pin')) ?? '';
    await card.locator('.card-menu summary').focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Escape');
    expect(await card.locator('.card-menu[open]').count()).toBe(0);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    const undo = page.locator(`[data-hidden="${pinId}"]`).getByRole('button', { name: /again$/ });
    await undo.waitFor();
    await open('/pin/plant-1');
    await page.waitForSelector('.related .card');
    expect(await page.locator(`.related .card[data-pin="${pinId}"]`).count()).toBe(0);
    await page.locator('.related .card').first().hover();
    await page.locator('.related .card-menu summary').first().click();
    const next = (await page.locator('.related .card').first().getAttribute('data-pin')) ?? '';
    await page.getByRole('button', { name: 'Hide: not for me' }).first().click();
    await expect.poll(hiddenHere).toEqual([next, pinId]);
    await page.locator(`[data-hidden="${next}"] button`).click();
    await page.locator(`.related .card[data-pin="${next}"]`).waitFor();
    await expect.poll(hiddenHere).toEqual([pinId]);
  });

  it('a visit to where a pin comes from counts for the list that the pin was opened from, and only then', async () => {
    await page.context().route('https://plant.example/**', (route) => route.fulfill({ body: 'a site' }));
    const clicks: unknown[] = [];
    page.on('request', (request) => {
      if (request.url().endsWith('/v1/events') && (request.postData() ?? '').includes('"click"')) clicks.push(request.postDataJSON());
    });
    const visit = async (): Promise<void> => {
      const opened = page.context().waitForEvent('page');
      await page.getByRole('link', { name: 'Visit plant.example' }).click();
      await (await opened).close();
    };
    const listed = page.waitForResponse((reply) => reply.url().includes('/v1/pins/plant-1/related'));
    await open('/pin/plant-1');
    const { recommendationId, items } = (await (await listed).json()) as {
      recommendationId: string;
      items: { pinId: string; position: number }[];
    };
    const [, { pinId, position }] = items;
    await page.locator(`.related .card[data-pin="${pinId}"] .card-image`).click();
    await page.waitForURL(`**/pin/${pinId}`);
    await page.reload({ waitUntil: 'networkidle' });
    const counted = page.waitForResponse((reply) => reply.url().endsWith('/v1/events'));
    await visit();
    expect(((await (await counted).json()) as { written: number }).written).toBe(1);
    expect(clicks).toMatchObject([{ events: [{ type: 'click', recommendationId, pinId, position }] }]);
    await open('/pin/plant-1');
    expect(await page.getByRole('link', { name: 'Visit' }).getAttribute('rel')).toBe('noopener noreferrer nofollow');
    await visit();
    expect(clicks.length).toBe(1);
  });

  it('searches inside the picture; the box moves by mouse and by keyboard, and the address keeps it', async () => {
    await open('/pin/plant-4?crop=');
    await page.waitForSelector('.results .card');
    const box = await page.locator('.crop').boundingBox();
    if (!box) throw new Error('there is no crop box');
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2 + 25, box.y + box.height / 2 + 15, { steps: 3 });
    await page.mouse.up();
    await page.waitForURL(/crop=\d+/);
    const before = page.url();
    await page.locator('.crop').focus();
    await page.keyboard.press('ArrowLeft');
    await page.waitForFunction((url) => location.href !== url, before);
    const left = await page.locator('.results .card').count();
    expect(left).toBeGreaterThan(0);
  });

  it('reads a photo in the lens and says what each source gave', async () => {
    await open('/lens');
    const photo = await (await fetch(`${server.address}/v1/pins/tattoo-1/image?width=200`)).arrayBuffer();
    await page.getByLabel('Choose a photo').setInputFiles({ name: 'photo.jpg', mimeType: 'image/jpeg', buffer: Buffer.from(photo) });
    await page.waitForSelector('.blend', { state: 'attached', timeout: 30_000 });
    expect(await page.locator('.blend > div').count()).toBe(3);
    expect(await page.locator('.card').count()).toBeGreaterThan(0);
  });

  it('explains the lens before there is a photo, and searches with one of its examples', async () => {
    await open('/lens');
    expect(await page.locator('main').innerText()).toContain('searched, not kept');
    expect(await page.getByLabel('Address of a picture').isVisible()).toBe(true);
    const examples = page.getByRole('region', { name: 'Examples' }).getByRole('button');
    expect(await examples.count()).toBe(3);
    await examples.first().click();
    await page.waitForURL(/\/lens\?pin=/);
    await page.locator('.card').first().waitFor({ timeout: 30_000 });
    await page.getByRole('button', { name: 'Search inside the photo' }).click();
    await page.waitForSelector('.results .card');
  });

  it('says what is not there, and fits a narrow window', async () => {
    problems.length = 0;
    await open('/pin/no-such-pin');
    expect(await page.locator('.state').innerText()).toContain('There is no pin no-such-pin');
    await page.setViewportSize({ width: 380, height: 700 });
    await open('/');
    const wider = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    expect(wider).toBe(false);
    await page.setViewportSize({ width: 1200, height: 800 });
  });

  it('breaks nothing: no script error and no refused resource in all of this', () => {
    expect(problems.filter((text) => !text.includes('404'))).toEqual([]);
  });
});

/** A plant and its vase in the picture of plant-1, as a detector would have found them. */
function noteObjects(folder: string): void {
  const catalog = openCatalog(folder);
  const image = [...catalog.pins.images()].find(({ pinIndex }) => pinIndex === catalog.pins.indexOf('plant-1'));
  const store = openDetectionStore(folder, readNet(bundledNet('detectors/fashion')));
  const detections = [
    { label: 'plant', score: 0.95, box: [4, 4, 60, 60] as const },
    { label: 'vase', score: 0.6, box: [5, 5, 40, 58] as const },
  ];
  store.write([
    { pinIndex: image?.pinIndex ?? 0, imageVersion: image?.imageVersion ?? 0, failure: null, found: { width: 64, height: 64, detections } },
  ]);
  store.close();
  catalog.close();
}
