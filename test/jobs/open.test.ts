import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { job as open } from '../../src/jobs/catalog/open.ts';
import { drawSvg } from '../../src/vision/image-tensor.ts';
import { drawing, drawWorld, TASTES, temporaryFolder, testConfig } from '../world.ts';

interface Opened {
  readonly address: Promise<string>;
  readonly notes: readonly string[];
  stop(): Promise<Readonly<Record<string, unknown>>>;
}

/** Runs the job as the command line would, until stopped. */
function opened(folder: string, options: Record<string, unknown> = {}): Opened {
  const stop = new AbortController();
  const notes: string[] = [];
  let listening: (address: string) => void = () => undefined;
  let failed: (error: unknown) => void = () => undefined;
  const address = new Promise<string>((done, fail) => {
    [listening, failed] = [done, fail];
  });
  const note = (line: string): void => {
    notes.push(line);
    const found = /photos? on the page .*(http:\/\/[^/]+)\//.exec(line);
    if (found) listening(found[1]);
  };
  const progress = { start() {}, update() {}, stop() {}, note };
  const run = open.run({
    args: [folder],
    options: { port: 0, browser: false, ...options },
    config: testConfig('unused'),
    dataFolder: 'unused',
    progress,
    signal: stop.signal,
  });
  run.catch(failed);
  address.catch(() => undefined);
  return {
    address,
    notes,
    stop: () => {
      stop.abort();
      return run;
    },
  };
}

test('a folder of photos becomes a page, follows the folder, and stops cleanly', async () => {
  const folder = temporaryFolder();
  await drawWorld(join(folder, 'drawn'));
  for (const taste of TASTES) {
    mkdirSync(join(folder, taste));
    for (let n = 1; n <= 6; n++) renameSync(join(folder, 'drawn', `${taste}-${n}.png`), join(folder, taste, `${taste}-${n}.png`));
  }
  writeFileSync(join(folder, 'plant', 'broken.jpg'), 'no picture');
  const page = opened(folder, { watch: true });
  const address = await page.address;
  expect(page.notes).toContainEqual(expect.stringMatching(/^12 photos on the page after/));
  expect(page.notes).toContainEqual(expect.stringMatching(/^1 photo without a picture: plant\/broken\.jpg \(IMAGE_\w+\)$/));
  await expect(opened(folder, { port: Number(new URL(address).port) }).stop()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  await expect(opened(folder).stop()).rejects.toMatchObject({ code: 'DATA_FOLDER_LOCKED' });
  const get = async <T>(path: string): Promise<T> => (await (await fetch(`${address}${path}`)).json()) as T;
  const list = await get<{ items: { pinId: string; fields: unknown }[] }>(
    `/v1/pins/${encodeURIComponent('plant/plant-2.png')}/related?limit=4`,
  );
  expect(list.items.map(({ pinId }) => pinId.split('/')[0])).toEqual(['plant', 'plant', 'plant', 'plant']);
  expect(list.items[0].fields).toMatchObject({ title: expect.stringMatching(/^plant \d$/) });
  await expect.poll(() => page.notes, { timeout: 60_000 }).toContain('objects are found and indexed');
  writeFileSync(join(folder, 'plant', 'late.png'), await drawSvg(drawing('plant', 7), 'png'));
  await expect
    .poll(async () => (await fetch(`${address}/v1/pins/${encodeURIComponent('plant/late.png')}`)).status, { timeout: 60_000 })
    .toBe(200);
  await expect
    .poll(() => page.notes, { timeout: 60_000 })
    .toContainEqual(expect.stringMatching(/^the page has what changed, [\d.]+ s after it was seen: 13 photos/));
  expect(await page.stop()).toMatchObject({
    photos: 13,
    shown: 12,
    refused: [expect.stringContaining('plant/broken.jpg')],
    stopped: true,
  });
  await expect(fetch(address)).rejects.toThrow();
}, 180_000);

test('what is no folder of photos is refused with the reason', async () => {
  await expect(opened(join(temporaryFolder(), 'nowhere')).stop()).rejects.toMatchObject({ code: 'JOB_USAGE' });
  const empty = temporaryFolder();
  await expect(opened(empty).stop()).rejects.toMatchObject({ code: 'NOTHING_TO_DO' });
});
