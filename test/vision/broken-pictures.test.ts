import { beforeAll, describe, expect, test } from 'vitest';
import { isJpegWithoutEnd, whyBroken } from '../../src/vision/image-damage.ts';
import { formatOf } from '../../src/vision/image-format.ts';
import { decodeImage, drawSvg } from '../../src/vision/image-tensor.ts';

const svg = (seed: number): string => {
  const shapes = Array.from(
    { length: 60 },
    (_, i) => `<circle cx="${(i * 37 + seed) % 200}" cy="${(i * 53) % 200}" r="${5 + (i % 17)}" fill="hsl(${(i * 41) % 360},60%,50%)"/>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="200" height="200">${shapes.join('')}</svg>`;
};

let jpeg: Buffer;
let png: Buffer;
beforeAll(async () => {
  jpeg = Buffer.from(await drawSvg(svg(1)));
  png = Buffer.from(await drawSvg(svg(2), 'png'));
});

const reasonFor = async (bytes: Uint8Array): Promise<string> =>
  decodeImage(bytes).then(
    () => 'decoded',
    (error: Error) => error.message,
  );

describe('a JPEG without its last two bytes', () => {
  test('is read, to the same pixels', async () => {
    const cut = jpeg.subarray(0, jpeg.length - 2);
    expect([isJpegWithoutEnd(jpeg), isJpegWithoutEnd(cut)]).toEqual([false, true]);
    expect((await decodeImage(cut)).working.data).toEqual((await decodeImage(jpeg)).working.data);
  });

  test('is refused when more is missing', async () => {
    for (const share of [0.3, 0.6, 0.9]) {
      expect(await reasonFor(jpeg.subarray(0, Math.floor(jpeg.length * share)))).toBe(
        'The image is refused: it cannot be decoded: it is cut short',
      );
    }
  });
});

test('pictures that break at the same time each have a reason of their own', async () => {
  const damaged = Buffer.from(png);
  const at = damaged.indexOf('IDAT') + 40;
  damaged[at] ^= 0xff;
  const cases: readonly (readonly [Uint8Array, string])[] = [
    [jpeg.subarray(0, jpeg.length >> 1), 'it is cut short'],
    [damaged, 'its chunk IDAT is damaged'],
    [png.subarray(0, png.length >> 1), 'it is cut short'],
  ];
  const many = Array.from({ length: 12 }, () => cases).flat();
  const reasons = await Promise.all(many.map(([bytes]) => reasonFor(bytes)));
  reasons.forEach((reason, i) => expect(reason).toMatch(new RegExp(`${many[i][1]}$`)));
});

test('a whole picture of damaged data is not called short', () => {
  expect(whyBroken(jpeg, 'jpeg')).toBe('its JPEG data are damaged');
  expect(whyBroken(png, 'png')).toBe('its PNG data are damaged');
});

describe('formats by their first bytes', () => {
  const iso = (...brands: string[]): Buffer => {
    const box = Buffer.alloc(12 + 4 * brands.length);
    box.writeUInt32BE(box.length);
    box.write(`ftyp${brands[0]}`, 4, 'latin1');
    brands.slice(1).forEach((brand, i) => box.write(brand, 16 + 4 * i, 'latin1'));
    return box;
  };

  test.each([[['avif', 'mif1']], [['mif1', 'avif', 'miaf']], [['miaf', 'mif1', 'avif']], [['avif', 'avis', 'mif1']]])(
    '%j is AVIF',
    (brands) => {
      expect(formatOf(iso(...brands))).toBe('avif');
    },
  );

  test.each([
    [iso('avis', 'avif', 'msf1'), 'an animated AVIF'],
    [iso('heic', 'mif1'), 'HEIC'],
    [iso('mif1', 'heic'), 'HEIC'],
    [iso('isom', 'mp42'), 'a film (MP4 or MOV)'],
    [Buffer.from('\0\0\0\x0cjP  \r\n\x87\n', 'latin1'), 'JPEG 2000'],
    [Buffer.from('\xff\x4f\xff\x51', 'latin1'), 'JPEG 2000'],
    [Buffer.from('\xff\x0a\0\0', 'latin1'), 'JPEG XL'],
    [Buffer.from('BM\0\0'), 'BMP'],
    [Buffer.from('8BPS\0\x01'), 'a Photoshop document'],
    [Buffer.from('\x1a\x45\xdf\xa3', 'latin1'), 'a film (WebM or Matroska)'],
  ])('%# is refused by name', (bytes, name) => {
    expect(() => formatOf(bytes)).toThrow(`The image format is not supported: it is ${name}`);
  });
});
