/**
 * What is kept of a picture in which marks are looked for: codes of many regions, which say where a mark may be, and the local features of
 * the picture and its parts, which say whether it is there. Marks that are taught later are looked for in these, not in the picture.
 */
import { KEY_POINTS_MAX, joinedFeatures, type LocalFeatures } from '../exact/local-features.ts';
import type { LocalFeatureThreads } from '../exact/local-feature-threads.ts';
import { looksAt, partsOf } from '../exact/query-views.ts';
import { ServiceError } from '../errors.ts';
import { type Binarizer, codeOf } from '../features/binarize.ts';
import type { ConvNet } from '../features/convnet.ts';
import type { Box } from '../vision/box.ts';
import { type ImageLimits, measureImage } from '../vision/image-tensor.ts';

/** What the views of a picture depend on, beside the net and the recipe of local features. */
export const VIEWS = 'views-1';

export interface PictureViews {
  /** In pixels of the upright picture. */
  readonly regions: readonly Box[];
  /** Of each region. */
  readonly codes: readonly Uint32Array[];
  /** Of the whole picture and its parts, all in places of the whole. */
  readonly features: LocalFeatures;
}

/** Grids of square shares: regions a side, and the share of the side that each takes. */
const GRIDS = [
  { perSide: 1, share: 1 },
  { perSide: 3, share: 1 / 2 },
  { perSide: 4, share: 1 / 3 },
] as const;
/** Objects of the detectors that are looked at, surest first. */
const OBJECTS_MOST = 10;

/** A grid of three scales, and what detectors found. */
function markRegions(width: number, height: number, objects: readonly Box[]): readonly Box[] {
  const grid = GRIDS.flatMap(({ perSide, share }) => {
    const [w, h] = [Math.max(1, Math.round(width * share)), Math.max(1, Math.round(height * share))];
    const step = (length: number, i: number): number => (perSide === 1 ? 0 : Math.round((i * length) / (perSide - 1)));
    return Array.from({ length: perSide * perSide }, (_, i): Box => {
      const [left, top] = [step(width - w, i % perSide), step(height - h, Math.floor(i / perSide))];
      return [left, top, left + w, top + h];
    });
  });
  return [...grid, ...objects.slice(0, OBJECTS_MOST)];
}

/** What reads pictures. */
export interface Eyes {
  readonly net: ConvNet;
  readonly binarizer: Binarizer;
  readonly threads: LocalFeatureThreads;
  readonly limits: ImageLimits;
}

/** Looks at a picture once. @throws IMAGE_..., INDEX_UNAVAILABLE without OpenCV. */
export async function lookAt(bytes: Uint8Array, objects: readonly Box[], eyes: Eyes): Promise<PictureViews> {
  const { threads, limits } = eyes;
  const looks = await looksAt(bytes, limits, (picture) => threads.find(picture, KEY_POINTS_MAX));
  const { width, height } = looks;
  const regions = markRegions(width, height, objects);
  const [codes, ...parts] = await Promise.all([
    codesOf(bytes, regions, eyes),
    ...[null, ...partsOf(width, height)].map((region) => looks.at(region)),
  ]);
  return { regions, codes, features: joinedFeatures(parts, { width, height }) };
}

async function codesOf(bytes: Uint8Array, regions: readonly Box[], { net, binarizer }: Eyes): Promise<Uint32Array[]> {
  const found = await net.embed(regions.map((box) => ({ bytes, box })));
  return found.map((one) => {
    if (!one.ok) throw new ServiceError('IMAGE_REFUSED', { reason: 'the net refused a region of it' });
    return codeOf(binarizer, one.fc6);
  });
}

/** A picture that shows a mark and little else: one code, and the local features of the whole. */
export interface MarkView {
  readonly code: Uint32Array;
  readonly features: LocalFeatures;
}

/** @throws IMAGE_..., INDEX_UNAVAILABLE without OpenCV. */
export async function lookAtMark(bytes: Uint8Array, eyes: Eyes): Promise<MarkView> {
  const { width, height } = await measureImage(bytes, eyes.limits);
  const [[code], features] = await Promise.all([codesOf(bytes, [[0, 0, width, height]], eyes), eyes.threads.find(bytes, KEY_POINTS_MAX)]);
  return { code, features };
}
