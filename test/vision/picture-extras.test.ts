import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { decodeImage } from '../../src/vision/image-tensor.ts';
import { withoutExtras } from '../../src/vision/picture-extras.ts';

function chunk(name: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

const withoutPngExtras = (png: Uint8Array) => withoutExtras(png, 'png');
/** Behind the header chunk. */
const withChunks = (png: Buffer, ...chunks: Buffer[]) => Buffer.concat([png.subarray(0, 33), ...chunks, png.subarray(33)]);
const packed = (bytes: number) => Buffer.concat([Buffer.from('c\0\0'), deflateSync(Buffer.alloc(bytes, 97))]);
const plain = () => sharp({ create: { width: 8, height: 4, channels: 4, background: { r: 90, g: 80, b: 200, alpha: 0.5 } } });
const profileBytes = async (png: Uint8Array) => (await sharp(png).metadata()).icc?.length;

// 2 MB of PNG with 300 packed texts took 2 GB of memory.
it('texts and profiles that unpack to megabytes are taken out, and the picture is the same', async () => {
  const png = await plain().png({ palette: false }).toBuffer();
  const bare = withoutPngExtras(png);
  const many = Array.from({ length: 1000 }, () => chunk('tEXt', Buffer.from('k\0v')));
  const bomb = withChunks(png, chunk('zTXt', packed(1_000_000)), chunk('iCCP', packed(5_000_000)), ...many);
  expect(Buffer.from(withoutPngExtras(bomb)).equals(Buffer.from(bare))).toBe(true);
  expect((await decodeImage(bomb)).working).toEqual((await decodeImage(png)).working);
});

it('what changes pixels stays: transparency, which side is up, and a profile of usual size', async () => {
  const whole = await plain().withMetadata({ orientation: 6 }).withIccProfile('p3').png({ palette: true }).toBuffer();
  const lean = withoutPngExtras(withChunks(whole, chunk('tEXt', Buffer.from('k\0v'))));
  expect(await profileBytes(lean)).toBe(await profileBytes(whole));
  const decoded = await decodeImage(lean);
  expect([decoded.width, decoded.height]).toEqual([4, 8]);
  expect(decoded.working).toEqual((await decodeImage(whole)).working);
});

it('bytes without extras, and what is cut short, stay as they are', async () => {
  const png = withoutPngExtras(await plain().png().toBuffer());
  expect(withoutPngExtras(png)).toBe(png);
  const cut = png.subarray(0, png.length - 20);
  expect(withoutPngExtras(cut)).toBe(cut);
});

// 60,000 pages that name the same 10 MB of metadata kept the decoder busy for most of a minute, before any limit of time.
it('of a TIFF the first page alone is left', async () => {
  const raw = await plain().removeAlpha().tiff({ compression: 'none' }).toBuffer();
  const directory = raw.readUInt32LE(4);
  const next = directory + 2 + 12 * raw.readUInt16LE(directory);
  expect(raw.readUInt32LE(next)).toBe(0);
  const twice = Buffer.concat([raw, raw.subarray(directory)]);
  twice.writeUInt32LE(raw.length, next);
  expect((await sharp(twice).metadata()).pages).toBe(2);
  const lean = withoutExtras(twice, 'tiff');
  expect((await sharp(lean).metadata()).pages ?? 1).toBe(1);
  expect((await decodeImage(twice)).working).toEqual((await decodeImage(raw)).working);
  expect(withoutExtras(raw, 'tiff')).toBe(raw);
});

const webpChunk = (name: string, data: Buffer): Buffer => {
  const head = Buffer.alloc(8);
  head.write(name, 'latin1');
  head.writeUInt32LE(data.length, 4);
  return Buffer.concat([head, data, Buffer.alloc(data.length & 1)]);
};
const withWebpChunks = (webp: Buffer, extra: Buffer): Buffer => {
  const longer = Buffer.concat([webp, extra]);
  longer.writeUInt32LE(longer.length - 8, 4);
  return longer;
};

// 19 MB of 2.4 million empty chunks took 0.9 seconds and 407 MB.
it('of a WebP file only what makes its first picture is left', async () => {
  const photo = plain().withMetadata({ orientation: 6 }).withIccProfile('p3');
  for (const webp of [await plain().webp({ lossless: true }).toBuffer(), await photo.webp().toBuffer()]) {
    expect(withoutExtras(webp, 'webp')).toBe(webp);
    const more = withWebpChunks(webp, Buffer.concat(Array.from({ length: 5000 }, () => webpChunk('abcd', Buffer.alloc(3)))));
    expect(Buffer.from(withoutExtras(more, 'webp')).equals(webp)).toBe(true);
    expect((await decodeImage(more)).working).toEqual((await decodeImage(webp)).working);
    const cut = more.subarray(0, more.length - 5);
    expect(withoutExtras(cut, 'webp').length).toBeLessThan(webp.length + 20);
    expect(
      Buffer.from(withoutExtras(Buffer.concat([webp, Buffer.from('behind it')]), 'webp'))
        .subarray(0, webp.length)
        .equals(webp),
    ).toBe(true);
  }
});

it('of an animated WebP the first frame is read', async () => {
  const frames = await Promise.all(
    ['red', 'blue', 'green'].map((background) =>
      sharp({ create: { width: 8, height: 4, channels: 3, background } })
        .png()
        .toBuffer(),
    ),
  );
  const animated = await sharp(frames, { join: { animated: true } })
    .webp({ lossless: true })
    .toBuffer();
  const lean = withoutExtras(animated, 'webp');
  expect(lean.length).toBeLessThan(animated.length);
  const [first] = (await decodeImage(animated)).working.data ?? [];
  expect(first).toBeGreaterThan(200);
});
