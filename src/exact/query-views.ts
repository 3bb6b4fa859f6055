/**
 * How a query picture is looked at: as a whole, and then part by part. A thing that fills a fifth of a room gets few of the key points
 * of the whole; in a part of half the side it gets four times as many.
 */
import type { Box } from '../vision/box.ts';
import { decodeRegion, encodePixels, type ImageLimits, measureImage } from '../vision/image-tensor.ts';
import { type LocalFeatures, POINT_NUMBERS } from './local-features.ts';

/** Parts are of half the side, at thirds of what is left: nine that overlap. */
const PARTS = 3;
const SHARE = 0.5;
/** A picture with a shorter longer side has nothing to gain. */
const SIDE_MIN_PX = 320;

/** A picture that is looked at region by region. All features have their places in the whole picture. */
export interface PictureLooks {
  /** Of the upright picture, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Of a region in pixels of the upright picture, null: the whole. A region is looked at once, however often it is asked for. */
  at(region: Box | null): Promise<LocalFeatures>;
}

/** `find`: the features of a picture, as they are stored of the pictures of the catalog. @throws IMAGE_... */
export async function looksAt(
  bytes: Uint8Array,
  limits: ImageLimits,
  find: (bytes: Uint8Array) => Promise<LocalFeatures>,
): Promise<PictureLooks> {
  const { width, height } = await measureImage(bytes, limits);
  const look = async (region: Box | null): Promise<LocalFeatures> => {
    const cut = region === null ? null : await cutOut(bytes, region, limits);
    return region === null || cut === null ? find(bytes) : placedIn(await find(cut), region, width, height);
  };
  const looked = new Map<string, Promise<LocalFeatures>>();
  const at = (region: Box | null): Promise<LocalFeatures> => {
    const known = looked.get(String(region)) ?? look(region);
    looked.set(String(region), known);
    return known;
  };
  return { width, height, at };
}

/** The parts of a picture, none of a small one. */
export function partsOf(width: number, height: number): readonly Box[] {
  if (Math.max(width, height) < SIDE_MIN_PX) return [];
  const [w, h] = [Math.round(width * SHARE), Math.round(height * SHARE)];
  return Array.from({ length: PARTS * PARTS }, (_, i) => {
    const left = Math.round(((i % PARTS) * (width - w)) / (PARTS - 1));
    const top = Math.round((Math.floor(i / PARTS) * (height - h)) / (PARTS - 1));
    return [left, top, left + w, top + h] as const;
  });
}

/** A region as a picture of its own, without loss; null of a picture so large that it is not worth while. */
async function cutOut(bytes: Uint8Array, box: Box, limits: ImageLimits): Promise<Uint8Array | null> {
  const cut = await decodeRegion(bytes, box, { width: box[2] - box[0], height: box[3] - box[1], resize: 'stretch-bicubic' }, limits);
  return cut && encodePixels(cut.pixels, 'png');
}

/** Features of a region with their places in the whole picture. */
function placedIn(features: LocalFeatures, [left, top]: Box, width: number, height: number): LocalFeatures {
  const points = Float32Array.from(features.points);
  for (let i = 0; i < points.length; i += POINT_NUMBERS) {
    points[i] += left;
    points[i + 1] += top;
  }
  return { ...features, points, width, height };
}
