import { mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { type PinRecord, readPin } from '../../src/catalog/pins/records.ts';
import { activationsKey, activationsOf, tuningImages } from '../../src/jobs/nets/tuning-images.ts';
import { SILENT } from '../../src/progress.ts';
import { InferencePool } from '../../src/vision/inference-pool.ts';
import { type Net, readNet } from '../../src/vision/net-manifest.ts';
import { colourNet, plain } from '../vision/colour-net.ts';
import { temporaryFolder, testConfig } from '../world.ts';

const COUNT = 20;
/** Bytes of one row: the net's fc6 has three numbers. */
const ROW = 12;
const folder = temporaryFolder();
const work = join(folder, 'work');
const kinds = join(folder, 'kinds');
const pool = new InferencePool({ workers: 1, provider: 'cpu' });
let net: Net;

const input = (options: { readonly images?: string; readonly kinds?: string } = {}) => ({
  options: { sample: 1000, seed: 1, ...options },
  args: [],
  config: testConfig(folder),
  dataFolder: folder,
  progress: SILENT,
  signal: new AbortController().signal,
});
const activations = (of: ReturnType<typeof input>): Promise<Float32Array> => activationsOf(net, pool, tuningImages(of), work, of);
const rowsOf = (data: Float32Array): number[][] => Array.from({ length: COUNT }, (_, row) => [...data.subarray(3 * row, 3 * row + 3)]);

beforeAll(async () => {
  net = readNet(colourNet(join(folder, 'net')));
  const catalog = openCatalog(folder);
  for (let i = 0; i < COUNT; i++) {
    const name = `${String(i).padStart(2, '0')}.png`;
    const place = join(kinds, i % 2 ? 'odd' : 'even');
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, name), await plain(`rgb(${255 - 5 * i},${3 * i},0)`));
    catalog.pins.upsert([readPin({ id: `p${i}`, image: join(place, name) }, Date.now()) as PinRecord]);
  }
  catalog.close();
});
afterAll(() => pool.close());

// Rows behind the broken one stood half a row askew: every image had the activations of parts of two others.
it('goes on after the last whole row when a run ended in the middle of one', async () => {
  const whole = await activations(input({ images: kinds }));
  const file = join(work, 'activations.f32');
  expect(statSync(file).size).toBe(COUNT * ROW);
  truncateSync(file, 7 * ROW + 8);
  expect(await activations(input({ images: kinds }))).toEqual(whole);
  expect(readFileSync(file)).toHaveLength(COUNT * ROW);
});

// The key held names alone: a picture that was replaced kept the activations of the one before.
it('begins anew when a picture is another one under the same name', async () => {
  const before = rowsOf(await activations(input({ images: kinds })));
  writeFileSync(join(kinds, 'even', '00.png'), await plain('#fe0'));
  const after = rowsOf(await activations(input({ images: kinds })));
  expect(after[0]).not.toEqual(before[0]);
  expect(after.slice(1)).toEqual(before.slice(1));
});

it('and when a pin of the catalogue shows another picture, or other pins take the places of those before', async () => {
  const before = rowsOf(await activations(input()));
  const catalog = openCatalog(folder);
  catalog.pins.upsert([readPin({ id: 'p0', image: join(kinds, 'odd', '19.png') }, Date.now()) as PinRecord]);
  catalog.close();
  const after = rowsOf(await activations(input()));
  expect([after[0], ...after.slice(1)]).toEqual([before[19], ...before.slice(1)]);
  const images = tuningImages(input());
  const [first, second, ...others] = images;
  expect(activationsKey(net, [second, first, ...others])).not.toBe(activationsKey(net, images));
});
