import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createKey } from '../../src/access-keys.ts';
import { type Server, startServer } from '../../src/server.ts';
import { testConfig, worldFolder } from '../world.ts';
import { CHROMIUM, openBrowser } from './browser.ts';

const BUILT = existsSync(join(import.meta.dirname, '../../dist/web/index.html'));
const ALL = 'a-key-for-everything-here';

describe.skipIf(!CHROMIUM || !BUILT)('pages that need a key, in a real browser (skipped without Chromium or built pages)', () => {
  let server: Server;
  let browser: Browser;
  let page: Page;
  let readKey: string;
  const problems: string[] = [];

  beforeAll(async () => {
    const folder = await worldFolder();
    readKey = createKey(folder, 'reader', ['read']);
    server = await startServer({ ...testConfig(folder, { keys: [ALL], readKeyRequired: 'true' }), host: '127.0.0.1' }, folder);
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

  async function giveKey(key: string, where: Locator): Promise<void> {
    await where.getByLabel('Key', { exact: true }).fill(key);
    await where.getByRole('button', { name: 'Use this key' }).click();
  }

  /** Opens a page anew, as somebody who may only read. */
  async function openAsReader(path: string): Promise<void> {
    await page.goto(server.address + path);
    await giveKey(readKey, page.locator('main > .state'));
  }

  it('shows pictures with the key, those near the window first', async () => {
    await page.setViewportSize({ width: 420, height: 300 });
    await openAsReader('/');
    await expect.poll(() => page.locator('.card').count(), { timeout: 20_000 }).toBe(12);
    const chips = (): Promise<number> => page.locator('.chip').count();
    await expect.poll(chips, { message: 'what failed beside it came along', timeout: 20_000 }).toBeGreaterThan(1);
    await page.waitForFunction(() => [...document.images].some(({ src, naturalWidth }) => src.startsWith('blob:') && naturalWidth > 0));
    expect(await page.locator('img:not([src])').count()).toBeGreaterThan(0);
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
    await page.waitForFunction(() => [...document.images].every(({ naturalWidth }) => naturalWidth > 0));
    expect(await page.locator('.no-image').count()).toBe(0);
  });

  it('a save that was refused says so, asks for a key, and is made with it', async () => {
    await openAsReader('/pin/plant-1');
    const card = page.locator('.related .card').first();
    await card.hover();
    await card.locator('.save').click();
    const save = card.locator('.save.failed');
    await save.waitFor();
    expect(await save.innerText()).toBe('Not saved');
    expect(await save.getAttribute('title')).toContain('lacks the scope events');
    expect(await save.isEnabled()).toBe(true);
    const taken = page.waitForResponse((reply) => reply.url().endsWith('/v1/events') && reply.ok());
    await giveKey(ALL, page.locator('.list-notice'));
    expect(((await (await taken).json()) as { written: number }).written).toBe(1);
    await card.locator('.save.saved').waitFor();
    expect(await page.locator('.list-notice').count()).toBe(0);
  });

  it('an experiment that a key may not define or start is defined and started with one that may', async () => {
    await openAsReader('/experiments/define');
    await page.getByRole('button', { name: 'Keep as draft' }).click();
    await page.locator('.refusal', { hasText: 'REQUEST_FORBIDDEN' }).waitFor();
    await giveKey(ALL, page.locator('.refusal'));
    await page.waitForSelector('.controls .badge.state-draft');
    await page.close();
    page = await browser.newPage();
    await openAsReader('/experiments/new-model');
    await page.getByRole('button', { name: 'start', exact: true }).click();
    await page.locator('button.sure').click();
    await giveKey(ALL, page.locator('.controls'));
    await page.waitForSelector('.controls .badge.state-running');
  });
});
