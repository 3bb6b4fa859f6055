import sharp, { type Sharp } from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  boxFromTensor,
  cropJpeg,
  decodeImage,
  decodeRegion,
  drawSvg,
  encodePixels,
  type Pixels,
  resizeRegion,
  thumbnail,
  writeTensor,
} from '../../src/vision/image-tensor.ts';
import { colourCells, fingerprint, perceptualDistance, perceptualHash } from '../../src/vision/fingerprint.ts';
import { textPath, textUnits } from '../../lab/world/stroke-font.ts';
import { DUPLICATE_RULES } from '../../src/features/near-duplicates.ts';
import { coarseDifference, laidOverDifference, laidPicture } from '../../src/vision/laid-over.ts';
import type { NetInput } from '../../src/vision/net-manifest.ts';

/** A scene with enough in it for hashes: sky, ground, sun, a house. */
const SCENE = `<svg xmlns="http://www.w3.org/2000/svg" width="320" height="240"><rect width="320" height="150" fill="#48c"/>
  <rect y="150" width="320" height="90" fill="#483"/><circle cx="260" cy="50" r="34" fill="#fd4"/>
  <rect x="50" y="90" width="110" height="100" fill="#b53"/><path d="M40 90 l65 -60 l65 60 z" fill="#622"/>
  <rect x="90" y="130" width="30" height="60" fill="#321"/></svg>`;
let png: Uint8Array;
let jpeg: Uint8Array;

beforeAll(async () => {
  png = await drawSvg(SCENE, 'png');
  jpeg = await drawSvg(SCENE, 'jpeg');
});

const input: NetInput = {
  name: 'x',
  width: 2,
  height: 2,
  layout: 'NCHW',
  channels: 'RGB',
  mean: [1, 2, 3],
  scale: [1, 0.5, 2],
  resize: 'stretch-bilinear',
};
const four: Pixels = { width: 2, height: 2, data: Uint8Array.from([11, 12, 13, 21, 22, 23, 31, 32, 33, 41, 42, 43]) };

describe('bad and odd images', () => {
  const html = Buffer.from('<!DOCTYPE html><html><body>404</body></html>');
  const cases: readonly [string, () => Promise<Uint8Array> | Uint8Array, string, RegExp][] = [
    ['no bytes', () => new Uint8Array(0), 'IMAGE_REFUSED', /empty/],
    ['HTML named .jpg', () => html, 'IMAGE_UNSUPPORTED', /HTML/],
    ['an SVG', () => Buffer.from(SCENE), 'IMAGE_UNSUPPORTED', /SVG/],
    ['an SVG behind an XML head', () => Buffer.from(`<?xml version="1.0"?>\n<!-- x -->${SCENE}`), 'IMAGE_UNSUPPORTED', /SVG|XML/],
    ['a PDF', () => Buffer.from('%PDF-1.7'), 'IMAGE_UNSUPPORTED', /PDF/],
    ['a BMP', () => Buffer.from('BM......'), 'IMAGE_UNSUPPORTED', /BMP/],
    ['text', () => Buffer.from('hello'), 'IMAGE_UNSUPPORTED', /not an image/],
    ['half a JPEG', () => jpeg.subarray(0, jpeg.length >> 1), 'IMAGE_REFUSED', /decoded/],
    ['half a PNG', () => png.subarray(0, png.length >> 1), 'IMAGE_REFUSED', /decoded|header/],
    ['a JPEG head alone', () => jpeg.subarray(0, 200), 'IMAGE_REFUSED', /header/],
    ['a JPEG head and noise', () => Buffer.from([0xff, 0xd8, 0xff, 9, 9, 9]), 'IMAGE_REFUSED', /header/],
    ['more bytes than allowed', () => Buffer.alloc(3000), 'IMAGE_TOO_LARGE', /3000 bytes, the limit is 2000/],
    [
      'more pixels than allowed',
      () =>
        sharp({ create: { width: 400, height: 300, channels: 3, background: '#123' } })
          .png({ compressionLevel: 9 })
          .toBuffer(),
      'IMAGE_TOO_LARGE',
      /400 x 300 pixels/,
    ],
    // Found by fuzzing: 74 bytes that claimed three million pixels in a row cost two gigabytes for a moment.
    [
      'a longer side than allowed',
      () =>
        sharp({ create: { width: 40_000, height: 2, channels: 3, background: '#123' } })
          .png()
          .toBuffer(),
      'IMAGE_TOO_LARGE',
      /40000 x 2 pixels, the limit of a side is 32768/,
    ],
  ];
  for (const [what, make, code, reason] of cases) {
    it(`${what}: ${code}`, async () => {
      const bytes = await make();
      const limits = { bytes: what.includes('bytes than') ? 2000 : 1_000_000, pixels: 100_000 };
      await expect(decodeImage(bytes, limits)).rejects.toMatchObject({ code, message: expect.stringMatching(reason) });
    });
  }

  const odd: readonly [string, (image: Sharp) => Sharp, number][] = [
    ['CMYK', (image) => image.toColourspace('cmyk').jpeg({ quality: 95 }), 6],
    ['16 bits a channel', (image) => image.toColourspace('rgb16').png(), 0],
    ['turned by EXIF', (image) => image.rotate(90).withMetadata({ orientation: 8 }).jpeg({ quality: 95 }), 4],
    ['WebP', (image) => image.webp(), 6],
    ['AVIF', (image) => image.avif(), 8],
    ['TIFF', (image) => image.tiff(), 4],
    ['GIF', (image) => image.gif(), 8],
    ['transparent', (image) => image.ensureAlpha().png(), 0],
  ];
  for (const [what, make, bits] of odd) {
    it(`reads one that is ${what} like the plain one`, async () => {
      const image = await decodeImage(await make(sharp(png)).toBuffer());
      const original = await decodeImage(png);
      expect([image.width, image.height, image.working.data.length]).toEqual([320, 240, 320 * 240 * 3]);
      expect(perceptualDistance(perceptualHash(image.working), perceptualHash(original.working))).toBeLessThanOrEqual(bits);
    });
  }

  it('reads one grey channel as three, and what is transparent as white', async () => {
    const grey = await decodeImage(await sharp(png).greyscale().png().toBuffer());
    expect(grey.working.data.length).toBe(320 * 240 * 3);
    const clear = await decodeImage(
      await sharp({ create: { width: 4, height: 4, channels: 4, background: '#00000000' } })
        .png()
        .toBuffer(),
    );
    expect([...clear.working.data.subarray(0, 3)]).toEqual([255, 255, 255]);
  });

  it('takes the first frame of an animated image', async () => {
    const frames = Buffer.concat([Buffer.alloc(8 * 8 * 3, 200), Buffer.alloc(8 * 8 * 3, 10)]);
    const animated = await sharp(frames, { raw: { width: 8, height: 16, channels: 3, pageHeight: 8 } })
      .gif()
      .toBuffer();
    const image = await decodeImage(animated);
    expect([image.width, image.height]).toEqual([8, 8]);
    expect(image.working.data[0]).toBeGreaterThan(180);
  });
});

describe('tensors', () => {
  it('subtracts the mean and scales, NCHW and NHWC, RGB and BGR', () => {
    const out = new Float32Array(12);
    writeTensor(four, input, out, 0);
    expect([...out]).toEqual([10, 20, 30, 40, 5, 10, 15, 20, 20, 40, 60, 80]);
    writeTensor(four, { ...input, layout: 'NHWC', channels: 'BGR', mean: [0, 0, 0], scale: 1 }, out, 0);
    expect([...out]).toEqual([13, 12, 11, 23, 22, 21, 33, 32, 31, 43, 42, 41]);
  });

  it('refuses pixels of another size', () => {
    expect(() => writeTensor({ ...four, width: 1, height: 4 }, input, new Float32Array(12), 0)).toThrow(/expected 2 x 2, got 1 x 4/);
  });

  it('maps boxes of the tensor back to the original under every rule', async () => {
    const image = await decodeImage(png);
    for (const rule of ['stretch-bilinear', 'cover-bicubic', 'contain-bilinear'] as const) {
      const { placement, pixels } = await resizeRegion(image, 64, 64, rule, [20, 40, 220, 140]);
      expect([pixels.width, pixels.height]).toEqual([64, 64]);
      const p = placement;
      const there = [(70 - p.originX) * p.scaleX + p.offsetX, (90 - p.originY) * p.scaleY + p.offsetY] as const;
      const back = boxFromTensor([there[0], there[1], there[0], there[1]], p);
      expect(back[0]).toBeCloseTo(70, 6);
      expect(back[1]).toBeCloseTo(90, 6);
    }
    const whole = await resizeRegion(image, 64, 48, 'stretch-bilinear');
    expect(boxFromTensor([0, 0, 64, 48], whole.placement)).toEqual([0, 0, 320, 240]);
  });

  it('cuts a small crop from the original when the working image is smaller than it', async () => {
    const wide = await sharp({ create: { width: 4000, height: 2000, channels: 3, background: '#fff' } })
      .composite([
        {
          input: await sharp({ create: { width: 40, height: 40, channels: 3, background: '#f00' } })
            .png()
            .toBuffer(),
          left: 3000,
          top: 1000,
        },
      ])
      .jpeg()
      .toBuffer();
    const image = await decodeImage(wide);
    expect([image.width, image.height, image.working.width]).toEqual([4000, 2000, 1024]);
    const { pixels } = await resizeRegion(image, 32, 32, 'stretch-bilinear', [3000, 1000, 3040, 1040]);
    expect(pixels.data[3 * (16 * 32 + 16) + 1]).toBeLessThan(40);
    expect(pixels.data[1]).toBeLessThan(80);
  });
});

describe('fingerprints', () => {
  it('share the signature when the pixels are the same, in another file', async () => {
    const prints = await Promise.all(
      [
        png,
        await sharp(png).webp({ lossless: true }).toBuffer(),
        await sharp(png).rotate(180).withMetadata({ orientation: 3 }).png().toBuffer(),
      ].map(async (bytes) => (await fingerprint(await decodeImage(bytes))).signature),
    );
    expect(new Set(prints).size).toBe(1);
    expect(prints[0]).toMatch(/^[0-9a-f]{32}$/);
  });

  it('stay close for a copy and go apart for another picture', async () => {
    const one = (await decodeImage(png)).working;
    const copy = (await decodeImage(await encodePixels(one, 'jpeg', 40))).working;
    const cropped = (await decodeImage(await cropJpeg(png, [6, 5, 314, 235], 1000))).working;
    const other = (
      await decodeImage(await drawSvg(SCENE.replace('#48c', '#222').replace('cx="260"', 'cx="200"').replace('x="50"', 'x="180"'), 'png'))
    ).working;
    expect(perceptualDistance(perceptualHash(one), perceptualHash(copy))).toBeLessThanOrEqual(4);
    const laid = (pixels: typeof one) => laidPicture(colourCells(pixels));
    expect(laidOverDifference(laid(one), laid(copy))).toBeLessThan(2);
    expect(laidOverDifference(laid(one), laid(cropped))).toBeLessThan(6);
    expect(laidOverDifference(laid(one), laid(other))).toBeGreaterThan(25);
    expect(laidOverDifference(laid(one), laid(cropped))).toBe(laidOverDifference(laid(cropped), laid(one)));
    expect(coarseDifference(colourCells(one), colourCells(cropped))).toBeLessThan(10);
  });

  it('tell cards with other words apart where edges count, and keep re-encoded cards together', async () => {
    const card = (text: string): Promise<Uint8Array> => {
      const path = textPath(text, 240 - (textUnits(text) * 6) / 2, 222, 36);
      return drawSvg(
        `<svg xmlns="http://www.w3.org/2000/svg" width="480" height="480"><rect width="480" height="480" fill="#fff"/><path d="${path}" fill="none" stroke="#111" stroke-width="6"/></svg>`,
        'png',
      );
    };
    const laid = async (bytes: Uint8Array) => laidPicture(colourCells((await decodeImage(bytes)).working));
    const [always, smile] = [await card('always be'), await card('smile more')];
    const again = await encodePixels((await decodeImage(always)).working, 'jpeg', 30);
    const smaller = await thumbnail(always, 240);
    const { edges = 0 } = DUPLICATE_RULES;
    expect(laidOverDifference(await laid(always), await laid(smile), 0)).toBeGreaterThan(edges);
    for (const copy of [again, smaller]) expect(laidOverDifference(await laid(always), await laid(copy), 0)).toBeLessThan(edges / 2);
  });

  it('cuts a region straight at the size, the same pixels as by way of the working image', async () => {
    const box = [40.4, 30, 200, 180.7] as const;
    const straight = await decodeRegion(png, box, { width: 64, height: 48, resize: 'stretch-bicubic' });
    const over = await resizeRegion(await decodeImage(png), 64, 48, 'stretch-bicubic', box);
    expect(straight?.placement).toEqual(over.placement);
    expect(straight?.pixels).toEqual(over.pixels);
  });

  it('makes thumbnails no larger than asked, never enlarged', async () => {
    expect((await sharp(await thumbnail(png, 100)).metadata()).width).toBe(100);
    expect(await sharp(await thumbnail(png, 1000, 'webp')).metadata()).toMatchObject({ width: 320, format: 'webp' });
    await expect(thumbnail(Buffer.from('x'), 100)).rejects.toMatchObject({ code: 'IMAGE_UNSUPPORTED' });
  });
});
