/** Clothes, shoes, bags and small accessories: each fills its frame exactly, which is its true box. */
import { fit, n } from '../canvas.ts';
import type { Canvas, Frame } from '../canvas.ts';

const SHAPES = {
  tee: 'M30,0 C36,10 64,10 70,0 L82,4 L100,34 L82,44 L78,36 L78,100 L22,100 L22,36 L18,44 L0,34 L18,4 Z',
  blouse: 'M36,0 L50,16 L64,0 L80,5 L100,72 L86,78 L76,38 L82,100 L18,100 L24,38 L14,78 L0,72 L20,5 Z',
  camisole: 'M24,0 L32,22 C40,34 60,34 68,22 L76,0 L80,0 L84,34 L100,100 L0,100 L16,34 L20,0 Z',
  jacket: 'M34,0 L66,0 L84,6 L100,84 L86,90 L78,40 L80,100 L20,100 L22,40 L14,90 L0,84 L16,6 Z',
  gown: 'M36,0 C40,9 60,9 64,0 L72,3 L78,24 L66,38 C76,60 90,84 100,96 C76,101 24,101 0,96 C10,84 24,60 34,38 L22,24 L28,3 Z',
  shift: 'M30,0 C38,8 62,8 70,0 L86,4 L100,24 L84,32 L80,26 L92,100 L8,100 L20,26 L16,32 L0,24 L14,4 Z',
  slip: 'M26,0 L34,18 C42,26 58,26 66,18 L74,0 L78,0 L78,30 C72,44 76,60 100,100 L0,100 C24,60 28,44 22,30 L22,0 Z',
  flared: 'M28,0 L72,0 L74,10 C84,40 94,74 100,94 C70,102 30,102 0,94 C6,74 16,40 26,10 Z',
  pencil: 'M14,0 L86,0 C96,20 100,50 92,100 L8,100 C0,50 4,20 14,0 Z',
  straight: 'M14,0 L86,0 L100,98 L66,100 L51,26 L49,26 L34,100 L0,98 Z',
  wide: 'M22,0 L78,0 L100,100 L58,100 L50,32 L42,100 L0,100 Z',
  shorts: 'M8,0 L92,0 L100,94 L60,100 L50,40 L40,100 L0,94 Z',
  sneaker: 'M4,24 C14,10 24,2 36,0 C44,20 52,30 70,42 C88,50 98,58 100,74 L100,100 L0,100 L0,60 C0,44 0,34 4,24 Z',
  heel: 'M0,8 C10,-2 20,2 30,20 C48,50 70,68 100,84 C100,94 94,100 84,100 L60,100 C42,92 28,74 16,54 L10,100 L4,100 L3,40 Z',
  boot: 'M8,0 L56,0 L58,46 C74,54 94,60 100,78 L100,100 L2,100 L2,84 C8,60 10,30 8,0 Z',
  tote: 'M8,36 L92,36 L100,100 L0,100 Z',
  satchel: 'M6,30 C30,24 70,24 94,30 L100,92 C80,102 20,102 0,92 Z',
  hat: 'M22,64 C20,10 30,0 50,0 C70,0 80,10 78,64 C92,66 100,74 100,84 C80,105 20,105 0,84 C0,74 8,66 22,64 Z',
} as const;

const pick = <T>(c: Canvas, items: readonly T[]): T => c.random.pick(items);

function seams(c: Canvas, template: string, f: Frame, width = 1.2): void {
  c.line(fit(template, f), c.dark, width, 'opacity="0.55"');
}

export function top(c: Canvas, f: Frame, index = 0): void {
  const shape = pick(c, ['tee', 'blouse', 'camisole'] as const);
  c.surface(fit(SHAPES[shape], f), c.print(index));
  if (shape === 'blouse') seams(c, 'M36,0 L50,16 L64,0 M50,16 L50,100', f);
  if (shape === 'tee') seams(c, 'M30,0 C36,14 64,14 70,0 M22,36 L24,28 M78,36 L76,28', f);
  c.object('top', f);
}

export function jacket(c: Canvas, f: Frame, index = 0): void {
  c.surface(fit(SHAPES.jacket, f), c.print(index));
  c.path(fit('M34,0 L50,36 L66,0 L58,0 L50,14 L42,0 Z', f), c.light);
  c.path(fit('M34,0 L24,18 L36,24 L50,44 Z', f), c.accent(index), 'fill-opacity="0.9"');
  c.path(fit('M66,0 L76,18 L64,24 L50,44 Z', f), c.accent(index), 'fill-opacity="0.9"');
  seams(c, 'M34,0 L24,18 L36,24 L50,44 L64,24 L76,18 L66,0 M50,44 L50,100 M28,70 L42,70 M58,70 L72,70', f, 1.4);
  for (const y of [0.56, 0.7, 0.84]) c.circle(f.x + f.w * 0.54, f.y + f.h * y, Math.max(1.3, f.w * 0.014), c.dark);
  c.object('outerwear', f);
}

export function dress(c: Canvas, f: Frame, index = 0): void {
  c.surface(fit(SHAPES[pick(c, ['gown', 'shift', 'slip'] as const)], f), c.print(index));
  if (c.chance(0.6)) c.path(fit('M31,36 L69,36 L70,42 L30,42 Z', f), c.dark, 'fill-opacity="0.85"');
  seams(c, 'M40,50 C38,66 34,82 30,95 M60,50 C62,66 66,82 70,95', f, 1);
  c.object('dress', f);
}

export function skirt(c: Canvas, f: Frame, index = 0): void {
  c.surface(fit(SHAPES[pick(c, ['flared', 'pencil'] as const)], f), c.print(index));
  c.path(fit('M24,0 L76,0 L77,8 L23,8 Z', f), c.dark, 'fill-opacity="0.7"');
  seams(c, 'M40,14 C36,44 32,74 28,94 M60,14 C64,44 68,74 72,94 M50,14 L50,96', f, 1);
  c.object('skirt', f);
}

export function pants(c: Canvas, f: Frame, index = 0): void {
  c.surface(fit(SHAPES[pick(c, ['straight', 'wide'] as const)], f), c.print(index));
  c.path(fit('M20,0 L80,0 L80,5 L20,5 Z', f), c.dark, 'fill-opacity="0.75"');
  seams(c, 'M50,5 L50,26 M28,8 L26,22 M72,8 L74,22 M26,30 L20,94 M74,30 L80,94', f, 1);
  c.object('pants', f);
}

export function shorts(c: Canvas, f: Frame, index = 0): void {
  c.surface(fit(SHAPES.shorts, f), c.print(index));
  c.path(fit('M8,0 L92,0 L93,10 L7,10 Z', f), c.dark, 'fill-opacity="0.7"');
  c.object('shorts', f);
}

export function shoe(c: Canvas, f: Frame, index = 0, kind?: 'sneaker' | 'heel' | 'boot'): void {
  const shape = kind ?? pick(c, ['sneaker', 'heel', 'boot'] as const);
  c.surface(fit(SHAPES[shape], f), c.print(index, 0.7));
  if (shape === 'sneaker') {
    c.path(fit('M0,82 L100,82 L100,100 L0,100 Z', f), c.light, `stroke="${c.dark}" stroke-width="0.8"`);
    c.path(fit('M4,24 C10,18 16,12 22,8 L26,46 L0,60 Z', f), c.accent(index + 1), 'fill-opacity="0.8"');
    seams(c, 'M40,22 L54,12 M47,32 L61,22 M55,40 L69,31', f, 2);
  } else if (shape === 'boot') c.path(fit('M2,88 L100,88 L100,100 L2,100 Z', f), c.dark);
  else c.path(fit('M60,100 C42,92 28,74 16,54 L20,52 C34,72 46,86 62,92 L100,92 C98,97 92,100 84,100 Z', f), c.dark);
  c.object('shoe', f);
}

/** A pair, overlapping: two true boxes. */
export function shoes(c: Canvas, f: Frame, index = 0): void {
  const kind = pick(c, ['sneaker', 'heel', 'boot'] as const);
  shoe(c, { x: f.x, y: f.y, w: f.w * 0.72, h: f.h * 0.62 }, index, kind);
  shoe(c, { x: f.x + f.w * 0.28, y: f.y + f.h * 0.4, w: f.w * 0.72, h: f.h * 0.6 }, index, kind);
}

export function bag(c: Canvas, f: Frame, index = 0): void {
  const tote = c.chance(0.5);
  c.line(fit(tote ? 'M28,42 C28,-11 72,-11 72,42' : 'M12,34 C20,-10 80,-10 88,34', f), c.dark, Math.max(2, f.w * 0.035));
  c.surface(fit(tote ? SHAPES.tote : SHAPES.satchel, f), c.print(index));
  if (tote) seams(c, 'M10,44 L90,44', f, 1.4);
  else {
    c.surface(fit('M6,30 C30,24 70,24 94,30 L88,62 C70,70 30,70 12,62 Z', f), c.accent(index + 1));
    c.rect({ x: f.x + f.w * 0.43, y: f.y + f.h * 0.58, w: f.w * 0.14, h: f.h * 0.14 }, c.light, 2, `stroke="${c.dark}"`);
  }
  c.object('bag', f);
}

export function hat(c: Canvas, f: Frame, index = 0): void {
  c.surface(fit(SHAPES.hat, f), c.print(index));
  c.path(fit('M22,46 C40,52 60,52 78,46 L78,62 C60,69 40,69 22,62 Z', f), c.dark);
  c.object('hat', f);
}

export function eyewear(c: Canvas, f: Frame): void {
  const r = Math.min(f.w * 0.23, f.h / 2);
  const y = f.y + f.h / 2;
  for (const x of [f.x + r, f.x + f.w - r])
    c.ellipse(x, y, r - 1, f.h / 2 - 1, c.accent(1), `fill-opacity="0.75" stroke="${c.dark}" stroke-width="2.4"`);
  c.line(`M${n(f.x + 2 * r)},${n(y)} Q${n(f.x + f.w / 2)},${n(f.y)} ${n(f.x + f.w - 2 * r)},${n(y)}`, c.dark, 2.4);
  c.object('eyewear', f);
}

export function belt(c: Canvas, f: Frame, index = 1): void {
  c.surface(fit('M0,10 L100,0 L100,80 L0,100 Z', f), c.accent(index));
  c.rect({ x: f.x + f.w * 0.42, y: f.y - 1, w: f.w * 0.14, h: f.h + 2 }, 'none', 2, `stroke="${c.dark}" stroke-width="2.6"`);
  c.object('belt', f);
}

export function watch(c: Canvas, f: Frame): void {
  c.rect({ x: f.x + f.w * 0.3, y: f.y, w: f.w * 0.4, h: f.h }, c.accent(0), 3);
  const r = Math.min(f.w / 2, f.h * 0.3);
  const [x, y] = [f.x + f.w / 2, f.y + f.h / 2];
  c.circle(x, y, r, c.dark);
  c.circle(x, y, r * 0.76, c.light);
  c.line(`M${n(x)},${n(y - r * 0.5)} L${n(x)},${n(y)} L${n(x + r * 0.4)},${n(y)}`, c.dark, 1.4);
  c.object('watch', f);
}

export function scarf(c: Canvas, f: Frame, index = 1): void {
  c.surface(fit('M0,14 C30,-6 70,-4 100,10 L92,34 L80,36 L84,100 L56,98 L58,40 L42,40 L34,96 L8,92 L18,34 Z', f), c.print(index, 0.8));
  c.object('scarf', f);
}

export function jewellery(c: Canvas, f: Frame): void {
  c.line(fit('M2,0 C2,90 98,90 98,0', f), c.accent(1), 2.2);
  for (const [x, y] of [
    [0.5, 0.8],
    [0.3, 0.66],
    [0.7, 0.66],
  ])
    c.circle(f.x + f.w * x, f.y + f.h * y, f.w * 0.08, c.accent(0), `stroke="${c.dark}" stroke-width="0.8"`);
  c.object('jewellery', f);
}
