import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import sharp, { type Metadata, type Sharp } from 'sharp';
import { expect, it } from 'vitest';
import { decodeImage, measureImage } from '../../src/vision/image-tensor.ts';
import { decodedBytes, inTurn, sharedTurns } from '../../src/vision/large-pictures.ts';

const LARGE = 100_000_000;

// A dozen uploads of a few bytes that claimed 100 million interlaced pixels each were decoded at the same time: gigabytes.
it('large pictures are decoded one after another, also when one fails; ordinary ones do not wait', async () => {
  let running = 0;
  let most = 0;
  const decode = async (fails: boolean): Promise<string> => {
    most = Math.max(most, ++running);
    await new Promise((done) => setTimeout(done, 5));
    running--;
    if (fails) throw new Error('broken');
    return 'pixels';
  };
  const large = [false, true, false].map((fails) => inTurn(LARGE, () => decode(fails)));
  await expect(inTurn(1000, async () => most)).resolves.toBe(0);
  const ends = await Promise.allSettled(large);
  expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(most).toBe(1);
});

const picture = (width: number, height: number, channels: 3 | 4) =>
  sharp({ create: { width, height, channels, background: { r: 90, g: 80, b: 200, alpha: 1 } } });

// Half a megabyte of PNG took 915 MB, 846 bytes of AVIF 450: pixels say little about what decoding costs.
it('pictures are weighed by what decoding them takes, not by their pixels', async () => {
  const weightOf = async (image: Sharp): Promise<number> => (await measureImage(await image.toBuffer())).decodedBytes / (256 * 256);
  const plain = picture(256, 256, 4);
  expect(await weightOf(plain.clone().png())).toBe(3);
  expect(await weightOf(plain.clone().png({ progressive: true }))).toBeCloseTo(5.2);
  expect(await weightOf(plain.clone().toColourspace('rgb16').png({ progressive: true }))).toBeCloseTo(10.4);
  expect(await weightOf(plain.clone().jpeg())).toBe(1);
  expect(await weightOf(plain.clone().jpeg({ progressive: true }))).toBe(4);
  expect(await weightOf(plain.clone().jpeg({ progressive: true, chromaSubsampling: '4:4:4' }))).toBe(7);
  expect(await weightOf(plain.clone().avif())).toBe(20);
});

it.each(['png of 16 bits', 'avif'])(
  'what takes more than a quarter of a gigabyte is refused by its header: %s',
  async (kind) => {
    const [width, height] = kind === 'avif' ? [4000, 4000] : [5100, 5100];
    const made =
      kind === 'avif'
        ? picture(width, height, 3).avif({ effort: 0 })
        : picture(width, height, 4).toColourspace('rgb16').png({ progressive: true });
    const bytes = await made.toBuffer();
    expect(bytes.length).toBeLessThan(2_000_000);
    await expect(decodeImage(bytes)).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE', message: expect.stringContaining('MiB') as string });
  },
  60_000,
);

it('photos of phones and cameras are taken, of every usual format', () => {
  const header = (more: object) => ({ width: 8064, height: 6048, channels: 3, depth: 'uchar', ...more }) as Metadata;
  const most = 256 * 2 ** 20;
  expect(decodedBytes('jpeg', header({}))).toBeLessThan(most);
  expect(decodedBytes('jpeg', header({ isProgressive: true, chromaSubsampling: '4:2:0' }))).toBeLessThan(most);
  expect(decodedBytes('png', header({}))).toBeLessThan(most);
  expect(decodedBytes('avif', header({ width: 4032, height: 3024 }))).toBeLessThan(most);
  expect(decodedBytes('webp', header({ width: 6000, height: 4000 }))).toBeLessThan(most);
});

it('a large picture waits for that of another thread, and a thread that ended holds up nobody', async () => {
  const done = new Int32Array(new SharedArrayBuffer(4));
  const other = new Worker(
    `const { workerData, parentPort } = require('node:worker_threads');
     const turns = new Int32Array(workerData.turns);
     Atomics.store(turns, 1, Math.floor(Date.now() / 1000));
     Atomics.store(turns, 0, 1);
     parentPort.postMessage('taken');
     setTimeout(() => {
       Atomics.store(new Int32Array(workerData.done.buffer), 0, 1);
       Atomics.store(turns, 0, 0);
       Atomics.notify(turns, 0);
     }, 200);`,
    { eval: true, workerData: { turns: sharedTurns(), done } },
  );
  await once(other, 'message');
  await expect(inTurn(LARGE, async () => Atomics.load(done, 0))).resolves.toBe(1);
  await other.terminate();
  const turns = new Int32Array(sharedTurns());
  Atomics.store(turns, 1, Math.floor(Date.now() / 1000) - 60);
  Atomics.store(turns, 0, 1);
  await expect(inTurn(LARGE, async () => 'decoded')).resolves.toBe('decoded');
  await expect(inTurn(LARGE, async () => 'again')).resolves.toBe('again');
});
