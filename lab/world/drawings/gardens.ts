/** Gardening: pot plants, flower beds, vegetables, succulents, paths. Potted plants have boxes. */
import { fit, n } from '../canvas.ts';
import type { Canvas } from '../canvas.ts';
import { backdrop } from './backdrop.ts';
import { leaf, plant, table } from './furniture.ts';

const GREENS = ['#3f7d4e', '#5a9367', '#2f6b4f', '#7ba05b', '#94b447'];

export function pots(c: Canvas): void {
  backdrop(c);
  const { width: w, height: h } = c;
  if (c.chance(0.4)) {
    c.shadow(w / 2, h * 0.93, w * 0.3, 8);
    plant(c, { x: w * 0.16, y: h * 0.1, w: w * 0.68, h: h * 0.83 }, 0);
    return;
  }
  const count = 2 + c.random.integer(2);
  if (c.chance(0.6)) table(c, { x: w * 0.03, y: h * 0.8, w: w * 0.94, h: h * 0.2 }, 1);
  for (let i = 0; i < count; i++) {
    const [wide, high] = [(w * 0.9) / count - 8, h * c.between(0.38, 0.62)];
    plant(c, { x: w * 0.05 + (w * 0.9 * i) / count + 4, y: h * 0.81 - high, w: wide, h: high }, i);
  }
}

function flower(c: Canvas, x: number, y: number, r: number, index: number): void {
  const petals = c.style === 'bold' ? 5 : 7;
  for (let i = 0; i < petals; i++)
    c.add(
      `<ellipse cx="0" cy="${n(-r * 0.62)}" rx="${n(r * 0.34)}" ry="${n(r * 0.5)}" transform="translate(${n(x)} ${n(y)}) rotate(${n((i * 360) / petals)})" fill="${c.accent(index)}"${c.outline > 0 ? ` stroke="${c.dark}" stroke-width="${n(c.outline / 2)}"` : ''}/>`,
    );
  c.circle(x, y, r * 0.3, c.accent(index + 1));
}

export function flowerBed(c: Canvas): void {
  backdrop(c);
  const { width: w, height: h } = c;
  for (let x = -4; x < w; x += 30) c.rect({ x, y: h * 0.34, w: 22, h: h * 0.4 }, c.light, 3, 'opacity="0.85"');
  c.rect({ x: 0, y: h * 0.44, w, h: 9 }, c.light);
  for (let row = 0; row < 4; row++) {
    const y = h * (0.5 + row * 0.13);
    for (let i = 0; i < 6; i++) {
      const [x, top] = [w * ((i + c.between(0.1, 0.9)) / 6), y - h * c.between(0.04, 0.16)];
      c.line(`M${n(x)},${n(y + h * 0.16)} L${n(x)},${n(top)}`, GREENS[row], 2.6);
      leaf(c, x, y + h * 0.08, 20, i % 2 === 0 ? 50 : -50, 6, GREENS[(row + i) % 5]);
      flower(c, x, top, c.between(9, 17), row + i);
    }
  }
  c.path(`M0,${n(h * 0.93)} Q${n(w / 2)},${n(h * 0.88)} ${w},${n(h * 0.93)} L${w},${h} L0,${h} Z`, c.print(0));
}

export function vegetables(c: Canvas): void {
  backdrop(c);
  const { width: w, height: h } = c;
  for (let row = 0; row < 3; row++)
    for (let i = 0; i < 3; i++) {
      const f = { x: w * (0.07 + i * 0.31), y: h * (0.06 + row * 0.215), w: w * 0.24, h: h * 0.19 };
      const kind = (row + i + c.random.integer(2)) % 3;
      for (const angle of [-24, 0, 24]) leaf(c, f.x + f.w / 2, f.y + f.h * 0.36, f.h * 0.36, angle, 6, GREENS[i]);
      if (kind === 0) c.surface(fit('M30,30 C40,24 60,24 70,30 C72,56 60,84 50,100 C40,84 28,56 30,30 Z', f), '#e8833a');
      else if (kind === 1) c.surface(fit('M50,30 C86,26 92,84 50,96 C8,84 14,26 50,30 Z', f), '#cf3e36');
      else c.surface(fit('M50,28 C70,28 72,50 84,66 C98,88 74,100 50,100 C26,100 2,88 16,66 C28,50 30,28 50,28 Z', f), '#6d4b8d');
    }
  c.surface(fit('M0,0 L100,0 L88,100 L12,100 Z', { x: w * 0.12, y: h * 0.72, w: w * 0.76, h: h * 0.22 }), c.print(0));
  for (let i = 0; i < 3; i++)
    c.line(`M${n(w * 0.14)},${n(h * (0.76 + i * 0.06))} L${n(w * 0.86)},${n(h * (0.76 + i * 0.06))}`, c.dark, 1.4, 'opacity="0.5"');
}

export function succulents(c: Canvas): void {
  backdrop(c);
  const { width: w, height: h } = c;
  for (let i = 0; i < 5; i++) {
    const [x, y, r] = [
      w * [0.3, 0.72, 0.48, 0.22, 0.78][i] + c.between(-8, 8),
      h * [0.24, 0.3, 0.54, 0.76, 0.78][i] + c.between(-8, 8),
      w * c.between(0.17, 0.24),
    ];
    c.circle(x + 3, y + 5, r * 1.05, '#000', 'opacity="0.14"');
    c.circle(x, y, r * 1.06, c.print(i, 0.8), `stroke="${c.dark}" stroke-width="${Math.max(0.8, c.outline)}"`);
    for (let ring = 3; ring >= 1; ring--)
      for (let k = 0; k < 7; k++)
        leaf(
          c,
          x,
          y,
          r * 0.3 * ring + 4,
          (k * 360) / 7 + ring * 26,
          r * 0.13 + ring,
          ring === 2 ? GREENS[(i + 1) % 5] : i % 2 === 0 ? GREENS[i % 5] : '#8fae9a',
        );
    c.circle(x, y, 4, c.accent(2));
  }
}

export function path(c: Canvas): void {
  const { width: w, height: h } = c;
  c.rect({ x: 0, y: 0, w, h: h * 0.45 }, c.gradient(c.accent(1), c.ground));
  if (c.style === 'retro' || c.style === 'bold') c.circle(w * 0.7, h * 0.18, w * 0.13, c.accent(2));
  for (let i = 0; i < 6; i++) c.circle(w * (i / 5), h * 0.38 + c.between(-12, 12), w * c.between(0.12, 0.19), GREENS[i % 4]);
  c.rect({ x: 0, y: h * 0.42, w, h: h * 0.58 }, GREENS[3]);
  const bend = c.between(-0.2, 0.2) * w;
  c.path(
    `M${n(w * 0.46)},${n(h * 0.42)} C${n(w * 0.4 + bend)},${n(h * 0.6)} ${n(w * 0.2 + bend)},${n(h * 0.8)} ${n(w * 0.16)},${h} L${n(w * 0.84)},${h} C${n(w * 0.7 + bend)},${n(h * 0.8)} ${n(w * 0.6 + bend)},${n(h * 0.6)} ${n(w * 0.54)},${n(h * 0.42)} Z`,
    c.print(0, 1.3),
    c.outline > 0 ? `stroke="${c.dark}" stroke-width="${c.outline}"` : '',
  );
  for (let i = 0; i < 16; i++) {
    const y = h * (0.46 + i * 0.034);
    const side = i % 2 === 0 ? -1 : 1;
    flower(c, w / 2 + side * w * (0.14 + i * 0.022 + c.between(0, 0.07)), y, 6 + i * 0.8, i);
  }
}
