/**
 * A query picture (a pin's or an uploaded one) and the region of it that is asked about: its code by the active net, its
 * colours, its objects. Crops of known pins are remembered by (pin, snapped box, net), because a dragged box asks often.
 */
import { LRUCache } from 'lru-cache';
import type { Detection } from '../detection/detection.ts';
import { type Detector, readingRules } from '../detection/detector.ts';
import { readDetections } from '../detection/suppression.ts';
import { ServiceError } from '../errors.ts';
import { type Binarizer, codeOf } from '../features/binarize.ts';
import { type Box, type BoxUnit, boxFromCaller } from '../vision/box.ts';
import { decodeImage, type DecodedImage, measureImage, resizeRegion } from '../vision/image-tensor.ts';
import type { InferencePool } from '../vision/inference-pool.ts';
import { type PictureKind, pictureKind } from './picture-kind.ts';
import { type SalientColour, salientColours } from './salient-colours.ts';

/** The net that reads query pictures, as the catalogue's codes were made. */
export interface QueryNet {
  readonly folder: string;
  readonly digest: string;
  readonly binarizer: Binarizer;
}

/** What a region looks like. */
export interface RegionLook {
  readonly code: Uint32Array;
  readonly colours: readonly SalientColour[];
  readonly picture: PictureKind;
}

export interface PictureLimits {
  readonly bytes: number;
  readonly pixels: number;
}

const REMEMBERED_CROPS = 4096;
/** A box is snapped to this many steps of the longer side before it is looked up. */
const SNAP_STEPS = 64;
const COLOUR_SIDE_PX = 96;

export class PictureReader {
  private readonly pool: InferencePool;
  private readonly detector: Detector | null;
  private readonly limits: PictureLimits;
  private readonly crops = new LRUCache<string, RegionLook>({ max: REMEMBERED_CROPS });

  constructor(pool: InferencePool, detector: Detector | null, limits: PictureLimits) {
    this.pool = pool;
    this.detector = detector;
    this.limits = limits;
  }

  /** The region a caller means, in pixels of the upright original. Throws BOX_INVALID with the image's size. */
  async region(bytes: Uint8Array, box: readonly number[] | undefined, unit: BoxUnit): Promise<{ box: Box | null; width: number; height: number }> {
    const { width, height } = await measureImage(bytes, this.limits);
    return { width, height, box: box ? snapped(boxFromCaller(box, unit, width, height), width, height) : null };
  }

  /** Code, colours and kind of a region (null: the whole picture). `pinIndex` -1: an upload, which is not remembered. */
  async look(bytes: Uint8Array, box: Box | null, net: QueryNet, pinIndex: number): Promise<RegionLook> {
    const key = `${net.digest}|${pinIndex}|${box?.join(',') ?? 'whole'}`;
    const known = pinIndex < 0 ? undefined : this.crops.get(key);
    if (known) return known;
    const [embedded] = await this.pool.embed(net.folder, [box ? { bytes, box } : { bytes }]);
    if (!embedded.ok) throw new ServiceError(embedded.code, { reason: embedded.reason });
    const { colours, picture } = await this.seen(await decodeImage(bytes, this.limits), box);
    const look = { code: codeOf(net.binarizer, embedded.fc6), colours, picture };
    if (pinIndex >= 0) this.crops.set(key, look);
    return look;
  }

  /** Objects of a picture over the detector's threshold, after suppression, highest first; none without a detector. */
  async objects(bytes: Uint8Array): Promise<readonly Detection[]> {
    if (!this.detector) return [];
    const [outcome] = await this.detector.detect([bytes]);
    if (!outcome.ok) throw new ServiceError(outcome.code, { reason: outcome.reason });
    return readDetections(outcome.found.detections, readingRules(this.detector.net.manifest));
  }

  private async seen(image: DecodedImage, box: Box | null): Promise<Pick<RegionLook, 'colours' | 'picture'>> {
    const { pixels } = await resizeRegion(image, COLOUR_SIDE_PX, COLOUR_SIDE_PX, 'stretch-bilinear', box ?? undefined, this.limits);
    return { colours: salientColours(pixels), picture: pictureKind(pixels) };
  }
}

/** The box on a grid of a 64th of the longer side, never smaller than one step. */
function snapped(box: Box, width: number, height: number): Box {
  const step = Math.max(1, Math.max(width, height) / SNAP_STEPS);
  const low = (value: number): number => Math.max(0, Math.round(Math.round(value / step) * step));
  const high = (value: number, from: number, limit: number): number => Math.min(limit, Math.max(Math.ceil(from + step), low(value)));
  const x1 = Math.min(low(box[0]), Math.floor(width - 1));
  const y1 = Math.min(low(box[1]), Math.floor(height - 1));
  return [x1, y1, high(box[2], x1, width), high(box[3], y1, height)];
}
