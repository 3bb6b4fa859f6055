import type { Box } from '../api.ts';

/** A box in fractions of the image: left, top, right, bottom. */
export type Fractions = readonly [number, number, number, number];

/** What is being pulled: the whole box, a corner, or a new box from where the pointer went down. */
export type Grip = 'move' | 'nw' | 'ne' | 'sw' | 'se' | 'draw';

const WHOLE: Fractions = [0, 0, 1, 1];
export const MIDDLE: Fractions = [0.2, 0.2, 0.8, 0.8];
const SMALLEST = 0.04;
const STEP = 0.02;

const within = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);

/** The box after the pointer moved by (dx, dy) since it took hold. */
export function dragBox(box: Fractions, grip: Grip, dx: number, dy: number): Fractions {
  let [x1, y1, x2, y2] = box;
  if (grip === 'move') {
    const mx = within(dx, -x1, 1 - x2);
    const my = within(dy, -y1, 1 - y2);
    return [x1 + mx, y1 + my, x2 + mx, y2 + my];
  }
  if (grip.endsWith('w')) x1 = within(x1 + dx, 0, x2 - SMALLEST);
  else x2 = within(x2 + dx, x1 + SMALLEST, 1);
  if (grip.startsWith('n')) y1 = within(y1 + dy, 0, y2 - SMALLEST);
  else y2 = within(y2 + dy, y1 + SMALLEST, 1);
  return [x1, y1, x2, y2];
}

/** A new box between two points. */
export function drawnBox(x: number, y: number, toX: number, toY: number): Fractions {
  const [left, right] = [Math.min(x, toX), Math.max(x, toX)].map((side) => within(side, 0, 1));
  const [top, bottom] = [Math.min(y, toY), Math.max(y, toY)].map((side) => within(side, 0, 1));
  const x1 = Math.min(left, 1 - SMALLEST);
  const y1 = Math.min(top, 1 - SMALLEST);
  return [x1, y1, Math.max(right, x1 + SMALLEST), Math.max(bottom, y1 + SMALLEST)];
}

/** Arrows move the box, with shift its lower right corner; Escape takes the whole picture. */
export function stepBox(box: Fractions, { key, shiftKey }: KeyboardEvent): Fractions | null {
  if (key === 'Escape') return WHOLE;
  const steps: Record<string, readonly [number, number]> = {
    ArrowLeft: [-STEP, 0],
    ArrowRight: [STEP, 0],
    ArrowUp: [0, -STEP],
    ArrowDown: [0, STEP],
  };
  const step = steps[key];
  return step ? dragBox(box, shiftKey ? 'se' : 'move', step[0], step[1]) : null;
}

export function toFractions(box: Box, extent: readonly [number, number]): Fractions {
  return [box[0] / extent[0], box[1] / extent[1], box[2] / extent[0], box[3] / extent[1]];
}

export function toPixels(box: Fractions, extent: readonly [number, number]): string {
  return [box[0] * extent[0], box[1] * extent[1], box[2] * extent[0], box[3] * extent[1]].map(Math.round).join(',');
}

/** The box of an address, null when it holds none. */
export function readBox(text: string, extent: readonly [number, number]): Fractions | null {
  const sides = text.split(',').map(Number);
  if (sides.length !== 4 || sides.some((side) => !Number.isFinite(side))) return null;
  return toFractions(sides as unknown as Box, extent);
}
