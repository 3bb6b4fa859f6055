/**
 * Pictures of the very same thing, made from one of it by a seeded recipe: seen from aside, cut, turned, blurred, compressed, partly
 * covered, or lying small in a photo of a room. At least a third of the thing stays to be seen in all of them.
 */
import { cornersOf, type Homography, homographyOf, mapped, type Point, type Quadrilateral } from '../../../src/exact/homography.ts';
import type { Random } from '../../../src/math/random.ts';
import type { Box } from '../../../src/vision/box.ts';
import { encodePixels, type Pixels } from '../../../src/vision/image-tensor.ts';

export const ALTERATIONS = ['perspective', 'crop', 'rotation', 'blur', 'jpeg 40', 'overlay', 'pasted small', 'pasted large'] as const;
export type Alteration = (typeof ALTERATIONS)[number];

/** Shares of the room's longer side that a pasted thing takes. */
const PASTED: Partial<Record<Alteration, readonly [number, number]>> = { 'pasted small': [0.1, 0.2], 'pasted large': [0.2, 0.4] };
/** A corner moves inward by up to this share of each side. */
const PERSPECTIVE = 0.2;
const CROP_AREA = 1 / 3;
const TURN_DEGREES = [15, 40] as const;
/** Standard deviation of the blur in shares of the longer side. */
const BLUR = [0.004, 0.008] as const;
const COVERED = [0.2, 0.4] as const;
/** Colors that differ from the border of a photo by no more are its ground. */
const GROUND = 14;

type Colour = readonly [number, number, number];

export interface AlteredPicture {
  /** A JPEG file. */
  readonly bytes: Uint8Array;
  /** The box of a thing that lies in a room, in pixels; null of what fills the picture. */
  readonly place: Box | null;
}

export async function alteredPicture(how: Alteration, photo: Pixels, room: Pixels, random: Random): Promise<AlteredPicture> {
  const share = PASTED[how];
  const { picture, place } = share
    ? pasted(photo, room, between(share, random), random)
    : { picture: how === 'jpeg 40' ? photo : altered(how, photo, random), place: null };
  return { bytes: await encodePixels(picture, 'jpeg', how === 'jpeg 40' ? 40 : 90), place };
}

function altered(how: Alteration, photo: Pixels, random: Random): Pixels {
  const { width, height } = photo;
  if (how === 'perspective') return onGround(photo, movedCorners(cornersOf(width, height), random), width, height);
  if (how === 'rotation') return turned(photo, random);
  if (how === 'crop') return cropped(photo, cropBox(contentBox(photo), random));
  if (how === 'blur') return blurred(photo, between(BLUR, random) * Math.max(width, height));
  return covered(photo, random);
}

function between([low, high]: readonly [number, number], random: Random): number {
  return low + (high - low) * random.next();
}

/** Each corner of a quadrilateral toward its middle, by shares of its own. */
export function movedCorners(corners: Quadrilateral, random: Random): Quadrilateral {
  const middle: Point = [(corners[0][0] + corners[2][0]) / 2, (corners[0][1] + corners[2][1]) / 2];
  const toward = (from: number, to: number): number => from + (to - from) * 2 * PERSPECTIVE * random.next();
  return corners.map(([x, y]) => [toward(x, middle[0]), toward(y, middle[1])] as const) as unknown as Quadrilateral;
}

function turned(photo: Pixels, random: Random): Pixels {
  const { width, height } = photo;
  const angle = (between(TURN_DEGREES, random) * Math.PI * (random.next() < 0.5 ? -1 : 1)) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const side = Math.ceil(Math.hypot(width, height));
  const corners = cornersOf(width, height).map(([x, y]) => {
    const [u, v] = [x - width / 2, y - height / 2];
    return [side / 2 + cos * u - sin * v, side / 2 + sin * u + cos * v] as const;
  }) as unknown as Quadrilateral;
  return onGround(photo, corners, side, side);
}

function onGround(photo: Pixels, corners: Quadrilateral, width: number, height: number): Pixels {
  const ground = filled(width, height, borderColour(photo));
  laidInto(ground, photo, corners, null);
  return ground;
}

function filled(width: number, height: number, colour: Colour): Pixels {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) data[i] = colour[i % 3];
  return { width, height, data };
}

/** The box of what is not ground: where nothing is, the whole. */
function contentBox(photo: Pixels): Box {
  const ground = borderColour(photo);
  let [x1, y1, x2, y2] = [photo.width, photo.height, 0, 0];
  for (let y = 0; y < photo.height; y++)
    for (let x = 0; x < photo.width; x++) {
      if (isGround(photo, y * photo.width + x, ground)) continue;
      [x1, y1, x2, y2] = [Math.min(x1, x), Math.min(y1, y), Math.max(x2, x + 1), Math.max(y2, y + 1)];
    }
  return x2 - x1 < 16 || y2 - y1 < 16 ? [0, 0, photo.width, photo.height] : [x1, y1, x2, y2];
}

function isGround({ data }: Pixels, at: number, ground: Colour): boolean {
  return ground.every((value, channel) => Math.abs(data[3 * at + channel] - value) <= GROUND);
}

/** Median color of the outermost pixels. */
export function borderColour({ width, height, data }: Pixels): Colour {
  const border: number[] = [];
  for (let x = 0; x < width; x++) border.push(x, (height - 1) * width + x);
  for (let y = 0; y < height; y++) border.push(y * width, y * width + width - 1);
  const median = (channel: number): number => border.map((at) => data[3 * at + channel]).sort((a, b) => a - b)[border.length >> 1];
  return [median(0), median(1), median(2)];
}

/** A third of a box, of its shape up to a factor of 1.5, anywhere in it. */
function cropBox([x1, y1, x2, y2]: Box, random: Random): Box {
  const stretch = between([1 / Math.sqrt(1.5), Math.sqrt(1.5)], random);
  const [width, height] = [(x2 - x1) * Math.sqrt(CROP_AREA) * stretch, ((y2 - y1) * Math.sqrt(CROP_AREA)) / stretch];
  const [left, top] = [x1 + random.next() * (x2 - x1 - width), y1 + random.next() * (y2 - y1 - height)];
  return [Math.floor(left), Math.floor(top), Math.ceil(left + width), Math.ceil(top + height)];
}

function cropped(photo: Pixels, [x1, y1, x2, y2]: Box): Pixels {
  const [width, height] = [x2 - x1, y2 - y1];
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const from = ((y1 + y) * photo.width + x1) * 3;
    data.set(photo.data.subarray(from, from + width * 3), y * width * 3);
  }
  return { width, height, data };
}

/** Gaussian blur, its kernel cut at three deviations, edges repeated. */
function blurred(photo: Pixels, sigma: number): Pixels {
  const reach = Math.ceil(3 * sigma);
  const kernel = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-((i - reach) ** 2) / (2 * sigma * sigma)));
  const total = kernel.reduce((sum, value) => sum + value, 0);
  const pass = ({ width, height, data }: Pixels, stepX: number): Pixels => {
    const out = new Uint8Array(data.length);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        for (let channel = 0; channel < 3; channel++) {
          let sum = 0;
          for (let k = -reach; k <= reach; k++) {
            const u = stepX ? Math.min(width - 1, Math.max(0, x + k)) : x;
            const v = stepX ? y : Math.min(height - 1, Math.max(0, y + k));
            sum += kernel[k + reach] * data[(v * width + u) * 3 + channel];
          }
          out[(y * width + x) * 3 + channel] = Math.round(sum / total);
        }
    return { width, height, data: out };
  };
  return pass(pass(photo, 1), 0);
}

/** Striped rectangles of drawn colors over a share of what is to be seen, one half of it at most each. */
function covered(photo: Pixels, random: Random): Pixels {
  const out: Pixels = { ...photo, data: Uint8Array.from(photo.data) };
  const [x1, y1, x2, y2] = contentBox(photo);
  const wanted = between(COVERED, random) * (x2 - x1) * (y2 - y1);
  const isCovered = new Uint8Array(photo.width * photo.height);
  for (let count = 0; count < wanted;) {
    const side = Math.sqrt((wanted / 2) * between([0.5, 1], random));
    const stretch = between([0.6, 1.6], random);
    const [left, top] = [x1 + random.next() * (x2 - x1) - side / 2, y1 + random.next() * (y2 - y1) - side / 2];
    const colours = [0, 1].map(() => [random.integer(256), random.integer(256), random.integer(256)]);
    const period = 4 + random.integer(12);
    for (let y = Math.max(y1, Math.round(top)); y < Math.min(y2, top + side / stretch) && count < wanted; y++)
      for (let x = Math.max(x1, Math.round(left)); x < Math.min(x2, left + side * stretch); x++) {
        const at = y * photo.width + x;
        count += 1 - isCovered[at];
        isCovered[at] = 1;
        out.data.set(colours[Math.floor((x + y) / period) % 2], 3 * at);
      }
  }
  return out;
}

/** The thing without its ground, where it has a plain one, in a room, seen a little from aside. */
function pasted(photo: Pixels, room: Pixels, share: number, random: Random): { readonly picture: Pixels; readonly place: Box } {
  const out: Pixels = { ...room, data: Uint8Array.from(room.data) };
  const thing = cropped(photo, contentBox(photo));
  const scale = (share * Math.max(room.width, room.height)) / Math.max(thing.width, thing.height);
  const [width, height] = [thing.width * scale, thing.height * scale];
  const [left, top] = [random.next() * (room.width - width), random.next() * (room.height - height)];
  const corners = cornersOf(width, height).map(([x, y]) => [x + left, y + top] as const) as unknown as Quadrilateral;
  const ground = borderColour(photo);
  const isCutOut = thing.width * thing.height < 0.95 * photo.width * photo.height || isPlain(photo, ground);
  const seen = movedCorners(corners, random);
  laidInto(out, thing, seen, isCutOut ? ground : null);
  return { picture: out, place: boxAround(seen) };
}

function boxAround(corners: Quadrilateral): Box {
  const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
  return [Math.floor(Math.min(...xs)), Math.floor(Math.min(...ys)), Math.ceil(Math.max(...xs)), Math.ceil(Math.max(...ys))];
}

/** Whether most of the border is of one color. */
function isPlain(photo: Pixels, ground: Colour): boolean {
  let same = 0;
  for (let x = 0; x < photo.width; x++) same += Number(isGround(photo, x, ground));
  return same > 0.8 * photo.width;
}

/** Draws a picture into a quadrilateral of another, each pixel the mean of its samples. Pixels of the color `cutOut` stay away. */
export function laidInto(out: Pixels, picture: Pixels, corners: Quadrilateral, cutOut: Colour | null): void {
  const back = homographyOf(corners, cornersOf(picture.width, picture.height));
  if (back === null) throw new RangeError('corners: expected a quadrilateral, got three on a line');
  const xs = corners.map(([x]) => x);
  const ys = corners.map(([, y]) => y);
  const shrink = picture.width / Math.max(1, Math.max(...xs) - Math.min(...xs));
  const samples = Math.max(1, Math.min(6, Math.ceil(shrink)));
  for (let y = Math.max(0, Math.floor(Math.min(...ys))); y < Math.min(out.height, Math.max(...ys)); y++)
    for (let x = Math.max(0, Math.floor(Math.min(...xs))); x < Math.min(out.width, Math.max(...xs)); x++)
      blend(out, y * out.width + x, sampled(picture, back, [x, y], samples, cutOut));
}

/** Sum of the samples within the picture by channel, and their share of all. */
function sampled(picture: Pixels, back: Homography, [x, y]: Point, samples: number, cutOut: Colour | null) {
  const sum = [0, 0, 0];
  let seen = 0;
  for (let i = 0; i < samples * samples; i++) {
    const at = mapped(back, [x + ((i % samples) + 0.5) / samples, y + (Math.floor(i / samples) + 0.5) / samples]);
    const [u, v] = [Math.floor(at[0]), Math.floor(at[1])];
    if (u < 0 || v < 0 || u >= picture.width || v >= picture.height) continue;
    if (cutOut && isGround(picture, v * picture.width + u, cutOut)) continue;
    seen++;
    for (let channel = 0; channel < 3; channel++) sum[channel] += bilinear(picture, at, channel);
  }
  return { sum, seen, share: seen / (samples * samples) };
}

function bilinear({ width, height, data }: Pixels, [x, y]: Point, channel: number): number {
  const [u, v] = [Math.min(width - 1, Math.max(0, x - 0.5)), Math.min(height - 1, Math.max(0, y - 0.5))];
  const [left, top] = [Math.floor(u), Math.floor(v)];
  const [right, foot] = [Math.min(width - 1, left + 1), Math.min(height - 1, top + 1)];
  const value = (px: number, py: number): number => data[(py * width + px) * 3 + channel];
  const upper = value(left, top) + (u - left) * (value(right, top) - value(left, top));
  const lower = value(left, foot) + (u - left) * (value(right, foot) - value(left, foot));
  return upper + (v - top) * (lower - upper);
}

function blend(out: Pixels, at: number, { sum, seen, share }: ReturnType<typeof sampled>): void {
  if (seen === 0) return;
  for (let channel = 0; channel < 3; channel++) {
    const below = out.data[3 * at + channel];
    out.data[3 * at + channel] = Math.round(below + share * (sum[channel] / seen - below));
  }
}
