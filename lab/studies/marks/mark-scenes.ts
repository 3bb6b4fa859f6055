/** Photos with a drawn logo in them, seen a little from aside, under noise. */
import { readFileSync } from 'node:fs';
import { cornersOf, type Point, type Quadrilateral } from '../../../src/exact/homography.ts';
import type { Random } from '../../../src/math/random.ts';
import type { Box } from '../../../src/vision/box.ts';
import { decodeImage, encodePixels, type Pixels } from '../../../src/vision/image-tensor.ts';
import { borderColour, laidInto, movedCorners } from '../exact/altered-pictures.ts';

/** Longer side of a logo in shares of the photo's. */
const SHARES = [0.08, 0.3] as const;
/** Standard deviation of the noise, in levels of 255. */
const NOISE = 8;

export interface MarkScene {
  /** A JPEG. */
  readonly bytes: Uint8Array;
  /** Around the logo, in pixels. */
  readonly box: Box;
  readonly share: number;
  /** Whether the logo came without its ground. */
  readonly isCutOut: boolean;
}

export async function markScene(photoFile: string, logo: Uint8Array, random: Random): Promise<MarkScene> {
  const isCutOut = random.next() < 0.5;
  const share = SHARES[0] + (SHARES[1] - SHARES[0]) * random.next();
  const [photo, mark] = await Promise.all([decodeImage(readFileSync(photoFile)), decodeImage(logo)]);
  const { picture, box } = pasted(photo.working, mark.working, { share, isCutOut }, random);
  return { bytes: await encodePixels(picture, 'jpeg', 90), box, share, isCutOut };
}

/** A logo anywhere in a photo, seen a little from aside, under noise. */
function pasted(photo: Pixels, logo: Pixels, { share, isCutOut }: { share: number; isCutOut: boolean }, random: Random) {
  const picture: Pixels = { ...photo, data: Uint8Array.from(photo.data) };
  const side = Math.min(share * Math.max(photo.width, photo.height), photo.width, photo.height);
  const [left, top] = [random.next() * (photo.width - side), random.next() * (photo.height - side)];
  const square = cornersOf(side, side).map(([x, y]): Point => [x + left, y + top]) as unknown as Quadrilateral;
  const corners = movedCorners(square, random);
  laidInto(picture, logo, corners, isCutOut ? borderColour(logo) : null);
  for (let at = 0; at < picture.data.length; at++) picture.data[at] = clamped(picture.data[at] + NOISE * normal(random));
  const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
  const box: Box = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
  return { picture, box };
}

function clamped(value: number): number {
  return Math.max(0, Math.min(255, Math.round(value)));
}

/** Box and Muller, A note on the generation of random normal deviates, 1958. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}
