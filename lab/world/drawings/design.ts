/** Design: posters, logos, packaging, lettering, interfaces. */
import { fit, n } from '../canvas.ts';
import type { Canvas } from '../canvas.ts';
import { textPath, textUnits } from '../stroke-font.ts';
import { backdrop } from './backdrop.ts';

const WORDS = ['FORM', 'STUDIO', 'MODERN', 'RHYTHM', 'GRID', 'SPACE', 'TYPE', 'COLOR', 'NOVA', 'ATLAS', 'MONO', 'ECHO'];

function word(c: Canvas, text: string, x: number, y: number, width: number, high: number, colour: string, weight = 0.18): number {
  const size = Math.min(high, (width * 6) / textUnits(text));
  c.line(textPath(text, x, y, size), colour, size * weight);
  return size;
}

export function poster(c: Canvas): void {
  backdrop(c);
  const { width: w, height: h } = c;
  const kind = c.random.integer(3);
  if (kind === 0)
    for (let i = 0; i < 4; i++)
      c.path(
        `M${n(w * 0.12)},${n(h * (0.1 + i * 0.13))} h${n(w * 0.76)} a${n(w * 0.1)},${n(h * 0.06)} 0 0 1 0,${n(h * 0.11)} h${n(-w * c.between(0.3, 0.76))} Z`,
        i % 2 === 0 ? c.print(i) : c.accent(i),
        'opacity="0.95"',
      );
  else if (kind === 1)
    for (let row = 0; row < 4; row++)
      for (let i = 0; i < 4; i++) quarter(c, w * (0.1 + i * 0.2), h * 0.08 + row * w * 0.2, w * 0.2, row * 4 + i);
  else {
    c.circle(w * 0.5, h * 0.36, w * 0.34, c.print(0, 1.3), c.outline > 0 ? `stroke="${c.dark}" stroke-width="${c.outline}"` : '');
    c.path(`M${n(w * 0.1)},${n(h * 0.6)} L${n(w * 0.5)},${n(h * 0.16)} L${n(w * 0.9)},${n(h * 0.6)} Z`, c.accent(1), 'fill-opacity="0.8"');
    c.rect({ x: w * 0.42, y: h * 0.1, w: w * 0.16, h: h * 0.5 }, c.accent(2), 0, 'opacity="0.85"');
  }
  const size = word(c, c.random.pick(WORDS), w * 0.1, h * 0.7, w * 0.8, h * 0.13, c.ink, c.style === 'bold' ? 0.26 : 0.14);
  for (let i = 0; i < 3; i++)
    c.rect({ x: w * 0.1, y: h * 0.7 + size + 10 + i * 8, w: w * (0.6 - i * 0.13), h: 3 }, c.ink, 1, 'opacity="0.6"');
}

function quarter(c: Canvas, x: number, y: number, s: number, i: number): void {
  c.rect({ x, y, w: s, h: s }, i % 3 === 0 ? c.light : c.accent(i + 1));
  const turn = c.random.integer(4) * 90;
  c.add(
    `<path d="M${n(-s / 2)},${n(-s / 2)} h${n(s)} a${n(s)},${n(s)} 0 0 1 ${n(-s)},${n(s)} Z" transform="translate(${n(x + s / 2)} ${n(y + s / 2)}) rotate(${turn})" fill="${i % 4 === 1 ? c.print(0, 0.7) : c.accent(i)}"/>`,
  );
}

export function logo(c: Canvas): void {
  backdrop(c);
  const { width: w, height: h } = c;
  const [x, y, r] = [w / 2, h * 0.42, w * c.between(0.22, 0.28)];
  const kind = c.random.integer(4);
  if (kind === 0)
    for (let i = 0; i < 6; i++)
      c.add(
        `<ellipse cx="0" cy="${n(-r * 0.55)}" rx="${n(r * 0.26)}" ry="${n(r * 0.5)}" transform="translate(${n(x)} ${n(y)}) rotate(${i * 60})" fill="${i % 2 === 0 ? c.print(0, 0.7) : c.accent(1)}"/>`,
      );
  else if (kind === 1) {
    c.surface(
      `M${n(x)},${n(y - r)} L${n(x + r * 0.87)},${n(y - r / 2)} L${n(x + r * 0.87)},${n(y + r / 2)} L${n(x)},${n(y + r)} L${n(x - r * 0.87)},${n(y + r / 2)} L${n(x - r * 0.87)},${n(y - r / 2)} Z`,
      c.print(0),
    );
    c.path(`M${n(x - r * 0.4)},${n(y + r * 0.4)} L${n(x)},${n(y - r * 0.5)} L${n(x + r * 0.4)},${n(y + r * 0.4)} Z`, c.light);
  } else if (kind === 2) {
    c.circle(x, y, r, c.print(0));
    c.circle(x + r * 0.32, y - r * 0.2, r * 0.72, c.ground);
    c.circle(x + r * 0.5, y - r * 0.3, r * 0.3, c.accent(2));
  } else
    for (let i = 0; i < 4; i++)
      c.path(
        `M${n(x - r + (i * r) / 2)},${n(y + r)} v${n(-r * (0.6 + i * 0.42))} h${n(r * 0.38)} v${n(r * (0.6 + i * 0.42))} Z`,
        i === 3 ? c.print(0, 0.7) : c.accent(i),
      );
  const name = c.random.pick(WORDS);
  const size = Math.min(h * 0.07, (w * 0.6 * 6) / textUnits(name));
  word(c, name, (w - (textUnits(name) * size) / 6) / 2, h * 0.74, w * 0.6, size, c.ink, c.style === 'bold' ? 0.26 : 0.15);
  c.line(`M${n(w * 0.36)},${n(h * 0.86)} L${n(w * 0.64)},${n(h * 0.86)}`, c.accent(1), 3);
}

export function packaging(c: Canvas): void {
  backdrop(c);
  const { width: w, height: h } = c;
  c.shadow(w / 2, h * 0.87, w * 0.34, 9);
  const name = c.random.pick(WORDS);
  const kind = c.random.integer(3);
  const f = { x: w * 0.24, y: h * 0.16, w: w * 0.52, h: h * 0.7 };
  if (kind === 0) {
    c.surface(fit('M0,14 L72,14 L72,100 L0,100 Z', f), c.print(0, 1.2));
    c.path(fit('M72,14 L100,0 L100,88 L72,100 Z', f), c.accent(1));
    c.path(fit('M0,14 L28,0 L100,0 L72,14 Z', f), c.light);
  } else if (kind === 1)
    c.surface(
      fit('M34,0 L66,0 L66,18 C66,28 92,30 92,46 L92,94 C92,98 88,100 84,100 L16,100 C12,100 8,98 8,94 L8,46 C8,30 34,28 34,18 Z', f),
      c.print(0, 1.2),
    );
  else c.surface(fit('M6,6 C30,-2 70,-2 94,6 L94,94 C70,102 30,102 6,94 Z', f), c.print(0, 1.2));
  const tag = { x: f.x + f.w * (kind === 0 ? 0.06 : 0.14), y: f.y + f.h * 0.5, w: f.w * (kind === 0 ? 0.6 : 0.72), h: f.h * 0.26 };
  c.rect(tag, c.light, c.style === 'organic' ? 18 : 2, `stroke="${c.accent(0)}" stroke-width="1.6"`);
  word(c, name, tag.x + tag.w * 0.14, tag.y + tag.h * 0.3, tag.w * 0.72, tag.h * 0.36, c.dark);
}

export function lettering(c: Canvas): void {
  backdrop(c);
  const { width: w, height: h } = c;
  const letter = c.random.pick(WORDS)[0];
  const size = Math.min(h * 0.62, w * 0.95);
  const [x, y] = [w / 2 - size / 3, h * 0.44 - size / 2];
  const d = textPath(letter, x, y, size, c.style === 'ornate' ? 0.12 : 0);
  c.line(d, c.dark, size * 0.26);
  c.line(d, c.accent(0), size * 0.22);
  c.line(
    d,
    c.pattern === 'plain' ? c.accent(0) : c.light,
    size * 0.1,
    `stroke-dasharray="${{ plain: '900', stripes: '3 9', dots: '0.1 22', check: '12 12', zigzag: '20 6', leaves: '26 16', tiles: '6 18' }[c.pattern]}"`,
  );
  c.rect({ x: 0, y: h * 0.84, w, h: h * 0.16 }, c.print(0, 0.9));
  for (let i = 0; i < 5; i++) c.circle(w * (0.12 + i * 0.19), h * 0.79, 6, c.accent(i));
}

export function screen(c: Canvas): void {
  backdrop(c);
  const { width: w, height: h } = c;
  const f = { x: w * 0.22, y: h * 0.07, w: w * 0.56, h: h * 0.86 };
  const at = (x: number, y: number, wide: number, high: number): { x: number; y: number; w: number; h: number } => ({
    x: f.x + f.w * x,
    y: f.y + f.h * y,
    w: f.w * wide,
    h: f.h * high,
  });
  c.rect({ x: f.x + 5, y: f.y + 8, w: f.w, h: f.h }, '#000', 18, 'opacity="0.18"');
  c.rect(f, c.dark, 18);
  c.rect(at(0.05, 0.03, 0.9, 0.94), c.light, 12);
  c.rect(at(0.12, 0.1, 0.76, 0.24), c.print(0, 0.9), c.style === 'bold' ? 0 : 9);
  word(c, c.random.pick(WORDS), f.x + f.w * 0.12, f.y + f.h * 0.385, f.w * 0.5, f.h * 0.042, c.dark);
  const grid = c.chance(0.5);
  for (let i = 0; i < 4; i++) {
    if (grid)
      c.rect(
        at(0.12 + (i % 2) * 0.4, 0.47 + Math.floor(i / 2) * 0.19, 0.36, 0.16),
        c.accent(i),
        c.style === 'organic' ? 16 : 5,
        'opacity="0.9"',
      );
    else {
      c.circle(f.x + f.w * 0.2, f.y + f.h * (0.52 + i * 0.1), f.w * 0.07, c.accent(i));
      c.rect(at(0.34, 0.5 + i * 0.1, 0.5, 0.018), c.dark, 2, 'opacity="0.7"');
      c.rect(at(0.34, 0.53 + i * 0.1, 0.34, 0.014), c.accent(1), 2);
    }
  }
  c.rect(at(0.3, 0.895, 0.4, 0.045), c.accent(0), 9);
}
