/** Drawn pictures of many looks, small as previews: what pins show, and what people crop, upload and ask Lens about. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FormData } from 'undici';
import type { Random } from '../src/math/random.ts';
import { drawSvg } from '../src/vision/image-tensor.ts';
import { type LoadResult, openLoop } from './open-loop.ts';

const [WIDTH, HEIGHT] = [320, 240];

/** JPEG bytes that no other call gives. */
function drawPicture(random: Random): Promise<Uint8Array> {
  const colour = (): string => `rgb(${random.integer(256)},${random.integer(256)},${random.integer(256)})`;
  const shapes = Array.from({ length: 12 }, () => {
    const [x, y, size] = [random.integer(WIDTH), random.integer(HEIGHT), 10 + random.integer(70)];
    return random.next() < 0.5
      ? `<circle cx="${x}" cy="${y}" r="${size}" fill="${colour()}"/>`
      : `<rect x="${x}" y="${y}" width="${size}" height="${size * 2}" fill="${colour()}" transform="rotate(${random.integer(90)} ${x} ${y})"/>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}"><rect width="100%" height="100%" fill="${colour()}"/>${shapes.join('')}</svg>`;
  return drawSvg(svg);
}

/** Writes pictures into a folder and gives their names. */
export async function writePictures(folder: string, count: number, random: Random): Promise<readonly string[]> {
  mkdirSync(folder, { recursive: true });
  const names = Array.from({ length: count }, (_, i) => `picture-${i}-${random.integer(2 ** 31)}.jpg`);
  for (const name of names) writeFileSync(join(folder, name), await drawPicture(random));
  return names;
}

/** A random part of a picture, in fractions of its sides: [x1, y1, x2, y2]. */
function drawBox(random: Random): readonly number[] {
  const [x, y] = [0.6 * random.next(), 0.6 * random.next()];
  return [x, y, x + 0.2 + 0.2 * random.next(), y + 0.2 + 0.2 * random.next()];
}

export interface PictureLoad {
  readonly url: string;
  /** Pins p0 .. p(pins - 1) show a picture. */
  readonly pins: number;
  readonly perSecond: number;
  readonly seconds: number;
}

/** Thumbnails, crops of pins, uploads of pictures that nobody has sent before, and Lens on a pin, a crop or an upload. */
export function lookAtPictures({ url, pins, perSecond, seconds }: PictureLoad, random: Random): Promise<LoadResult> {
  const pin = (): string => `p${random.integer(pins)}`;
  const upload = async (): Promise<FormData> => {
    const form = new FormData();
    form.set('image', new Blob([Uint8Array.from(await drawPicture(random))], { type: 'image/jpeg' }), 'upload.jpg');
    return form;
  };
  const crop = (): object => ({ pinId: pin(), box: drawBox(random), boxUnit: 'fractions' });
  const lens = (n: number): object | Promise<FormData> => [crop, upload, () => ({ pinId: pin() })][Math.floor(n / 4) % 3]();
  const asks: readonly { readonly path: () => string; readonly body: (n: number) => unknown }[] = [
    { path: () => `/v1/pins/${pin()}/image?width=${64 + random.integer(300)}`, body: () => undefined },
    { path: () => '/v1/visual-search', body: crop },
    { path: () => '/v1/visual-search', body: upload },
    { path: () => '/v1/lens', body: lens },
  ];
  return openLoop({
    url,
    perSecond,
    seconds,
    connections: 8,
    path: (n) => asks[n % asks.length].path(),
    body: (n) => asks[n % asks.length].body(n),
  });
}
