import type { Pixels } from '../vision/image-tensor.ts';
import { colourDifference, type Lab, labOf } from './cie-lab.ts';

/** How a query was probably made. */
export interface PictureKind {
  readonly kind: 'product' | 'camera';
  /** Share of border pixels that are of the border's one colour, 0..1. */
  readonly borderEvenness: number;
}

/** CIE 1976 difference within which a border pixel is "the same colour". */
const SAME_COLOUR = 8;
const PRODUCT_EVENNESS = 0.8;

/**
 * A clean product picture stands on one even ground; a camera photo has the world at its borders. The border is the
 * outermost twentieth of the picture; its colour is the median in each axis of CIE L*a*b*.
 */
export function pictureKind({ width, height, data }: Pixels): PictureKind {
  const depth = Math.max(1, Math.round(Math.min(width, height) / 20));
  const border: Lab[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (x >= depth && x < width - depth && y >= depth && y < height - depth) continue;
      const at = 3 * (y * width + x);
      border.push(labOf(data[at], data[at + 1], data[at + 2]));
    }
  }
  const middle: Lab = [median(border, 0), median(border, 1), median(border, 2)];
  const even = border.filter((colour) => colourDifference(colour, middle) <= SAME_COLOUR).length / border.length;
  return { kind: even >= PRODUCT_EVENNESS ? 'product' : 'camera', borderEvenness: even };
}

function median(colours: readonly Lab[], axis: 0 | 1 | 2): number {
  const values = colours.map((colour) => colour[axis]).sort((a, b) => a - b);
  return values[Math.floor(values.length / 2)];
}
