// Walks through the visual search of a running service in Chromium and takes a picture of each step:
//   node scripts/visual-search-steps.mjs http://127.0.0.1:8080 [folder]
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

/** Crop, drag, dot, chip, Shop the Look, upload, Lens, a crop in the upload, and a finger on a phone. */
export async function visualSearchSteps(browser, base, out) {
  const pin = await pinWithDots(base);
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const take = async (name, on = page) => {
    await on.waitForTimeout(700);
    await on.screenshot({ path: join(out, `visual-search-${name}.jpg`), type: 'jpeg', quality: 82 });
    console.error(`visual-search-${name}`);
  };
  const found = (on = page) => on.waitForFunction(() => document.querySelector('.results:not(.busy) .card'), null, { timeout: 30_000 });
  await page.goto(`${base}/pin/${encodeURIComponent(pin)}`, { waitUntil: 'networkidle' });
  await page.getByRole('button', { name: 'Search inside the picture' }).click();
  await found();
  await take('1-open');
  await drag(page, await middleOf(page.locator('.crop')), -60, 40, false);
  await found();
  await take('2-dragging');
  await page.mouse.up();
  await found();
  await page.locator('.dot').first().hover();
  await take('3-dot');
  await page.locator('.dot').first().click();
  await found();
  await take('4-dot-results');
  await page.locator('.narrow-by .term-chip:not(.on)').first().click();
  await found();
  await take('5-chip');
  await page.getByRole('button', { name: 'Shop the look' }).click();
  await page.keyboard.press('Tab');
  await page.locator('.crop').focus();
  await page.keyboard.press('Escape');
  await found();
  await take('6-shop-the-look');
  const photo = Buffer.from(await (await fetch(`${base}/v1/pins/${encodeURIComponent(pin)}/image?width=512`)).arrayBuffer());
  await page.goto(`${base}/lens`, { waitUntil: 'networkidle' });
  await take('7-upload');
  await page.getByLabel('Choose a photo').setInputFiles({ name: 'photo.jpg', mimeType: 'image/jpeg', buffer: photo });
  await page.waitForSelector('.understanding', { timeout: 30_000 });
  await page.waitForLoadState('networkidle');
  await take('8-lens');
  await page.getByRole('button', { name: 'Search inside the photo' }).click();
  await found();
  await take('9-crop-in-upload');
  await page.close();
  const phone = await browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 });
  const small = await phone.newPage();
  await small.goto(`${base}/pin/${encodeURIComponent(pin)}?crop=`, { waitUntil: 'networkidle' });
  await found(small);
  await small.locator('.dot').first().tap();
  await found(small);
  await take('10-phone', small);
  await phone.close();
}

/** The pin whose picture carries most dots. */
async function pinWithDots(base) {
  const get = async (path) => (await fetch(base + path)).json();
  const asked = await get('/v1/pins?limit=120&category=home%20decor');
  const { pins } = asked.pins.length > 0 ? asked : await get('/v1/pins?limit=120');
  let best = { id: pins[0].id, dots: -1 };
  for (const { id } of pins) {
    const { objects = [] } = await get(`/v1/pins/${encodeURIComponent(id)}/objects`).catch(() => ({}));
    const dots = objects.filter(({ shown }) => shown).length;
    if (dots > best.dots && dots <= 8) best = { id, dots };
    if (best.dots >= 5) break;
  }
  return best.id;
}

async function middleOf(locator) {
  const box = await locator.boundingBox();
  return [box.x + box.width / 2, box.y + box.height / 2];
}

async function drag(page, [x, y], dx, dy, letGo = true) {
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + dx, y + dy, { steps: 6 });
  await page.waitForTimeout(900);
  if (letGo) await page.mouse.up();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [base = 'http://127.0.0.1:8080', out = join(dirname(fileURLToPath(import.meta.url)), '..', 'docs', 'screenshots')] =
    process.argv.slice(2);
  mkdirSync(out, { recursive: true });
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  await visualSearchSteps(browser, base, out);
  await browser.close();
}
