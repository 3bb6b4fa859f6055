import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page, Route } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Server, startServer } from '../../src/server.ts';
import { testConfig, twoTasteWorld, worldFolder } from '../world.ts';
import { CHROMIUM, openBrowser } from './browser.ts';

const BUILT = existsSync(join(import.meta.dirname, '../../dist/web/index.html'));
const FURTHER_PAGE = /\/v1\/pins\?.*cursor=/;
const PINS = 130;

describe.skipIf(!CHROMIUM || !BUILT)('many pins in a real browser (skipped without Chromium or built pages)', () => {
  let server: Server;
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];

  beforeAll(async () => {
    const more = Array.from({ length: PINS }, (_, i) => ({ id: `more-${i}`, title: `more ${i}`, link: 'javascript:alert(1)' }));
    const folder = await worldFolder({ pins: [...twoTasteWorld().pins, ...more] });
    server = await startServer({ ...testConfig(folder), host: '127.0.0.1' }, folder);
    browser = await openBrowser();
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });
  beforeEach(async () => {
    page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
    page.on('pageerror', (error) => problems.push(error.message));
  });
  afterEach(async () => {
    await page.close();
    expect(problems).toEqual([]);
  });

  const cards = (): Promise<number> => page.locator('.card').count();

  it('a page that arrives after the category changed is not put into the new category', async () => {
    const held: Route[] = [];
    await page.route(FURTHER_PAGE, (route) => void held.push(route));
    await page.goto(server.address);
    await expect.poll(() => held.length, { timeout: 20_000 }).toBe(1);
    await page.locator('.chip', { hasText: 'tattoos' }).click();
    await expect.poll(cards, { timeout: 20_000 }).toBe(5);
    // The page was given up and the browser may have dropped its request already.
    await held[0].continue().catch(() => undefined);
    await page.waitForLoadState('networkidle');
    expect(await cards()).toBe(5);
    expect(await page.title()).toBe('tattoos - related-pins');
  });

  it('a page that does not arrive is said, and another try brings it', async () => {
    await page.route(FURTHER_PAGE, (route) => route.abort());
    await page.goto(server.address);
    const failed = page.locator('.more-failed');
    await failed.waitFor();
    expect(await failed.innerText()).toContain('Could not load more.');
    expect(await cards()).toBe(60);
    await page.unroute(FURTHER_PAGE);
    await failed.getByRole('button', { name: 'Try again' }).click();
    await expect.poll(cards, { timeout: 20_000 }).toBeGreaterThan(60);
    expect(await failed.count()).toBe(0);
  });

  it('offers no visit to what is no address of the web', async () => {
    await page.goto(`${server.address}/pin/more-7`);
    await page.getByRole('heading', { name: 'more 7' }).waitFor();
    expect(await page.getByRole('link', { name: 'Visit' }).count()).toBe(0);
  });
});
