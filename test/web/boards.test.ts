import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { job as extract } from '../../src/jobs/nets/extract-features.ts';
import { type Server, startServer } from '../../src/server.ts';
import { runJob } from '../run-job.ts';
import { drawWorld, temporaryFolder, testConfig, worldFolder } from '../world.ts';
import { CHROMIUM, openBrowser } from './browser.ts';

const BUILT = existsSync(join(import.meta.dirname, '../../dist/web/index.html'));

describe.skipIf(!CHROMIUM || !BUILT)('boards and photos in a real browser (skipped without Chromium or built pages)', () => {
  let browser: Browser;
  let page: Page;
  let server: Server;
  let empty: Server;
  const problems: string[] = [];

  beforeAll(async () => {
    const folder = await worldFolder();
    await runJob(extract, folder);
    server = await startServer({ ...testConfig(folder), host: '127.0.0.1' }, folder);
    const bare = temporaryFolder();
    empty = await startServer({ ...testConfig(bare), host: '127.0.0.1' }, bare);
    browser = await openBrowser();
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await empty?.close();
  });
  beforeEach(async () => {
    page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
    page.on('pageerror', (error) => problems.push(error.message));
  });
  afterEach(async () => {
    await page.close();
    expect(problems).toEqual([]);
  });

  const pinsIn = (section: string): Promise<string[]> =>
    page.locator(`section[aria-label="${section}"] .card`).evaluateAll((cards) => cards.map((card) => card.getAttribute('data-pin') ?? ''));

  it('a pin leads to its boards, a board to its pins and to more ideas, which are named by their titles', async () => {
    await page.goto(`${server.address}/pin/plant-1`);
    await page.locator('.pin-boards .board-card').first().click();
    await page.getByRole('heading', { name: 'my plants', level: 1 }).waitFor();
    const ideas = 'More ideas for this board';
    await page.locator(`section[aria-label="${ideas}"] .card`).first().waitFor();
    const [held, ideal] = [await pinsIn('Pins of this board'), await pinsIn(ideas)];
    expect(held).toHaveLength(4);
    expect(ideal).toEqual(expect.arrayContaining(['plant-3', 'plant-6']));
    expect(ideal.filter((pinId) => held.includes(pinId))).toEqual([]);
    expect(await page.locator(`section[aria-label="${ideas}"] .card-image`).first().getAttribute('aria-label')).toMatch(
      /^(plant|tattoo) number \d$/,
    );
    await page.getByRole('link', { name: 'Boards', exact: true }).click();
    await page.locator('.board-card').nth(5).waitFor();
    expect(await page.locator('.board-card').count()).toBe(6);
  });

  it('an idea that is not wanted takes its kind with it, until that is taken back', async () => {
    const ideas = 'More ideas for this board';
    const asked: string[] = [];
    page.on('request', (request) => {
      if (request.url().includes('/related?')) asked.push(request.url());
    });
    await page.goto(`${server.address}/board/plants%20of%20ann`);
    const cards = page.locator(`section[aria-label="${ideas}"] .card`);
    await cards.first().waitFor();
    const unwanted = 'tattoo-1';
    await page
      .locator(`[data-pin="${unwanted}"]`)
      .getByLabel(/^More for/)
      .click();
    await page.locator(`[data-pin="${unwanted}"]`).getByRole('button', { name: 'Less like this' }).click();
    const chip = page.getByRole('button', { name: 'Take back: less like tattoo number 1' });
    await chip.waitFor();
    await page.locator(`[data-pin="${unwanted}"]`).waitFor({ state: 'detached' });
    expect(asked.at(-1)).toContain(`unlike=${unwanted}`);
    await chip.click();
    await page.locator(`[data-pin="${unwanted}"]`).waitFor();
    expect(asked.at(-1)).not.toContain('unlike');
  });

  it('a folder of photos chosen on the empty explorer becomes pins and boards', async () => {
    const photos = join(temporaryFolder(), 'mine');
    await drawWorld(join(photos, 'drawings'));
    await page.goto(empty.address);
    await page.getByRole('heading', { name: 'No pins yet' }).waitFor();
    await page.locator('input[type=file]').setInputFiles(photos);
    await page.locator('.card').nth(11).waitFor({ timeout: 60_000 });
    expect(await page.locator('.card').count()).toBe(12);
    const { boards } = (await (await fetch(`${empty.address}/v1/boards`)).json()) as { boards: { id: string; pins: number }[] };
    expect(boards).toMatchObject([{ id: 'drawings', pins: 12 }]);
  }, 120_000);
});
