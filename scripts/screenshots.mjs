// Takes the pictures under docs/screenshots/ of a running service: node scripts/screenshots.mjs http://127.0.0.1:8080 [folder]
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { visualSearchSteps } from './visual-search-steps.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [base = 'http://127.0.0.1:8080', out = join(root, 'docs', 'screenshots')] = process.argv.slice(2);
mkdirSync(out, { recursive: true });
const get = async (path) => (await fetch(base + path)).json();
const { objects: pinWithObjects, plain } = await pins();
const { users } = await get('/v1/users?limit=1');
const { experiments } = await get('/v1/experiments');
const { models } = await get('/v1/models');
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
});

await shot('explorer', '/', {});
await shot('explorer-dark', '/?category=art', { colorScheme: 'dark' });
await shot('explorer-narrow', '/', { width: 420, height: 860 });
await shot('closeup', `/pin/${encodeURIComponent(plain)}`, {
  height: 1200,
  after: async (page) => {
    await page.locator('.card').first().hover();
    await page.locator('button.ask').first().click();
  },
});
await shot('hide-menu', `/pin/${encodeURIComponent(plain)}`, {
  after: async (page) => {
    await page.locator('.related .card').nth(1).hover();
    await page.locator('.related .card-menu summary').nth(1).click();
    await page.evaluate(() => window.scrollTo(0, document.querySelector('.related').getBoundingClientRect().top + scrollY - 80));
  },
});
await shot('objects', `/pin/${encodeURIComponent(pinWithObjects)}`, {
  after: (page) => page.getByRole('button', { name: /Show \d+ object/ }).click(),
});
await shot(
  'side-by-side',
  `/pin/${encodeURIComponent(plain)}?treatment=as-retrieved&against=${encodeURIComponent(models.at(-1)?.name ?? 'variant-c')}`,
  { height: 1300 },
);
const { boards } = await get('/v1/boards?limit=1');
if (boards[0])
  await shot('board-ideas', `/board/${encodeURIComponent(boards[0].id)}`, {
    height: 1400,
    after: async (page) => {
      const idea = page.locator('section[aria-label="More ideas for this board"] .card').first();
      await idea.getByLabel(/^More for/).click();
      await idea.getByRole('button', { name: 'Less like this' }).click();
      await page.locator('.unliked').waitFor();
    },
  });
if (users[0]) await shot('home-feed', `/home/${encodeURIComponent(users[0].id)}`, { height: 1100 });
await shot('experiments', '/experiments', {});
const [watched] = experiments.filter(({ state }) => state !== 'draft').sort((a, b) => b.users - a.users);
if (watched) {
  const path = `/experiments/${encodeURIComponent(watched.key)}`;
  await shot('experiment', path, { height: 1700 });
  await shot('experiment-dark', path, { height: 1100, colorScheme: 'dark' });
  await shot('experiment-narrow', path, { width: 420, height: 1400 });
}
await shot('experiment-define', '/experiments/define', { height: 1000 });
await shot('boards', '/boards', {});
await shot('status', '/status', { height: 1100 });
await shot('models', '/models', { height: 700 });
await shot('models-narrow', '/models', { width: 390, height: 844 });
await shot('jobs', '/jobs', { height: 1000 });
const { studies } = await get('/v1/judgements');
if (studies[0]) await shot('judge', `/judge/${encodeURIComponent(studies[0].study)}`, {});
await visualSearchSteps(browser, base, out);
await browser.close();

/** A pin whose picture holds several objects, and an ordinary one. */
async function pins() {
  const scenes = await get('/v1/pins?limit=120&category=womens%20fashion');
  const page = scenes.pins.length > 0 ? scenes : await get('/v1/pins?limit=200');
  let best = page.pins[0].id;
  let most = 0;
  for (const { id } of page.pins) {
    const { objects } = await get(`/v1/pins/${encodeURIComponent(id)}/objects`).catch(() => ({ objects: [] }));
    if (objects.length > most) [best, most] = [id, objects.length];
    if (most >= 3) break;
  }
  const art = await get('/v1/pins?limit=1&category=art');
  return { objects: best, plain: (art.pins[0] ?? page.pins[0]).id };
}

async function shot(name, path, { width = 1280, height = 860, colorScheme = 'light', settle = 900, after }) {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme });
  await page.goto(base + path, { waitUntil: 'networkidle' });
  await page.waitForTimeout(settle);
  if (after) {
    await after(page);
    await page.waitForTimeout(700);
  }
  await page.screenshot({ path: join(out, `${name}.jpg`), type: 'jpeg', quality: 76 });
  await page.close();
  console.error(name);
}
