import type { NetInput } from '../../vision/net-manifest.ts';

/** How the nets of a family usually take pixels and are read; all of it may be overridden at import or in the manifest. */
interface FormDefaults extends Pick<NetInput, 'channels' | 'mean' | 'scale' | 'resize'> {
  /** Input side in pixels where the graph leaves it free. */
  readonly side: number;
  readonly scoreThreshold: number;
  readonly nmsIou: number;
  /** Whether nets of this form come with COCO's 80 labels. */
  readonly coco?: boolean;
}

const ZERO = [0, 0, 0] as const;
const UNIT = 1 / 255;
const plain = { channels: 'RGB', mean: ZERO, scale: UNIT, resize: 'stretch-bilinear' } as const;

/**
 * FastestDet and NanoDet: as their authors preprocess (BGR); bicubic because it measured best on coco-val128 (FastestDet
 * 0.349 against 0.341 bilinear, NanoDet 0.436 against 0.430). NMS as published: 0.45 and 0.6.
 */
export const FORM_DEFAULTS: Readonly<Record<string, FormDefaults>> = {
  ssd: { ...plain, side: 300, scoreThreshold: 0.3, nmsIou: 0.5 },
  'faster-rcnn': { ...plain, side: 640, scoreThreshold: 0.5, nmsIou: 0.5 },
  tensorflow: { ...plain, scale: 1, side: 320, scoreThreshold: 0.3, nmsIou: 0.6 },
  fastestdet: {
    ...plain,
    channels: 'BGR',
    resize: 'stretch-bicubic',
    side: 352,
    scoreThreshold: 0.5,
    nmsIou: 0.45,
    coco: true,
  },
  nanodet: {
    channels: 'BGR',
    mean: [103.53, 116.28, 123.675],
    scale: [1 / 57.375, 1 / 57.12, 1 / 58.395],
    resize: 'stretch-bicubic',
    side: 320,
    scoreThreshold: 0.4,
    nmsIou: 0.6,
    coco: true,
  },
  yolo: { ...plain, resize: 'contain-bilinear', side: 640, scoreThreshold: 0.25, nmsIou: 0.45 },
  detr: {
    channels: 'RGB',
    mean: [123.675, 116.28, 103.53],
    scale: [1 / 58.395, 1 / 57.12, 1 / 57.375],
    resize: 'stretch-bilinear',
    side: 800,
    scoreThreshold: 0.5,
    nmsIou: 0.7,
  },
};
