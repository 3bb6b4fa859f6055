/** Illustrations: cats, foxes, cities, space, portraits. */
import { fit, n } from '../canvas.ts';
import type { Canvas, Frame } from '../canvas.ts';
import { backdrop } from './backdrop.ts';
import { leaf } from './furniture.ts';

const stage = (c: Canvas): Frame => {
  const w = c.width * c.between(0.6, 0.8);
  const h = Math.min(c.height * 0.74, w * 1.15);
  return { x: (c.width - w) / 2 + c.between(-10, 10), y: c.height * 0.9 - h, w, h };
};

function eyes(c: Canvas, f: Frame, y: number, apart: number, size: number): void {
  for (const side of [-1, 1]) {
    c.ellipse(
      f.x + f.w * (0.5 + side * apart),
      f.y + f.h * y,
      f.w * size,
      f.w * size * 1.15,
      c.light,
      `stroke="${c.dark}" stroke-width="1"`,
    );
    c.circle(f.x + f.w * (0.5 + side * apart), f.y + f.h * y, f.w * size * 0.6, c.dark);
  }
}

function foliage(c: Canvas): void {
  for (let i = 0; i < 7; i++)
    leaf(c, c.width * (0.04 + i * 0.155), c.height + 4, c.height * c.between(0.1, 0.2), c.between(-25, 25), 11, c.accent(i));
}

export function cat(c: Canvas): void {
  backdrop(c);
  const f = stage(c);
  c.shadow(f.x + f.w / 2, f.y + f.h, f.w * 0.4, 7);
  c.line(fit('M78,92 C108,88 104,54 88,58', f), c.accent(0), f.w * 0.075);
  c.surface(fit('M24,100 C14,70 26,46 50,46 C74,46 86,70 76,100 Z', f), c.print(0));
  c.surface(fit('M20,34 L20,0 L40,12 C46,10 54,10 60,12 L80,0 L80,34 C80,56 66,62 50,62 C34,62 20,56 20,34 Z', f), c.accent(0));
  c.path(fit('M24,22 L24,8 L34,14 Z', f), c.accent(1));
  c.path(fit('M76,22 L76,8 L66,14 Z', f), c.accent(1));
  eyes(c, f, 0.34, 0.14, 0.055);
  c.path(fit('M46,44 L54,44 L50,49 Z', f), c.accent(2));
  c.line(fit('M14,42 L34,45 M14,52 L34,49 M86,42 L66,45 M86,52 L66,49 M50,49 L50,53', f), c.dark, 1.2);
  foliage(c);
}

export function fox(c: Canvas): void {
  backdrop(c);
  const f = stage(c);
  c.shadow(f.x + f.w / 2, f.y + f.h, f.w * 0.42, 7);
  c.surface(fit('M70,96 C104,96 112,56 92,44 C94,64 80,70 66,76 Z', f), c.print(1));
  c.surface(fit('M26,100 C20,72 32,48 50,48 C68,48 80,72 74,100 Z', f), c.print(0));
  c.path(fit('M40,100 C38,80 44,64 50,64 C56,64 62,80 60,100 Z', f), c.light);
  c.surface(fit('M10,20 L22,0 L40,14 L60,14 L78,0 L90,20 C88,40 70,52 50,64 C30,52 12,40 10,20 Z', f), c.accent(0));
  c.path(fit('M12,24 C24,36 40,40 50,62 C30,52 14,40 12,24 Z', f), c.light);
  c.path(fit('M88,24 C76,36 60,40 50,62 C70,52 86,40 88,24 Z', f), c.light);
  eyes(c, f, 0.28, 0.15, 0.04);
  c.circle(f.x + f.w * 0.5, f.y + f.h * 0.6, f.w * 0.045, c.dark);
  foliage(c);
}

export function city(c: Canvas): void {
  backdrop(c);
  const { width: w, height: h } = c;
  c.circle(w * c.between(0.2, 0.8), h * 0.2, w * 0.12, c.accent(2));
  for (let row = 0; row < 2; row++) {
    let x = -6;
    while (x < w) {
      const [wide, high] = [c.between(34, 62), h * c.between(0.3, 0.6) * (row === 0 ? 1.1 : 0.8)];
      const y = h * 0.94 - high;
      const roof = c.chance(0.6);
      c.surface(
        `M${n(x)},${n(h * 0.94)} L${n(x)},${n(y)} ${roof ? `L${n(x + wide / 2)},${n(y - 24)} ` : ''}L${n(x + wide)},${n(y)} L${n(x + wide)},${n(h * 0.94)} Z`,
        row === 0 ? c.accent(1) : c.chance(0.5) ? c.print(0, 0.9) : c.accent(0),
      );
      for (let wy = y + 12; wy < h * 0.88; wy += 24)
        for (let wx = x + 8; wx < x + wide - 10; wx += 18)
          c.rect({ x: wx, y: wy, w: 9, h: 12 }, c.chance(0.5) ? c.light : c.dark, c.style === 'organic' ? 4 : 0, 'opacity="0.9"');
      x += wide + 2;
    }
  }
  c.rect({ x: 0, y: h * 0.94, w, h: h * 0.06 }, c.dark);
  for (let i = 0; i < 4; i++)
    c.circle(w * (0.1 + i * 0.27), h * 0.9, 12, c.accent(2), c.outline > 0 ? `stroke="${c.dark}" stroke-width="${c.outline}"` : '');
}

export function space(c: Canvas): void {
  const { width: w, height: h } = c;
  c.rect({ x: 0, y: 0, w, h }, c.style === 'minimal' ? c.ground : c.gradient(c.dark, c.accent(0)));
  if (c.style === 'retro') for (let i = 0; i < 4; i++) c.circle(w * 0.5, h, w * (0.9 - i * 0.18), c.accent(i), 'opacity="0.4"');
  for (let i = 0; i < 40; i++)
    c.circle(w * c.random.next(), h * c.random.next(), c.between(0.6, 2), c.style === 'minimal' ? c.ink : c.light);
  const [x, y, r] = [w * c.between(0.3, 0.7), h * c.between(0.3, 0.42), w * c.between(0.2, 0.28)];
  c.surface(
    `M${n(x - r)},${n(y)} A${n(r)},${n(r)} 0 1 1 ${n(x + r)},${n(y)} A${n(r)},${n(r)} 0 1 1 ${n(x - r)},${n(y)} Z`,
    c.print(0, 1.3),
  );
  c.line(
    `M${n(x - r * 1.5)},${n(y + r * 0.5)} C${n(x - r * 0.4)},${n(y + r * 0.9)} ${n(x + r * 0.9)},${n(y + r * 0.2)} ${n(x + r * 1.5)},${n(y - r * 0.5)}`,
    c.accent(2),
    6,
  );
  const f: Frame = { x: w * c.between(0.35, 0.6), y: h * 0.58, w: w * 0.2, h: h * 0.3 };
  c.path(fit('M34,84 L50,118 L66,84 Z', f), c.accent(2));
  c.surface(fit('M50,0 C82,22 84,60 72,88 L28,88 C16,60 18,22 50,0 Z', f), c.light);
  c.path(fit('M22,60 L0,94 L28,88 Z M78,60 L100,94 L72,88 Z', f), c.accent(1));
  c.circle(f.x + f.w / 2, f.y + f.h * 0.4, f.w * 0.16, c.accent(0), `stroke="${c.dark}" stroke-width="2"`);
}

const SKINS = ['#f6d7c0', '#e8b48a', '#b87d4f', '#7a4a2b'];

export function portrait(c: Canvas): void {
  backdrop(c);
  const f = stage(c);
  const hair = c.random.pick([c.dark, c.accent(2), c.accent(1)]);
  c.surface(fit('M14,70 C4,30 18,0 50,0 C82,0 96,30 86,70 C88,84 80,88 70,84 L30,84 C20,88 12,84 14,70 Z', f), hair);
  c.rect({ x: f.x + f.w * 0.42, y: f.y + f.h * 0.58, w: f.w * 0.16, h: f.h * 0.2 }, '#c98f6b');
  c.path(fit('M28,34 C28,16 72,16 72,34 C74,58 62,68 50,68 C38,68 26,58 28,34 Z', f), c.random.pick(SKINS));
  c.surface(fit('M0,100 C4,78 30,74 42,72 C46,78 54,78 58,72 C70,74 96,78 100,100 Z', f), c.print(0));
  c.path(fit('M26,34 C30,14 46,18 56,16 C68,18 74,26 74,36 C64,30 56,28 50,22 C44,30 34,32 26,34 Z', f), hair);
  for (const x of [0.41, 0.59]) c.circle(f.x + f.w * x, f.y + f.h * 0.42, f.w * 0.018, c.dark);
  c.line(fit('M44,56 C48,60 52,60 56,56', f), c.style === 'bold' ? c.accent(0) : '#a3413e', 2.2);
  for (const x of [0.36, 0.64]) c.circle(f.x + f.w * x, f.y + f.h * 0.5, f.w * 0.035, c.accent(0), 'opacity="0.4"');
  if (c.chance(0.6))
    for (let i = 0; i < 5; i++)
      c.circle(
        f.x + f.w * (0.24 + i * 0.13),
        f.y + f.h * (0.1 - Math.abs(i - 2) * -0.03),
        f.w * 0.065,
        c.accent(i),
        `stroke="${c.dark}" stroke-width="${c.outline}"`,
      );
}
