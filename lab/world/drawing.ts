/** A pin's latents -> its picture: the drawing of its topic, then light, grain, crop and caption on top. */
import { seededRandom } from '../../src/math/random.ts';
import { Canvas, n } from './canvas.ts';
import type { Frame, TrueObject } from './canvas.ts';
import * as art from './drawings/abstract-art.ts';
import { backdrop } from './drawings/backdrop.ts';
import * as design from './drawings/design.ts';
import * as food from './drawings/food.ts';
import * as home from './drawings/furniture.ts';
import * as gardens from './drawings/gardens.ts';
import * as clothes from './drawings/garments.ts';
import * as pictures from './drawings/illustrations.ts';
import * as travel from './drawings/landscapes.ts';
import { plan } from './drawings/plan-tables.ts';
import { quote } from './drawings/quotes.ts';
import { bedroom, flatLay, livingRoom, workCorner, worn } from './drawings/scenes.ts';
import * as tattoos from './drawings/line-tattoos.ts';
import { CATEGORIES } from './latents.ts';
import type { Latents } from './latents.ts';
import { textPath, textUnits } from './stroke-font.ts';

/** How a near-duplicate differs from its original; shares of the picture, 0 = untouched. */
export interface Alteration {
  readonly cropLeft: number;
  readonly cropTop: number;
  readonly cropRight: number;
  readonly cropBottom: number;
  readonly caption: string | null;
  readonly quality: number;
}
export const UNALTERED: Alteration = { cropLeft: 0, cropTop: 0, cropRight: 0, cropBottom: 0, caption: null, quality: 86 };

interface Drawing {
  readonly svg: string;
  readonly width: number;
  readonly height: number;
  readonly objects: readonly TrueObject[];
}

type Draw = (c: Canvas) => void;
const WIDTH = 240;
const HEIGHTS = [240, 288, 320, 352];

/** Places one thing on a backdrop; layout moves and scales it. */
const single =
  (draw: (c: Canvas, f: Frame) => void, aspect: number, wide: number): Draw =>
  (c) => {
    backdrop(c);
    let w = c.width * wide * c.between(0.86, 1.1);
    const h = Math.min(w * aspect, c.height * 0.84);
    w = h / aspect;
    const f = { x: (c.width - w) * c.between(0.3, 0.7), y: (c.height - h) * c.between(0.4, 0.66), w, h };
    c.shadow(f.x + w / 2, f.y + h, w * 0.42, 6);
    draw(c, f);
  };

/** One drawing per topic, in the order of CATEGORIES. */
const DRAWINGS: Readonly<Record<string, readonly Draw[]>> = {
  'womens fashion': [
    single(clothes.dress, 1.6, 0.58),
    single(clothes.top, 1.05, 0.66),
    single(clothes.skirt, 1.15, 0.6),
    single((c, f) => clothes.shoe(c, f, 0, 'heel'), 0.78, 0.7),
    single(clothes.bag, 1, 0.62),
    (c) => (c.chance(0.5) ? flatLay : worn)(c, false),
  ],
  'mens fashion': [
    single(clothes.top, 1.08, 0.66),
    single(clothes.jacket, 1.2, 0.66),
    single(clothes.pants, 1.75, 0.46),
    single((c, f) => clothes.shoe(c, f, 0, c.chance(0.75) ? 'sneaker' : 'boot'), 0.66, 0.74),
    (c) => (c.chance(0.5) ? flatLay : worn)(c, true),
  ],
  'home decor': [
    single(home.sofa, 0.55, 0.84),
    single(home.chair, 1.25, 0.56),
    single(home.lamp, 1.6, 0.42),
    bedroom,
    (c) => (c.chance(0.7) ? livingRoom : workCorner)(c),
    single((c, f) => (c.chance(0.6) ? home.cabinet : home.shelf)(c, f), 0.92, 0.72),
  ],
  art: [art.circles, art.colourFields, art.flowLines, art.collage, art.ink],
  tattoos: [tattoos.botanical, tattoos.geometric, tattoos.celestial, tattoos.snake, tattoos.ridge],
  illustrations: [pictures.cat, pictures.fox, pictures.city, pictures.space, pictures.portrait],
  design: [design.poster, design.logo, design.packaging, design.lettering, design.screen],
  quotes: [0, 1, 2, 3, 4].map((topic) => (c: Canvas) => quote(c, topic)),
  'food and drink': [food.bowl, food.cake, food.drink, food.pizza, food.fruit],
  'fitness planning': [0, 1, 2, 3, 4].map((topic) => (c: Canvas) => plan(c, topic)),
  gardening: [gardens.pots, gardens.flowerBed, gardens.vegetables, gardens.succulents, gardens.path],
  travel: [travel.mountains, travel.beach, travel.desert, travel.skyline, travel.lake],
};

export function drawPin(latents: Latents, change: Alteration = UNALTERED): Drawing {
  const height = HEIGHTS[latents.layout % HEIGHTS.length];
  const canvas = new Canvas(WIDTH, height, latents);
  DRAWINGS[CATEGORIES[latents.category].name][latents.topic](canvas);
  shine(canvas, latents);
  grain(canvas, latents);
  return cropped(canvas, change);
}

/** Light falls from one side and leaves the other a little darker. */
function shine(c: Canvas, latents: Latents): void {
  const angle = (latents.lightFrom * Math.PI) / 180;
  const [x, y] = [Math.cos(angle) / 2, Math.sin(angle) / 2];
  const strength = n(latents.light * 3);
  c.define(
    'light',
    `<linearGradient id="light" x1="${n(0.5 + x)}" y1="${n(0.5 + y)}" x2="${n(0.5 - x)}" y2="${n(0.5 - y)}"><stop offset="0" stop-color="#fff" stop-opacity="${Number(strength) / 10}"/><stop offset="0.5" stop-color="#fff" stop-opacity="0"/><stop offset="1" stop-color="#000" stop-opacity="${Number(strength) / 12}"/></linearGradient>`,
  );
  c.rect({ x: 0, y: 0, w: c.width, h: c.height }, 'url(#light)');
}

/** Grain of a camera or a print: a tile of specks, stronger with the noise. */
function grain(c: Canvas, latents: Latents): void {
  if (latents.noise < 0.15) return;
  const random = seededRandom(latents.seed ^ 0x5f3759df);
  const specks = Array.from({ length: 70 }, (_, i) => `M${random.integer(64)},${random.integer(64)}h${1 + (i % 2)}`);
  const tile = `<path d="${specks.slice(0, 35).join('')}" stroke="#000"/><path d="${specks.slice(35).join('')}" stroke="#fff"/>`;
  c.define('grain', `<pattern id="grain" width="64" height="64" patternUnits="userSpaceOnUse">${tile}</pattern>`);
  c.rect({ x: 0, y: 0, w: c.width, h: c.height }, 'url(#grain)', 0, `opacity="${Math.round(latents.noise * 22) / 100}"`);
}

/** Crops in drawing units and lays the caption at the foot; boxes follow and are dropped under 40 % visible. */
function cropped(c: Canvas, change: Alteration): Drawing {
  const [left, up] = [Math.round(c.width * change.cropLeft), Math.round(c.height * change.cropTop)];
  const width = c.width - left - Math.round(c.width * change.cropRight);
  const height = c.height - up - Math.round(c.height * change.cropBottom);
  const objects = c.objects.flatMap(({ label, box }) => {
    const moved = [Math.max(0, box[0] - left), Math.max(0, box[1] - up), Math.min(width, box[2] - left), Math.min(height, box[3] - up)];
    const [x1, y1, x2, y2] = moved.map((value) => Math.round(value * 10) / 10);
    const seen = Math.max(0, x2 - x1) * Math.max(0, y2 - y1);
    return seen > 0.4 * (box[2] - box[0]) * (box[3] - box[1]) ? [{ label, box: [x1, y1, x2, y2] as const }] : [];
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="${left} ${up} ${width} ${height}">${c.content()}${caption(change, left, up, width, height)}</svg>`;
  return { svg, width, height, objects };
}

function caption(change: Alteration, left: number, up: number, width: number, height: number): string {
  if (change.caption === null) return '';
  const size = Math.min(11, (width * 0.8 * 6) / textUnits(change.caption));
  const x = left + (width - (textUnits(change.caption) * size) / 6) / 2;
  return `<rect x="${left}" y="${n(up + height - 26)}" width="${width}" height="26" fill="#fff" fill-opacity="0.88"/><path d="${textPath(change.caption, x, up + height - 18, size)}" fill="none" stroke="#222" stroke-width="1.6" stroke-linecap="round"/>`;
}
