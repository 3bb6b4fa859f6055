import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/math/random.ts';
import { type Server, startServer } from '../../src/server.ts';
import { engagement, servedList } from '../experiments/served-lists.ts';
import { testConfig, worldFolder } from '../world.ts';
import { CHROMIUM, openBrowser } from './browser.ts';

const BUILT = existsSync(join(import.meta.dirname, '../../dist/web/index.html'));
const DAY_MS = 86_400_000;
const DAYS = 4;
const PEOPLE = 1200;

const DEFINITION = {
  key: 'popular-only',
  description: 'what is popular against everything',
  arms: [
    { key: 'control', weight: 0.5 },
    // The starter orders a dozen pins alike whatever the sources, so only another order gives lists that differ.
    { key: 'popular', weight: 0.5, treatment: { model: 'as-retrieved' } },
  ],
  traffic: 0.5,
  guardrails: ['latency-ms'],
  counterfactualShare: 1,
};

describe.skipIf(!CHROMIUM || !BUILT)('the dashboard in a real browser (skipped without Chromium or built pages)', () => {
  let server: Server;
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];

  beforeAll(async () => {
    const folder = await worldFolder();
    server = await startServer({ ...testConfig(folder), host: '127.0.0.1' }, folder);
    browser = await openBrowser();
    page = await browser.newPage({ viewport: { width: 1200, height: 800 }, acceptDownloads: true });
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
  const stateIs = (state: string): Promise<unknown> => page.waitForSelector(`.controls .badge.state-${state}`);

  /** Four days of lists and events, as the log would hold them: the arm is saved from half as often. */
  async function fillLog(key = 'popular-only', arm2 = 'popular', rates: readonly [number, number] = [0.6, 0.3]): Promise<void> {
    const { log } = server.context;
    const random = seededRandom(3);
    const start = Date.now() - DAYS * DAY_MS;
    for (let person = 0; person < PEOPLE; person++) {
      const arm = person % 2 === 0 ? 'control' : arm2;
      const at = start + random.integer(DAYS * DAY_MS);
      const id = `${key}-${person}`;
      void log.lists.append(servedList(id, `person-${person}`, at, `${key}/${arm}`, [1, 2, 3, 4]));
      if (random.next() < rates[arm === 'control' ? 0 : 1])
        void log.events.append([engagement(`${id}/save`, 'save', id, 1 + random.integer(4), at + 1000)]);
    }
    log.commit.flush();
  }

  it('a definition that is wrong is refused with the field named; a right one becomes a draft', async () => {
    await open('/experiments');
    await page.getByRole('link', { name: 'New experiment' }).click();
    await page.getByText('As JSON: every field there is').click();
    const text = page.getByLabel('Definition');
    await text.fill(JSON.stringify({ ...DEFINITION, arms: [{ key: 'control', weight: 0.9 }, DEFINITION.arms[1]] }));
    await page.getByRole('button', { name: 'Keep as draft' }).click();
    await page.waitForSelector('[role=alert]');
    expect(await page.locator('[role=alert]').innerText()).toContain('arms: ');
    await text.fill(JSON.stringify(DEFINITION));
    await page.getByRole('button', { name: 'Keep as draft' }).click();
    await stateIs('draft');
    expect(await page.locator('h1').innerText()).toBe('popular-only');
    // It is asked for once the page is there.
    await page.getByLabel('Forecast').getByText('In the last 14 days').first().waitFor();
  });

  it('starts by keyboard, widens, and writes both down', async () => {
    await page.getByRole('button', { name: 'start', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.waitForSelector('button.sure:focus');
    await page.keyboard.press('Enter');
    await stateIs('running');
    await page.locator('.controls input').fill('80');
    await page.getByRole('button', { name: 'widen' }).click();
    await page.waitForFunction(() => document.body.innerText.includes('traffic 80 %'));
    const history = await page.getByLabel('History').innerText();
    expect(history).toMatch(/http\s+started/);
    expect(history).toContain('traffic: 0.5 -> 0.8');
  });

  it('says what to do, on what it rests, and how healthy it is', async () => {
    await fillLog();
    await open('/experiments/popular-only');
    const verdict = await page.getByLabel('Verdict').innerText();
    expect(verdict).toMatch(/do not ship/i);
    expect(verdict).toContain('Always-valid intervals');
    const health = await page.getByLabel('Health').innerText();
    expect(health).toContain('Sample ratio');
    expect(health).toContain('latency-ms in popular');
    expect(await page.getByRole('table', { name: 'Metrics of popular' }).getByRole('row').count()).toBeGreaterThan(2);
    expect(await page.getByLabel('Over time', { exact: true }).locator('canvas').count()).toBe(1);
    expect(await page.getByLabel('Exposures per day', { exact: true }).locator('canvas').count()).toBe(1);
    const rates = page.getByRole('region', { name: 'Rates' });
    expect(await rates.getByRole('row', { name: /Engagement rate/ }).innerText()).toMatch(/\d\.\d\d %\s+\d+ \/ 2,400/);
    const table4 = page.locator('details', { hasText: "the paper's Table 4" });
    expect(await table4.getAttribute('open'), 'folded').toBeNull();
    await table4.locator('summary').click();
    expect(await table4.innerText()).toContain('control (control)');
  });

  it('orders segments by lift, and days apart from the others', async () => {
    const plot = page.getByRole('table', { name: 'Segments of popular' });
    const lifts = (await plot.locator('.forest-text').allInnerTexts()).map((text) => Number(/[+-]?[\d.]+/.exec(text)?.[0]));
    expect(lifts.length).toBeGreaterThan(0);
    expect(lifts).toEqual([...lifts].sort((a, b) => b - a));
    await page.getByRole('button', { name: 'by day' }).click();
    await page.waitForFunction(() => document.querySelector('[aria-label=Segments]')?.textContent?.includes('day: '));
  });

  it('warns who asks for fixed-horizon intervals, and goes back', async () => {
    await page.getByRole('link', { name: 'show fixed-horizon intervals' }).click();
    await page.getByRole('link', { name: 'back to always-valid intervals' }).click();
    await page.getByRole('link', { name: 'show fixed-horizon intervals' }).waitFor();
  });

  it('downloads the report as JSON and as CSV', async () => {
    for (const format of ['JSON', 'CSV']) {
      const coming = page.waitForEvent('download');
      await page.getByRole('button', { name: `Download as ${format}` }).click();
      const file = await coming;
      expect(file.suggestedFilename()).toBe(`popular-only.${format.toLowerCase()}`);
      const text = readFileSync(await file.path(), 'utf8');
      if (format === 'JSON') expect(JSON.parse(text)).toMatchObject({ key: 'popular-only', verdict: 'do not ship' });
      else expect(text.split('\r\n')[0]).toBe('metric,arm,segment,users,controlUsers,value,controlValue,lift,low,high,p,q');
    }
  });

  it('shows lists that differ, with the way to see both', async () => {
    await server.context.experiments.active.current(Date.now() + 5000);
    await fetch(`${server.address}/v1/pins/plant-1/related?userId=a-visitor&limit=3`);
    await page.waitForFunction(async () => {
      const reply = await fetch('/v1/experiments/popular-only/differences');
      return ((await reply.json()) as { differences: unknown[] }).differences.length > 0;
    });
    await open('/experiments/popular-only');
    await page.getByLabel('Lists that differ').getByRole('link').first().click();
    await page.waitForFunction(() => document.querySelectorAll('.side-by-side .related').length === 2);
  });

  it('fits a narrow window and a dark one', async () => {
    await page.setViewportSize({ width: 380, height: 700 });
    await page.emulateMedia({ colorScheme: 'dark' });
    for (const path of ['/experiments', '/experiments/popular-only', '/experiments/define', '/judge']) {
      await open(path);
      expect([path, await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)]).toEqual([path, false]);
    }
    await page.setViewportSize({ width: 1200, height: 800 });
    await page.emulateMedia({ colorScheme: 'light' });
  });

  it('stops only for who says so twice', async () => {
    await open('/experiments/popular-only');
    await page.getByRole('button', { name: 'stop', exact: true }).click();
    await page.getByRole('button', { name: 'no', exact: true }).click();
    await stateIs('running');
    await page.getByRole('button', { name: 'stop', exact: true }).click();
    await page.locator('button.sure').click();
    await stateIs('stopped');
    await page.getByRole('button', { name: 'Keep the control' }).click();
    await page.getByLabel(/Why/).fill('it was worse');
    await page.keyboard.press('Enter');
    await page.getByText('control control stays: it was worse').first().waitFor();
    await open('/experiments');
    expect(await page.getByLabel('stopped').innerText()).toContain('popular-only');
  });

  it('goes from the form with its forecast to "serve the winner", and the winner serves', async () => {
    await open('/experiments/define');
    await page.getByRole('button', { name: 'two models' }).click();
    const control = page.getByRole('group', { name: 'Control' });
    expect(await control.getByLabel('What it changes').inputValue(), 'what serves is the control').toBe('model starter');
    await page.getByLabel('Key').fill('winner');
    await page.getByLabel('Hypothesis').fill('no model is better than the starter here');
    await page.getByLabel('Traffic').fill('100');
    await page.getByLabel('Smallest lift').fill('5');
    await page.waitForFunction(() =>
      /lift of \+5\.00 % needs|not enough to say/.test(document.querySelector('[aria-label=Forecast]')?.textContent ?? ''),
    );
    await page.getByRole('button', { name: 'Remove', exact: true }).first().click();
    await page.getByRole('button', { name: 'Remove', exact: true }).first().click();
    await page.getByRole('button', { name: 'Keep as draft' }).click();
    await stateIs('draft');
    expect(await page.locator('main').innerText()).toContain('no model is better than the starter here');
    await page.getByRole('button', { name: 'start', exact: true }).click();
    await page.locator('button.sure').click();
    await stateIs('running');
    await fillLog('winner', 'new', [0.3, 0.6]);
    await open('/experiments/winner');
    await page.getByRole('button', { name: 'Serve the winner, new' }).click();
    await page.getByLabel(/Why/).fill('twice the saves');
    await page.keyboard.press('Enter');
    await page.getByText('new serves: twice the saves').first().waitFor();
    await stateIs('stopped');
    const { serving } = (await (await fetch(`${server.address}/v1/models`)).json()) as { serving: string };
    expect(serving).toBe('as-retrieved');
    await open('/models');
    expect(
      await page
        .getByRole('region', { name: 'Models', exact: true })
        .getByRole('row', { name: /as-retrieved/ })
        .innerText(),
    ).toContain('serves');
    expect(await page.getByRole('region', { name: 'History' }).innerText()).toContain('won the experiment winner: twice the saves');
  });

  it('judges a study by keyboard, blind, takes the last answer back, and takes no key that is meant for something else', async () => {
    const body = {
      study: 'tastes',
      treatmentA: 'as-retrieved',
      treatmentB: { sources: ['popular-in-category'] },
      queries: 3,
      length: 4,
      repeats: 0.34,
    };
    const made = await fetch(`${server.address}/v1/judgements`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const { tasks } = (await made.json()) as { tasks: number };
    await open('/judge/tastes');
    expect(await page.locator('main').innerText()).not.toMatch(/as-retrieved|popular/);
    const answers: string[] = [];
    page.on('request', (request) => {
      if (request.method() === 'POST' && request.url().endsWith('/judgements/tastes')) answers.push(request.postData() ?? '');
    });
    await page.locator('#search').focus();
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Escape');
    for (const modifier of ['altKey', 'ctrlKey', 'metaKey'])
      await page.evaluate(
        (held) => document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft', bubbles: true, [held]: true })),
        modifier,
      );
    for (let task = 0; task < tasks; task++) {
      await page.waitForFunction((place) => document.body.innerText.includes(`${place + 1} of`), task);
      if (task === 1) {
        await page.keyboard.press('Backspace');
        await page.getByRole('button', { name: 'back' }).waitFor({ state: 'detached' });
        await page.keyboard.press('ArrowRight');
        await page.getByRole('button', { name: 'back' }).waitFor();
      }
      await page.keyboard.press('ArrowLeft');
    }
    await page.waitForSelector('.state');
    const { studies } = (await (await fetch(`${server.address}/v1/judgements`)).json()) as { studies: { judgements: number }[] };
    expect(studies[0].judgements).toBe(tasks);
    expect(answers.length, 'one each, and one taken back').toBe(tasks + 1);
  });

  it('breaks nothing: no script error and no refused resource in all of this', () => {
    expect(problems.filter((text) => !/40[04]/.test(text))).toEqual([]);
  });
});
