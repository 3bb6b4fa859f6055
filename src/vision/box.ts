/**
 * A box: pixel corners [x1, y1, x2, y2] of the original, upright image, x to the right, y down, x2 and y2 exclusive.
 * Fractions of the image (0..1) appear only at the door and are turned into pixels there.
 */
import { ServiceError } from '../errors.ts';

export type Box = readonly [x1: number, y1: number, x2: number, y2: number];
export type BoxUnit = 'pixels' | 'fractions';

/** Area in square pixels; 0 for a box turned inside out. */
export function boxArea(box: Box): number {
  return Math.max(0, box[2] - box[0]) * Math.max(0, box[3] - box[1]);
}

/** Intersection over union, 0..1; 0 when neither has area. [0,0,2,2] and [1,0,3,2]: 2 / 6. */
export function boxIou(a: Box, b: Box): number {
  const shared = boxArea([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])]);
  const union = boxArea(a) + boxArea(b) - shared;
  return union > 0 ? shared / union : 0;
}

/** Intersection over the area of the smaller box, 0..1: 1 where one lies in the other. */
export function shareOfSmaller(a: Box, b: Box): number {
  const shared = boxArea([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])]);
  const smaller = Math.min(boxArea(a), boxArea(b));
  return smaller > 0 ? shared / smaller : 0;
}

/** A box with a margin of `share` of its width and height on each side, clipped to the image. */
export function withMargin(
  [x1, y1, x2, y2]: Box,
  share: number,
  { width, height }: { readonly width: number; readonly height: number },
): Box {
  const [x, y] = [share * (x2 - x1), share * (y2 - y1)];
  return clipBox([x1 - x, y1 - y, x2 + x, y2 + y], width, height);
}

/** The part of a box inside an image; may be empty (area 0). */
export function clipBox(box: Box, width: number, height: number): Box {
  const within = (value: number, limit: number): number => Math.min(limit, Math.max(0, value));
  return [within(box[0], width), within(box[1], height), within(box[2], width), within(box[3], height)];
}

export function fractionsToPixels(box: Box, width: number, height: number): Box {
  return [box[0] * width, box[1] * height, box[2] * width, box[3] * height];
}

export function pixelsToFractions(box: Box, width: number, height: number): Box {
  return [box[0] / width, box[1] / height, box[2] / width, box[3] / height];
}

/** Whole pixels that hold the clipped box, at least one each way. */
export function wholePixels(box: Box, width: number, height: number): Box {
  const [x1, y1, x2, y2] = clipBox(box, width, height);
  const left = Math.min(Math.floor(x1), width - 1);
  const top = Math.min(Math.floor(y1), height - 1);
  return [left, top, Math.max(left + 1, Math.min(width, Math.ceil(x2))), Math.max(top + 1, Math.min(height, Math.ceil(y2)))];
}

/**
 * A box as a caller sent it -> pixels, clipped to the image.
 * Throws BOX_INVALID if it is not four finite numbers or has no area inside the image.
 */
export function boxFromCaller(value: readonly number[], unit: BoxUnit, width: number, height: number): Box {
  const refused = (): ServiceError => new ServiceError('BOX_INVALID', { box: JSON.stringify(value), width, height, field: 'box' });
  if (value.length !== 4 || !value.every((number) => Number.isFinite(number))) throw refused();
  const given: Box = [value[0], value[1], value[2], value[3]];
  const box = clipBox(unit === 'fractions' ? fractionsToPixels(given, width, height) : given, width, height);
  if (boxArea(box) <= 0) throw refused();
  return box;
}
