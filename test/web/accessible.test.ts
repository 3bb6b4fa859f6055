import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { job as extract } from '../../src/jobs/nets/extract-features.ts';
import { type Server, startServer } from '../../src/server.ts';
import { engagement, servedList } from '../experiments/served-lists.ts';
import { runJob } from '../run-job.ts';
import { temporaryFolder, testConfig, worldFolder } from '../world.ts';
import { CHROMIUM, openBrowser } from './browser.ts';

const BUILT = existsSync(join(import.meta.dirname, '../../dist/web/index.html'));
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Violation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** What axe-core finds against WCAG 2.2 A and AA and its own best practices, one line each. */
async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const found = await page.evaluate(
    async () => (await (window as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } }).axe.run()).violations,
  );
  return found.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html.slice(0, 160)}`));
}

describe.skipIf(!CHROMIUM || !BUILT)('every page, asked by axe-core (skipped without Chromium or built pages)', () => {
  let server: Server;
  let empty: Server;
  let browser: Browser;

  beforeAll(async () => {
    const folder = await worldFolder();
    await runJob(extract, folder);
    server = await startServer({ ...testConfig(folder), host: '127.0.0.1' }, folder);
    const bare = temporaryFolder();
    empty = await startServer({ ...testConfig(bare), host: '127.0.0.1' }, bare);
    const post = (path: string, body: unknown) => {
      const headers = { 'content-type': 'application/json' };
      return fetch(`${server.address}/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    };
    const arms = [
      { key: 'control', weight: 0.5 },
      { key: 'popular', weight: 0.5, treatment: { model: 'as-retrieved' } },
    ];
    await post('/experiments', { key: 'popular', arms, guardrails: ['latency-ms'], owner: 'ann', tags: ['order'] });
    await post('/experiments/popular/start', {});
    await post('/experiments', { key: 'later', arms, layer: 'other' });
    const { log } = server.context;
    for (let person = 0; person < 900; person++) {
      const at = Date.now() - 3 * 86_400_000 + person * 200_000;
      void log.lists.append(servedList(`l${person}`, `p${person}`, at, `popular/${person % 2 ? 'popular' : 'control'}`, [1, 2, 3]));
      if (person % 3 === 0) void log.events.append([engagement(`l${person}/s`, 'save', `l${person}`, 1, at + 9)]);
    }
    log.commit.flush();
    browser = await openBrowser();
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await empty?.close();
  });

  const PAGES = [
    '/',
    '/?q=nothing-like-this',
    '/pin/plant-1',
    '/pin/plant-1?crop=',
    '/pin/plant-1?treatment=as-retrieved&against=starter',
    '/pin/nobody',
    '/boards',
    '/board/plants%20of%20ann',
    '/home',
    '/home/ann-plant',
    '/lens',
    '/lens?pin=plant-1',
    '/experiments',
    '/experiments/define',
    '/experiments/popular',
    '/experiments/later',
    '/status',
    '/models?model=starter',
    '/nets',
    '/jobs',
    '/duplicates',
    '/judge',
    '/no-such-page',
  ];

  it.each(PAGES)('%s has no violation, wide and light or narrow and dark', { timeout: 60_000 }, async (path) => {
    for (const { width, colorScheme } of [
      { width: 1280, colorScheme: 'light' },
      { width: 390, colorScheme: 'dark' },
    ] as const) {
      const page = await browser.newPage({ viewport: { width, height: 844 }, colorScheme, reducedMotion: 'reduce' });
      await page.goto(server.address + path, { waitUntil: 'networkidle' });
      // On a busy machine the network rests before the page has asked for anything.
      await page.locator('h1').first().waitFor({ state: 'attached' });
      await page.evaluate(() => document.querySelectorAll('details').forEach((each) => (each.open = true)));
      expect(await violationsOf(page), `${width} ${colorScheme}`).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), `${width}: wider than the window`).toBe(false);
      await page.close();
    }
  });

  it('the drop zone of an empty folder has none, and neither has the menu of a phone', async () => {
    const page = await browser.newPage({ viewport: { width: 390, height: 844 } });
    await page.goto(empty.address, { waitUntil: 'networkidle' });
    await page.getByRole('heading', { name: 'No pins yet' }).waitFor();
    await page.getByRole('button', { name: 'Menu' }).click();
    await page.getByRole('navigation', { name: 'Pages' }).waitFor();
    expect(await violationsOf(page)).toEqual([]);
    await page.close();
  });
});
