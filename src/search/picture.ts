/**
 * A query picture (a pin's or an uploaded one) and the region of it that is asked about: its code by the active net, its
 * colours, its objects. Crops of known pins are remembered by (picture, snapped box, net), because a dragged box asks often.
 */
import { LRUCache } from 'lru-cache';
import type { ImageDetections } from '../detection/detection.ts';
import type { OpenDetectors } from '../detection/detector-set.ts';
import { ServiceError } from '../errors.ts';
import { type Binarizer, codeOf } from '../features/binarize.ts';
import { type Box, type BoxUnit, boxFromCaller } from '../vision/box.ts';
import { decodeImage, type DecodedImage, encodePixels, measureImage, resizeRegion } from '../vision/image-tensor.ts';
import type { InferencePool } from '../vision/inference-pool.ts';
import type { NetInput } from '../vision/net-manifest.ts';
import { type Naming, type SeenWord, seenWords } from '../features/words.ts';
import { type PictureKind, pictureKind } from './picture-kind.ts';
import { type SalientColour, salientColours } from './salient-colours.ts';

/** The net that reads query pictures, as the catalogue's codes were made. */
export interface QueryNet {
  readonly folder: string;
  readonly digest: string;
  readonly binarizer: Binarizer;
  readonly input: NetInput;
  /** Null: the net does not speak. */
  readonly naming?: Naming | null;
}

export interface QueryPicture {
  readonly bytes: Uint8Array;
  /** What it is remembered by; null: an upload, which is not. */
  readonly key: string | null;
}

/** What the net makes of a region: its code, its short vector, and what it says it sees. */
export interface RegionSight {
  readonly code: Uint32Array;
  /** Of length 1; null or absent: the net gives none, or none was kept. */
  readonly embedding?: Float32Array | null;
  readonly words: readonly SeenWord[];
}

/** What a region looks like. */
export interface RegionLook extends RegionSight {
  readonly colours: readonly SalientColour[];
  readonly picture: PictureKind;
}

type RegionView = Omit<RegionLook, keyof RegionSight>;

/** What is read at most: bytes of the file, pixels of the picture. */
interface PictureLimits {
  readonly bytes: number;
  readonly pixels: number;
}

const REMEMBERED_CROPS = 8192;
const REMEMBERED_DETECTIONS = 2048;
/** Decoded pictures of late, two megabytes each: a dragged box asks for the same one again and again. */
const REMEMBERED_IMAGES = 32;
/** A box is snapped to this many steps of the longer side before it is looked up. */
const SNAP_STEPS = 64;
const COLOUR_SIDE_PX = 96;

/** Remembers crops, detections and decoded pictures of known pins, the last used ones; of uploads nothing. */
export class PictureReader {
  private readonly pool: InferencePool;
  private readonly detectors: () => OpenDetectors | null;
  private readonly limits: PictureLimits;
  private readonly sights = new LRUCache<string, Promise<RegionSight>>({ max: REMEMBERED_CROPS });
  private readonly views = new LRUCache<string, Promise<RegionView>>({ max: REMEMBERED_CROPS });
  private readonly images = new LRUCache<string, Promise<DecodedImage>>({ max: REMEMBERED_IMAGES });
  private readonly detections = new LRUCache<string, Promise<ImageDetections>>({ max: REMEMBERED_DETECTIONS });

  /** `detectors`: those of now; null: none. */
  constructor(pool: InferencePool, detectors: () => OpenDetectors | null, limits: PictureLimits) {
    this.pool = pool;
    this.detectors = detectors;
    this.limits = limits;
  }

  get hasDetector(): boolean {
    return this.detectors() !== null;
  }

  /** The region a caller means, in pixels of the upright original. Throws BOX_INVALID with the image's size. */
  async region(bytes: Uint8Array, box: readonly number[] | undefined, unit: BoxUnit) {
    const { width, height } = await measureImage(bytes, this.limits);
    return { width, height, box: box ? snapped(boxFromCaller(box, unit, width, height), width, height) : null };
  }

  /** Code, words, colours and kind of a region (null: the whole picture). `known`: the net's part, where it was computed before. */
  async look(picture: QueryPicture, box: Box | null, net: QueryNet, known: RegionSight | null = null): Promise<RegionLook> {
    const [sight, view] = await Promise.all([known ?? this.sight(picture, box, net), this.view(picture, box)]);
    return { ...sight, ...view };
  }

  /** The binary code of a region alone. */
  async code(picture: QueryPicture, box: Box | null, net: QueryNet): Promise<Uint32Array> {
    return (await this.sight(picture, box, net)).code;
  }

  /**
   * What the net makes of a region: one run of it. The region is cut here, from the picture as it was decoded
   * before, and goes to the net at its own size, without loss: the same bits as if the net's thread had cut it.
   */
  sight(picture: QueryPicture, box: Box | null, net: QueryNet): Promise<RegionSight> {
    return remembered(this.sights, keyOf(picture, `${net.digest}|${boxKey(box)}`), async () => {
      const bytes = box === null ? picture.bytes : await this.cut(picture, box, net.input);
      const [embedded] = await this.pool.embed(net, [{ bytes }]);
      if (!embedded.ok) throw new ServiceError(embedded.code, { reason: embedded.reason });
      const words = net.naming ? seenWords(embedded.fc8, net.naming) : [];
      return { code: codeOf(net.binarizer, embedded.fc6), embedding: embedded.embedding ?? null, words };
    });
  }

  /** All that the detectors say about a picture; nothing without a detector. */
  async detect(picture: QueryPicture): Promise<ImageDetections> {
    const detectors = this.detectors();
    if (!detectors) return { width: 0, height: 0, detections: [] };
    return remembered(this.detections, keyOf(picture, detectors.set.digest), async () => {
      const [outcome] = await detectors.detect([picture.bytes]);
      if (!outcome.ok) throw new ServiceError(outcome.code, { reason: outcome.reason });
      return outcome.found;
    });
  }

  private decoded(picture: QueryPicture): Promise<DecodedImage> {
    return remembered(this.images, keyOf(picture, 'decoded'), () => decodeImage(picture.bytes, this.limits));
  }

  private async cut(picture: QueryPicture, box: Box, { width, height, resize }: NetInput): Promise<Uint8Array> {
    const { pixels } = await resizeRegion(await this.decoded(picture), width, height, resize, box, this.limits);
    return encodePixels(pixels, 'png');
  }

  private view(picture: QueryPicture, box: Box | null): Promise<RegionView> {
    return remembered(this.views, keyOf(picture, boxKey(box)), async () => {
      const image = await this.decoded(picture);
      const side = COLOUR_SIDE_PX;
      const { pixels } = await resizeRegion(image, side, side, 'stretch-bilinear', box ?? undefined, this.limits);
      return { colours: salientColours(pixels), picture: pictureKind(pixels) };
    });
  }
}

function boxKey(box: Box | null): string {
  return box?.join(',') ?? 'whole';
}

function keyOf({ key }: QueryPicture, what: string): string | null {
  return key === null ? null : `${what}|${key}`;
}

/** Work that is done once per key, also by those who ask while it is under way; a failure is not remembered. */
function remembered<T>(cache: LRUCache<string, Promise<T>>, key: string | null, work: () => Promise<T>): Promise<T> {
  if (key === null) return work();
  const known = cache.get(key);
  if (known) return known;
  const made = work();
  cache.set(key, made);
  made.catch(() => cache.delete(key));
  return made;
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
