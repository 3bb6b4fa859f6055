/** Rooms and outfits: several objects with known boxes. */
import type { Canvas, Frame } from '../canvas.ts';
import { backdrop } from './backdrop.ts';
import { bed, cabinet, chair, lamp, picture, plant, rug, shelf, sofa, table, vase } from './furniture.ts';
import { bag, belt, dress, eyewear, hat, jacket, jewellery, pants, scarf, shoe, shoes, shorts, skirt, top, watch } from './garments.ts';

function walls(c: Canvas): number {
  const { width: w, height: h } = c;
  const floor = h * c.between(0.66, 0.74);
  c.rect({ x: 0, y: 0, w, h }, c.style === 'bold' ? c.accent(1) : c.ground);
  if (c.style === 'ornate')
    for (let x = 14; x < w; x += 58)
      c.rect({ x, y: h * 0.1, w: 44, h: floor - h * 0.2 }, 'none', 0, `stroke="${c.ink}" stroke-opacity="0.3" stroke-width="1.6"`);
  if (c.style === 'retro') c.rect({ x: 0, y: 0, w, h: floor }, c.tile('stripes', c.ground, c.accent(1), c.light, 2.2), 0, 'opacity="0.8"');
  if (c.style === 'organic')
    c.path(
      `M${w * 0.5},${floor} L${w * 0.5},${h * 0.26} C${w * 0.5},${h * 0.02} ${w * 0.95},${h * 0.02} ${w * 0.95},${h * 0.26} L${w * 0.95},${floor} Z`,
      c.accent(1),
      'opacity="0.4"',
    );
  c.rect({ x: 0, y: floor, w, h: h - floor }, c.isDark(c.ground) ? c.accent(1) : '#b98f68', 0, 'opacity="0.75"');
  for (let y = floor + 8; y < h; y += 14) c.rect({ x: 0, y, w, h: 1 }, '#000', 0, 'opacity="0.12"');
  c.rect({ x: 0, y: floor - 4, w, h: 4 }, c.light, 0, 'opacity="0.8"');
  return floor;
}

const standing = (x: number, base: number, w: number, h: number): Frame => ({ x, y: base - h, w, h });

export function livingRoom(c: Canvas): void {
  const { width: w } = c;
  const floor = walls(c);
  const flip = c.chance(0.5);
  const at = (x: number, wide: number): number => (flip ? w - x - wide : x);
  pictures(c, at, floor);
  rug(c, { x: at(w * 0.1, w * 0.8), y: floor + 14, w: w * 0.8, h: 40 }, 2);
  if (c.chance(0.75)) lamp(c, standing(at(w * 0.04, w * 0.17), floor + 12, w * 0.17, floor * c.between(0.5, 0.62)), 1);
  const wide = w * c.between(0.5, 0.6);
  if (c.chance(0.8)) sofa(c, standing(at(w * 0.22, wide), floor + 22, wide, wide * 0.5), 0);
  else chair(c, standing(at(w * 0.3, w * 0.32), floor + 22, w * 0.32, w * 0.42), 0);
  if (c.chance(0.8)) plant(c, standing(at(w * 0.8, w * 0.19), floor + 16, w * 0.19, floor * c.between(0.34, 0.5)), 1);
  if (c.chance(0.7)) {
    const t = standing(at(w * 0.36, w * 0.3), floor + 52, w * 0.3, w * 0.15);
    if (c.chance(0.6)) vase(c, { x: t.x + t.w * 0.4, y: t.y - w * 0.1, w: w * 0.07, h: w * 0.1 }, 2);
    table(c, t, 1);
  }
}

function pictures(c: Canvas, at: (x: number, wide: number) => number, floor: number): void {
  const { width: w } = c;
  const count = c.random.integer(3) + 1;
  for (let i = 0; i < count; i++)
    picture(c, { x: at(w * (0.28 + i * 0.2), w * 0.16), y: floor * c.between(0.1, 0.2), w: w * 0.16, h: w * c.between(0.18, 0.24) }, i);
}

export function bedroom(c: Canvas): void {
  const { width: w } = c;
  const floor = walls(c);
  const flip = c.chance(0.5);
  const at = (x: number, wide: number): number => (flip ? w - x - wide : x);
  picture(c, { x: at(w * 0.4, w * 0.22), y: floor * 0.12, w: w * 0.22, h: w * 0.26 }, 1);
  rug(c, { x: at(w * 0.12, w * 0.76), y: floor + 22, w: w * 0.76, h: 40 }, 2);
  bed(c, standing(at(w * 0.22, w * 0.58), floor + 34, w * 0.58, w * c.between(0.4, 0.48)), 0);
  const night = standing(at(w * 0.02, w * 0.18), floor + 14, w * 0.18, w * 0.2);
  cabinet(c, night, 1);
  lamp(c, standing(night.x + night.w * 0.2, night.y, night.w * 0.6, w * 0.18), 2);
  if (c.chance(0.7)) plant(c, standing(at(w * 0.82, w * 0.17), floor + 20, w * 0.17, floor * 0.36), 0);
}

export function workCorner(c: Canvas): void {
  const { width: w } = c;
  const floor = walls(c);
  if (c.chance(0.5)) shelf(c, standing(w * 0.04, floor + 6, w * 0.34, floor * 0.72), 1);
  else cabinet(c, standing(w * 0.04, floor + 12, w * 0.4, w * 0.32), 1);
  picture(c, { x: w * 0.56, y: floor * 0.12, w: w * 0.2, h: w * 0.25 }, 2);
  const t = standing(w * 0.48, floor + 24, w * 0.46, w * 0.28);
  lamp(c, standing(t.x + t.w * 0.66, t.y, t.w * 0.26, w * 0.2), 1);
  vase(c, standing(t.x + t.w * 0.12, t.y, w * 0.08, w * 0.12), 0);
  table(c, t, 0);
  chair(c, standing(w * 0.54, floor + 46, w * 0.24, w * 0.36), 2);
}

/** A flat lay: clothes laid out beside each other. */
export function flatLay(c: Canvas, mens: boolean): void {
  backdrop(c);
  const { width: w, height: h } = c;
  const left: Frame = { x: w * 0.06, y: h * c.between(0.05, 0.09), w: w * 0.48, h: h * 0.42 };
  const right = (y: number, wide: number, high: number): Frame => ({
    x: w * c.between(0.58, 0.9 - wide),
    y: h * y,
    w: w * wide,
    h: h * high,
  });
  if (!mens && c.chance(0.4)) dress(c, { ...left, h: h * 0.62 }, 0);
  else {
    (c.chance(mens ? 0.5 : 0.35) ? jacket : top)(c, left, 0);
    const lower: Frame = { x: w * 0.13, y: h * 0.52, w: w * 0.34, h: h * 0.43 };
    if (!mens && c.chance(0.5)) skirt(c, { ...lower, h: h * 0.3 }, 1);
    else if (c.chance(0.2)) shorts(c, { ...lower, h: h * 0.22 }, 1);
    else pants(c, lower, 1);
  }
  if (c.chance(0.6)) hat(c, right(0.06, 0.28, 0.14), 2);
  else eyewear(c, right(0.09, 0.26, 0.07));
  if (mens ? c.chance(0.4) : c.chance(0.85)) bag(c, right(0.26, 0.3, 0.24), 2);
  else if (c.chance(0.5)) scarf(c, right(0.27, 0.26, 0.26), 2);
  else top(c, right(0.27, 0.3, 0.24), 2);
  if (c.chance(0.5)) watch(c, right(0.54, 0.12, 0.12));
  else if (c.chance(0.5)) belt(c, right(0.57, 0.3, 0.05));
  else jewellery(c, right(0.54, 0.18, 0.1));
  shoes(c, { x: w * 0.57, y: h * 0.72, w: w * 0.37, h: h * 0.22 }, 2);
}

const SKINS = ['#f1c9a5', '#d9a066', '#a86b3c', '#6d4024', '#f6d7c0'];

/** A person who wears an outfit: clothes overlap, as in photos. */
export function worn(c: Canvas, mens: boolean): void {
  backdrop(c);
  const { width: w, height: h } = c;
  const skin = c.random.pick(SKINS);
  const x = w * c.between(0.42, 0.58);
  const u = (h * c.between(0.84, 0.92)) / 100;
  const y0 = h * 0.04;
  const at = (dx: number, dy: number, wide: number, high: number): Frame => ({ x: x + dx * u, y: y0 + dy * u, w: wide * u, h: high * u });
  c.shadow(x, y0 + 99 * u, 22 * u, 3 * u);
  for (const side of [-1, 1]) {
    c.rect(at(side * 5 - 2, 48, 4.4, 46), skin, 4);
    c.rect(at(side * 13.5 - 1.8, 22, 3.8, 34), skin, 4);
  }
  c.rect(at(-2.4, 12, 4.8, 8), skin, 3);
  c.ellipse(x, y0 + 8.5 * u, 5 * u, 6.4 * u, skin);
  c.path(
    `M${x - 5.4 * u},${y0 + 10 * u} C${x - 7 * u},${y0 - u} ${x + 7 * u},${y0 - u} ${x + 5.4 * u},${y0 + 10 * u} C${x + 3 * u},${y0 + 4 * u} ${x - 3 * u},${y0 + 4 * u} ${x - 5.4 * u},${y0 + 10 * u} Z`,
    c.random.pick(['#2b1d14', '#5b3a1e', '#c49a54', '#111']),
  );
  const dressed = !mens && c.chance(0.4);
  if (dressed) dress(c, at(-14, 17, 28, 52), 0);
  else {
    const kind = mens ? 'pants' : c.random.pick(['pants', 'skirt', 'shorts'] as const);
    if (kind === 'pants') pants(c, at(-9.5, 46, 19, 48), 1);
    if (kind === 'shorts') shorts(c, at(-9.5, 46, 19, 19), 1);
    if (c.chance(0.25)) belt(c, at(-8.6, 45.4, 17, 2.6));
    top(c, at(-15, 17, 30, 31), 0);
    if (kind === 'skirt') skirt(c, at(-11, 44, 22, 30), 1);
  }
  if (c.chance(0.35)) jacket(c, at(-17, 16, 34, 42), 2);
  if (c.chance(0.3)) hat(c, at(-8, -1.5, 16, 8), 2);
  if (c.chance(0.35)) eyewear(c, at(-4.2, 6.6, 8.4, 3));
  if (c.chance(0.5)) bag(c, at(12, 46, 14, 18), 2);
  for (const side of [-1, 1]) shoe(c, at(side * 5.4 - 4, 91.5, 9, 6.5), 2, mens ? 'sneaker' : undefined);
}
