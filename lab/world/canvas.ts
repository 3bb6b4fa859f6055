/**
 * A sheet to draw on: collects SVG and the true boxes of the objects drawn. Letters are paths (`stroke-font.ts`), so that
 * no font of the machine is used. Coordinates are pixels of the sheet; numbers are written with one decimal.
 */
import { seededRandom } from '../../src/math/random.ts';
import type { Random } from '../../src/math/random.ts';
import { MATERIALS, PALETTES, PATTERNS, STYLES } from './latents.ts';
import type { Latents, Material, Pattern, Style } from './latents.ts';

/** Left, top, width, height. */
export interface Frame {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export interface TrueObject {
  readonly label: string;
  /** Corners in pixels. */
  readonly box: readonly [number, number, number, number];
}

export const n = (value: number): string => String(Math.round(value * 10) / 10);

/** A path template in 0..100 by 0..100 (absolute M, L, C, Q, Z with pairs only) laid into a frame. */
export function fit(template: string, frame: Frame): string {
  let horizontal = true;
  return template.replace(/-?\d+(?:\.\d+)?/g, (text) => {
    const share = Number(text) / 100;
    const value = horizontal ? frame.x + share * frame.w : frame.y + share * frame.h;
    horizontal = !horizontal;
    return n(value);
  });
}

export class Canvas {
  readonly width: number;
  readonly height: number;
  readonly random: Random;
  readonly style: Style;
  readonly pattern: Pattern;
  readonly material: Material;
  readonly colours: readonly string[];
  readonly objects: TrueObject[] = [];
  private readonly body: string[] = [];
  private readonly defs = new Map<string, string>();

  constructor(width: number, height: number, latents: Latents) {
    this.width = width;
    this.height = height;
    this.random = seededRandom(latents.seed);
    this.style = STYLES[latents.style];
    this.pattern = PATTERNS[latents.pattern];
    this.material = MATERIALS[latents.material];
    this.colours = PALETTES[latents.palette].colours;
  }

  get ground(): string {
    return this.colours[0];
  }
  get dark(): string {
    return this.colours[4];
  }
  get light(): string {
    return this.colours[5];
  }
  /** Ink that can be read on the ground. */
  get ink(): string {
    return this.isDark(this.ground) ? this.light : this.dark;
  }
  /** Main, second or third colour. */
  accent(index: number): string {
    return this.colours[1 + (((index % 3) + 3) % 3)];
  }
  isDark(colour: string): boolean {
    const value = Number.parseInt(colour.slice(1), 16);
    return ((value >> 16) & 255) * 0.3 + ((value >> 8) & 255) * 0.59 + (value & 255) * 0.11 < 110;
  }
  /** Width of outlines, by style. */
  get outline(): number {
    return { minimal: 0, bold: 2.6, retro: 1.2, organic: 0, ornate: 1 }[this.style];
  }
  between(low: number, high: number): number {
    return low + (high - low) * this.random.next();
  }
  chance(share: number): boolean {
    return this.random.next() < share;
  }

  add(svg: string): void {
    this.body.push(svg);
  }
  rect(f: Frame, fill: string, radius = 0, extra = ''): void {
    this.add(`<rect x="${n(f.x)}" y="${n(f.y)}" width="${n(f.w)}" height="${n(f.h)}" rx="${n(radius)}" fill="${fill}" ${extra}/>`);
  }
  circle(x: number, y: number, r: number, fill: string, extra = ''): void {
    this.add(`<circle cx="${n(x)}" cy="${n(y)}" r="${n(r)}" fill="${fill}" ${extra}/>`);
  }
  ellipse(x: number, y: number, rx: number, ry: number, fill: string, extra = ''): void {
    this.add(`<ellipse cx="${n(x)}" cy="${n(y)}" rx="${n(rx)}" ry="${n(ry)}" fill="${fill}" ${extra}/>`);
  }
  path(d: string, fill: string, extra = ''): void {
    this.add(`<path d="${d}" fill="${fill}" ${extra}/>`);
  }
  line(d: string, colour: string, width: number, extra = ''): void {
    this.add(
      `<path d="${d}" fill="none" stroke="${colour}" stroke-width="${n(width)}" stroke-linecap="round" stroke-linejoin="round" ${extra}/>`,
    );
  }
  shadow(x: number, y: number, rx: number, ry: number): void {
    this.ellipse(x, y, rx, ry, '#000', 'opacity="0.13"');
  }

  /** A surface in the pin's pattern and material: fill, outline of the style, sheen or weave. */
  surface(d: string, fill: string): void {
    const edge = this.outline > 0 ? `stroke="${this.dark}" stroke-width="${this.outline}" stroke-linejoin="round"` : '';
    this.path(d, fill, `${edge} ${this.material === 'sheer' ? 'fill-opacity="0.82"' : ''}`);
    if (this.material === 'gloss') this.path(d, this.gloss());
    else if (this.material === 'woven') this.path(d, this.weave());
    else this.path(d, this.shade());
  }

  /** The pin's pattern in the main colour over another; `index` turns the colours. Plain gives a colour. */
  print(index = 0, scale = 1): string {
    return this.tile(this.pattern, this.accent(index), this.accent(index + 1), this.light, scale);
  }

  tile(pattern: Pattern, a: string, b: string, c: string, scale: number): string {
    if (pattern === 'plain') return a;
    const id = `${pattern}${a}${b}${scale}`.replace(/[^\w]/g, '');
    const size = Math.round(TILE_SIDE[pattern] * scale * 10) / 10;
    const draw = TILES[pattern](a, b, c);
    this.define(
      id,
      `<pattern id="${id}" width="${size}" height="${size}" patternUnits="userSpaceOnUse"${pattern === 'stripes' && this.style === 'bold' ? ' patternTransform="rotate(45)"' : ''}><g transform="scale(${n(size)} ${n(size)}) scale(0.1)">${draw}</g></pattern>`,
    );
    return `url(#${id})`;
  }

  gradient(from: string, to: string, vertical = true): string {
    const id = `g${from}${to}${vertical}`.replace(/[^\w]/g, '');
    this.define(
      id,
      `<linearGradient id="${id}" x1="0" y1="0" x2="${vertical ? 0 : 1}" y2="${vertical ? 1 : 0}"><stop offset="0" stop-color="${from}"/><stop offset="1" stop-color="${to}"/></linearGradient>`,
    );
    return `url(#${id})`;
  }

  define(id: string, svg: string): void {
    if (!this.defs.has(id)) this.defs.set(id, svg);
  }

  object(label: string, f: Frame): void {
    const box = [Math.max(0, f.x), Math.max(0, f.y), Math.min(this.width, f.x + f.w), Math.min(this.height, f.y + f.h)];
    const [x1, y1, x2, y2] = box.map((value) => Math.round(value * 10) / 10);
    if (x2 - x1 > 3 && y2 - y1 > 3) this.objects.push({ label, box: [x1, y1, x2, y2] });
  }

  content(): string {
    return `<defs>${[...this.defs.values()].join('')}</defs>${this.body.join('')}`;
  }

  private gloss(): string {
    this.define(
      'gloss',
      '<linearGradient id="gloss" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="#fff" stop-opacity="0.55"/><stop offset="0.45" stop-color="#fff" stop-opacity="0"/><stop offset="1" stop-color="#000" stop-opacity="0.22"/></linearGradient>',
    );
    return 'url(#gloss)';
  }
  private shade(): string {
    this.define(
      'shade',
      '<linearGradient id="shade" x1="0" y1="0" x2="1" y2="0.3"><stop offset="0.5" stop-color="#000" stop-opacity="0"/><stop offset="1" stop-color="#000" stop-opacity="0.14"/></linearGradient>',
    );
    return 'url(#shade)';
  }
  private weave(): string {
    this.define(
      'weave',
      '<pattern id="weave" width="4" height="4" patternUnits="userSpaceOnUse"><path d="M0,0 L4,4 M4,0 L0,4" stroke="#000" stroke-opacity="0.16" stroke-width="0.8"/></pattern>',
    );
    return 'url(#weave)';
  }
}

const TILE_SIDE: Readonly<Record<Pattern, number>> = { plain: 10, stripes: 12, dots: 14, check: 16, zigzag: 14, leaves: 22, tiles: 20 };

/** One tile of each pattern in a 10 by 10 square. */
const TILES: Readonly<Record<Pattern, (a: string, b: string, c: string) => string>> = {
  plain: (a) => `<rect width="10" height="10" fill="${a}"/>`,
  stripes: (a, _b, c) => `<rect width="10" height="10" fill="${a}"/><rect width="10" height="4" fill="${c}"/>`,
  dots: (a, _b, c) => `<rect width="10" height="10" fill="${a}"/><circle cx="5" cy="5" r="2.3" fill="${c}"/>`,
  check: (a, b, c) =>
    `<rect width="10" height="10" fill="${c}"/><rect width="5" height="10" fill="${a}" fill-opacity="0.55"/><rect width="10" height="5" fill="${a}" fill-opacity="0.55"/><rect width="10" height="1" y="7" fill="${b}"/>`,
  zigzag: (a, _b, c) =>
    `<rect width="10" height="10" fill="${a}"/><path d="M0,7.5 L2.5,2.5 L7.5,7.5 L10,2.5" transform="scale(1 1)" fill="none" stroke="${c}" stroke-width="2"/>`,
  leaves: (a, b, c) =>
    `<rect width="10" height="10" fill="${a}"/><path d="M1,6 Q2,1 6,1 Q5,6 1,6 Z" fill="${c}"/><path d="M5,9.5 Q6,5.5 9.5,5.5 Q9,9.5 5,9.5 Z" fill="${b}"/><circle cx="8.3" cy="2.6" r="0.9" fill="${c}"/>`,
  tiles: (a, b, c) =>
    `<rect width="10" height="10" fill="${c}"/><path d="M0,0 L5,0 A5,5 0 0 1 0,5 Z M10,10 L5,10 A5,5 0 0 1 10,5 Z" fill="${a}"/><path d="M5,5 L10,5 L10,0 Z" fill="${b}"/>`,
};
