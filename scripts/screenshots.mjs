// Takes the pictures under docs/screenshots/ of a running service: node scripts/screenshots.mjs http://127.0.0.1:8080 [folder]
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [base = 'http://127.0.0.1:8080', out = join(root, 'docs', 'screenshots')] = process.argv.slice(2);
mkdirSync(out, { recursive: true });
const get = async (path) => (await fetch(base + path)).json();
const { objects: pinWithObjects, plain } = await pins();
const { users } = await get('/v1/users?limit=1');
const { experiments } = await get('/v1/experiments');
const { models } = await get('/v1/models');
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] });

await shot('explorer', '/', { });
await shot('explorer-dark', '/?category=art', { colorScheme: 'dark' });
await shot('explorer-narrow', '/', { width: 420, height: 860 });
await shot('closeup', `/pin/${encodeURIComponent(plain)}`, { height: 1200, after: (page) => page.locator('button.link', { hasText: /^why$/ }).first().click() });
await shot('objects', `/pin/${encodeURIComponent(pinWithObjects)}`, { after: (page) => page.getByRole('button', { name: /Show \d+ object/ }).click() });
await shot('side-by-side', `/pin/${encodeURIComponent(plain)}?treatment=as-retrieved&against=${encodeURIComponent(models.at(-1)?.name ?? 'variant-c')}`, { height: 1300 });
await shot('cropper', `/pin/${encodeURIComponent(pinWithObjects)}?crop=`, { settle: 2500, after: drag });
if (users[0]) await shot('home-feed', `/home/${encodeURIComponent(users[0].id)}`, { height: 1100 });
await shot('experiments', '/experiments', {});
const [watched] = experiments.filter(({ state }) => state !== 'draft').sort((a, b) => b.users - a.users);
if (watched) {
  const path = `/experiments/${encodeURIComponent(watched.key)}`;
  await shot('experiment', path, { fullPage: true });
  await shot('experiment-dark', path, { height: 1100, colorScheme: 'dark' });
  await shot('experiment-narrow', path, { width: 420, height: 1400 });
}
await shot('experiment-define', '/experiments/define', { height: 1000 });
const { studies } = await get('/v1/judgements');
if (studies[0]) await shot('judge', `/judge/${encodeURIComponent(studies[0].study)}`, {});
await lens();
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

async function shot(name, path, { width = 1280, height = 860, colorScheme = 'light', settle = 900, fullPage = false, after }) {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme });
  await page.goto(base + path, { waitUntil: 'networkidle' });
  await page.waitForTimeout(settle);
  if (after) {
    await after(page);
    await page.waitForTimeout(700);
  }
  await page.screenshot({ path: join(out, `${name}.jpg`), type: 'jpeg', quality: 82, fullPage });
  await page.close();
  console.error(name);
}

async function drag(page) {
  const box = await page.locator('.crop').boundingBox();
  if (!box) return;
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2 - 30, box.y + box.height / 2 - 20, { steps: 4 });
  await page.mouse.up();
  await page.waitForTimeout(1500);
}

async function lens() {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
  const photo = await (await fetch(`${base}/v1/pins/${encodeURIComponent(pinWithObjects)}/image?width=400`)).arrayBuffer();
  await page.goto(`${base}/lens`, { waitUntil: 'networkidle' });
  await page.locator('input[type=file]').setInputFiles({ name: 'photo.jpg', mimeType: 'image/jpeg', buffer: Buffer.from(photo) });
  await page.waitForSelector('.understanding', { timeout: 30_000 }).catch(() => undefined);
  await page.waitForTimeout(1500);
  await page.screenshot({ path: join(out, 'lens.jpg'), type: 'jpeg', quality: 82 });
  await page.close();
  console.error('lens');
}
