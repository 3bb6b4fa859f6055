/** Line tattoos on skin or paper: the palette colours the ink and a wash behind it, the pattern fills parts. */
import { n } from '../canvas.ts';
import type { Canvas } from '../canvas.ts';

const SKIN = ['#f3d3b8', '#e3b48d', '#c58d62', '#8a5a3a'];

/** Skin, a wash of colour, ornaments of the style; returns the ink's colour and width. */
function skin(c: Canvas): { readonly ink: string; readonly pen: number } {
  const { width: w, height: h } = c;
  const tone = c.random.pick(SKIN);
  c.rect({ x: 0, y: 0, w, h }, tone);
  c.path(
    `M0,0 L${n(w * 0.22)},0 C${n(w * 0.06)},${n(h * 0.4)} ${n(w * 0.12)},${n(h * 0.7)} ${n(w * 0.03)},${h} L0,${h} Z`,
    '#000',
    'opacity="0.12"',
  );
  c.path(
    `M${w},0 L${n(w * 0.84)},0 C${n(w * 0.98)},${n(h * 0.4)} ${n(w * 0.9)},${n(h * 0.7)} ${n(w * 0.97)},${h} L${w},${h} Z`,
    '#fff',
    'opacity="0.16"',
  );
  const [x, y] = [w / 2, h / 2];
  if (c.style !== 'minimal') c.ellipse(x, y, w * 0.36, h * 0.33, c.accent(0), `opacity="${c.style === 'bold' ? 0.6 : 0.34}"`);
  if (c.style === 'retro')
    for (let i = 0; i < 16; i++)
      c.line(
        `M${n(x + Math.cos(i * 0.3927) * w * 0.3)},${n(y + Math.sin(i * 0.3927) * w * 0.3)} L${n(x + Math.cos(i * 0.3927) * w * 0.44)},${n(y + Math.sin(i * 0.3927) * w * 0.44)}`,
        c.accent(1),
        4,
      );
  if (c.style === 'ornate')
    for (const r of [0.4, 0.43])
      c.circle(x, y, w * r, 'none', `stroke="${c.dark}" stroke-width="1.2" stroke-dasharray="${r > 0.42 ? '2 4' : 'none'}"`);
  if (c.style === 'organic')
    for (let i = 0; i < 10; i++) c.circle(w * c.between(0.1, 0.9), h * c.between(0.1, 0.9), c.between(2, 7), c.accent(1), 'opacity="0.55"');
  return {
    ink: c.isDark(tone) ? c.light : c.isDark(c.dark) ? c.dark : '#1a1a1a',
    pen: { minimal: 1.6, bold: 5, retro: 3, organic: 2.2, ornate: 2 }[c.style],
  };
}

export function botanical(c: Canvas): void {
  const { ink, pen } = skin(c);
  const { width: w, height: h } = c;
  const lean = c.between(-0.16, 0.16) * w;
  c.line(`M${n(w / 2 - lean)},${n(h * 0.88)} Q${n(w / 2 + lean)},${n(h * 0.5)} ${n(w / 2 + lean)},${n(h * 0.3)}`, ink, pen);
  for (let i = 0; i < 6; i++) {
    const y = h * (0.8 - i * 0.08);
    const side = i % 2 === 0 ? 1 : -1;
    const x = w / 2 - lean + ((h * 0.88 - y) / (h * 0.58)) * lean * 1.6;
    const tip = [x + side * w * 0.24, y - h * 0.09];
    c.path(
      `M${n(x)},${n(y)} Q${n(x + side * w * 0.06)},${n(y - h * 0.1)} ${n(tip[0])},${n(tip[1])} Q${n(x + side * w * 0.18)},${n(y + 2)} ${n(x)},${n(y)} Z`,
      i % 3 === 0 ? c.print(1, 0.6) : 'none',
      `stroke="${ink}" stroke-width="${pen}" fill-opacity="0.85"`,
    );
  }
  const [x, y] = [w / 2 + lean, h * 0.27];
  for (let i = 0; i < 8; i++)
    c.add(
      `<ellipse cx="0" cy="${n(-w * 0.13)}" rx="${n(w * 0.055)}" ry="${n(w * 0.11)}" transform="translate(${n(x)} ${n(y)}) rotate(${i * 45})" fill="${i % 2 === 0 ? c.print(0, 0.6) : c.accent(1)}" stroke="${ink}" stroke-width="${pen}"/>`,
    );
  c.circle(x, y, w * 0.055, c.accent(2), `stroke="${ink}" stroke-width="${pen}"`);
}

export function geometric(c: Canvas): void {
  const { ink, pen } = skin(c);
  const { width: w, height: h } = c;
  const [x, y] = [w / 2, h / 2];
  const sides = 3 + c.random.integer(4);
  const ring = (r: number, turn: number): string =>
    `M${Array.from({ length: sides }, (_, i) => `${n(x + Math.cos((i / sides) * 6.2832 + turn) * r)},${n(y + Math.sin((i / sides) * 6.2832 + turn) * r)}`).join(' L')} Z`;
  c.path(ring(w * 0.38, -1.5708), c.print(0, 0.9), `fill-opacity="0.85" stroke="${ink}" stroke-width="${pen}"`);
  c.path(ring(w * 0.3, 1.5708), c.accent(1), `fill-opacity="0.75" stroke="${ink}" stroke-width="${pen}"`);
  c.path(ring(w * 0.2, -1.5708), c.light, `fill-opacity="0.9" stroke="${ink}" stroke-width="${pen}"`);
  c.circle(x, y, w * 0.1, c.accent(2), `stroke="${ink}" stroke-width="${pen}"`);
  for (let i = 0; i < 3; i++) c.circle(x, h * (0.84 + i * 0.04), 3.4 - i, ink);
}

export function celestial(c: Canvas): void {
  const { ink, pen } = skin(c);
  const { width: w, height: h } = c;
  const [x, y, r] = [w / 2, h * 0.42, w * 0.27];
  c.path(
    `M${n(x + r * 0.5)},${n(y - r)} A${n(r * 1.1)},${n(r * 1.1)} 0 1 0 ${n(x + r * 0.5)},${n(y + r)} A${n(r * 0.85)},${n(r * 0.95)} 0 1 1 ${n(x + r * 0.5)},${n(y - r)} Z`,
    c.print(0, 0.8),
    `stroke="${ink}" stroke-width="${pen}"`,
  );
  for (let i = 0; i < 8; i++)
    star(c, w * c.between(0.14, 0.86), h * c.between(0.1, 0.9), c.between(6, 16), i % 2 === 0 ? c.accent(1) : c.light, ink, pen * 0.7);
  for (let i = 0; i < 3; i++) {
    const at = x + (i - 1) * w * 0.16;
    c.line(`M${n(at)},${n(h * 0.66)} L${n(at)},${n(h * (0.78 + (i % 2) * 0.06))}`, ink, pen * 0.7);
    star(c, at, h * (0.81 + (i % 2) * 0.06), 9, c.accent(2), ink, pen * 0.7);
  }
}

function star(c: Canvas, x: number, y: number, r: number, fill: string, ink: string, pen: number): void {
  const points = Array.from({ length: 8 }, (_, i) => {
    const reach = i % 2 === 0 ? r : r * 0.35;
    return `${n(x + Math.cos(i * 0.7854 - 1.5708) * reach)},${n(y + Math.sin(i * 0.7854 - 1.5708) * reach)}`;
  });
  c.path(`M${points.join(' L')} Z`, fill, `stroke="${ink}" stroke-width="${n(pen)}"`);
}

export function snake(c: Canvas): void {
  const { ink, pen } = skin(c);
  const { width: w, height: h } = c;
  const swing = c.between(0.22, 0.34) * w;
  const d = `M${n(w * 0.5)},${n(h * 0.9)} C${n(w * 0.5 - swing * 2)},${n(h * 0.74)} ${n(w * 0.5 + swing * 2)},${n(h * 0.62)} ${n(w * 0.5)},${n(h * 0.5)} C${n(w * 0.5 - swing * 2)},${n(h * 0.38)} ${n(w * 0.5 + swing)},${n(h * 0.3)} ${n(w * 0.56)},${n(h * 0.17)}`;
  c.line(d, ink, 24 + pen);
  c.line(d, c.accent(0), 24 - pen);
  c.line(
    d,
    c.accent(1),
    8,
    `stroke-dasharray="${{ plain: '400', stripes: '3 12', dots: '1 16', check: '8 8', zigzag: '6 10', leaves: '12 14', tiles: '16 6' }[c.pattern]}"`,
  );
  c.ellipse(w * 0.57, h * 0.13, w * 0.08, h * 0.055, c.accent(0), `stroke="${ink}" stroke-width="${pen}"`);
  c.circle(w * 0.545, h * 0.12, 2.6, c.light);
  c.circle(w * 0.6, h * 0.12, 2.6, c.light);
  c.line(`M${n(w * 0.57)},${n(h * 0.075)} l0,-9 l-4,-5 m4,5 l4,-5`, c.accent(2), 1.8);
  for (let i = 0; i < 3; i++) star(c, w * (i % 2 === 0 ? 0.16 : 0.85), h * (0.25 + i * 0.25), 10, c.accent(1), ink, pen * 0.6);
}

export function ridge(c: Canvas): void {
  const { ink, pen } = skin(c);
  const { width: w, height: h } = c;
  const [x, y, r] = [w / 2, h / 2, w * 0.37];
  c.define('ring', `<clipPath id="ring"><circle cx="${n(x)}" cy="${n(y)}" r="${n(r)}"/></clipPath>`);
  c.add('<g clip-path="url(#ring)">');
  c.circle(x, y, r, c.light, 'opacity="0.9"');
  c.circle(x + r * c.between(-0.4, 0.4), y - r * 0.35, r * 0.26, c.accent(1), `stroke="${ink}" stroke-width="${pen}"`);
  c.path(
    `M${n(x - r * 1.2)},${n(y + r * 0.4)} L${n(x - r * 0.5)},${n(y - r * 0.4)} L${n(x - r * 0.1)},${n(y + r * 0.05)} L${n(x + r * 0.4)},${n(y - r * 0.6)} L${n(x + r * 1.2)},${n(y + r * 0.4)} Z`,
    c.print(0, 0.8),
    `stroke="${ink}" stroke-width="${pen}" stroke-linejoin="round"`,
  );
  for (let i = 0; i < 4; i++)
    c.line(
      `M${n(x - r)},${n(y + r * (0.4 + i * 0.16))} q${n(r * 0.25)},-10 ${n(r * 0.5)},0 t${n(r * 0.5)},0 t${n(r * 0.5)},0 t${n(r * 0.5)},0`,
      i % 2 === 0 ? ink : c.accent(2),
      pen,
    );
  c.add('</g>');
  c.circle(x, y, r, 'none', `stroke="${ink}" stroke-width="${pen}"`);
}
