/** Food and drink: bowls, cakes, drinks, pizza, fruit. Plates and cups have boxes. */
import { fit, n } from '../canvas.ts';
import type { Canvas, Frame } from '../canvas.ts';
import { backdrop } from './backdrop.ts';
import { cup, leaf } from './furniture.ts';

const FRESH = ['#d9483b', '#f2a541', '#7fb069', '#f4d35e', '#8e4162', '#eef0d5', '#4d8b57'];

function table(c: Canvas): void {
  backdrop(c);
  const { width: w, height: h } = c;
  c.path(`M0,${n(h * 0.6)} L${w},${n(h * 0.5)} L${w},${h} L0,${h} Z`, c.print(1, 1.4), 'opacity="0.9"');
}

function plate(c: Canvas): Frame {
  const side = c.width * c.between(0.66, 0.84);
  const f = { x: (c.width - side) / 2 + c.between(-12, 12), y: c.height * 0.52 - side / 2 + c.between(-18, 22), w: side, h: side };
  const [x, y] = [f.x + side / 2, f.y + side / 2];
  c.circle(x + 3, y + 6, side / 2, '#000', 'opacity="0.16"');
  c.circle(x, y, side / 2, c.light, `stroke="${c.accent(0)}" stroke-width="3"`);
  c.circle(
    x,
    y,
    side * 0.46,
    'none',
    `stroke="${c.accent(1)}" stroke-width="${c.style === 'ornate' ? 5 : 1.4}"${c.style === 'ornate' || c.style === 'retro' ? ' stroke-dasharray="5 4"' : ''}`,
  );
  c.object('plate', f);
  return f;
}

const cutlery = (c: Canvas): void =>
  c.line(
    `M${n(c.width * 0.07)},${n(c.height * 0.3)} L${n(c.width * 0.05)},${n(c.height * 0.76)} M${n(c.width * 0.94)},${n(c.height * 0.3)} L${n(c.width * 0.96)},${n(c.height * 0.76)}`,
    c.accent(2),
    5,
  );

export function bowl(c: Canvas): void {
  table(c);
  const f = plate(c);
  const [x, y, r] = [f.x + f.w / 2, f.y + f.h / 2, f.w * 0.38];
  c.circle(x, y, r, c.accent(0));
  c.circle(x, y, r * 0.9, '#f3ead2');
  for (let i = 0; i < 6; i++) {
    const [from, to] = [(i / 6) * 6.2832, ((i + 1) / 6) * 6.2832];
    c.path(
      `M${n(x)},${n(y)} L${n(x + Math.cos(from) * r * 0.86)},${n(y + Math.sin(from) * r * 0.86)} A${n(r * 0.86)},${n(r * 0.86)} 0 0 1 ${n(x + Math.cos(to) * r * 0.86)},${n(y + Math.sin(to) * r * 0.86)} Z`,
      FRESH[(i + c.random.integer(3)) % FRESH.length],
      'opacity="0.85"',
    );
  }
  for (let i = 0; i < 26; i++) {
    const [angle, reach] = [c.between(0, 6.2832), r * 0.8 * Math.sqrt(c.random.next())];
    c.circle(
      x + Math.cos(angle) * reach,
      y + Math.sin(angle) * reach,
      c.between(3, 8),
      c.random.pick(FRESH),
      'stroke="#fff" stroke-opacity="0.4"',
    );
  }
  for (let i = 0; i < 3; i++) leaf(c, x, y, r * 0.5, i * 50 - 50, 8, '#5a9367');
  cutlery(c);
}

export function cake(c: Canvas): void {
  table(c);
  const { width: w, height: h } = c;
  const f: Frame = { x: w * 0.2, y: h * c.between(0.28, 0.36), w: w * 0.6, h: h * 0.42 };
  c.ellipse(w / 2, f.y + f.h, w * 0.38, 14, c.light, `stroke="${c.accent(0)}" stroke-width="2.4"`);
  const layers = 2 + c.random.integer(2);
  for (let i = 0; i < layers; i++) {
    const [wide, high] = [f.w * (1 - (layers - 1 - i) * 0.22), f.h / layers];
    c.surface(
      fit('M0,14 C0,-5 100,-5 100,14 L100,92 C100,104 0,104 0,92 Z', { x: w / 2 - wide / 2, y: f.y + high * i, w: wide, h: high }),
      i % 2 === 0 ? c.print(0, 0.9) : c.accent(1),
    );
    c.path(
      fit('M0,12 C0,-4 100,-4 100,12 C98,34 88,34 84,18 C78,40 66,40 62,18 C56,36 44,36 40,18 C34,42 22,42 18,18 C12,32 2,32 0,12 Z', {
        x: w / 2 - wide / 2,
        y: f.y + high * i,
        w: wide,
        h: high,
      }),
      c.light,
    );
  }
  for (let i = -1; i <= 1; i++) c.circle(w / 2 + i * 17, f.y - 2, 7.5, '#d9483b', 'stroke="#8d1f1a" stroke-width="1"');
  c.object('plate', { x: w * 0.12, y: f.y + f.h - 14, w: w * 0.76, h: 28 });
}

export function drink(c: Canvas): void {
  table(c);
  const { width: w, height: h } = c;
  if (c.chance(0.35)) {
    cup(c, { x: w * 0.22, y: h * 0.36, w: w * 0.6, h: w * 0.46 }, 0);
    for (const x of [0.36, 0.46, 0.56]) c.line(`M${n(w * x)},${n(h * 0.33)} q-8,-14 0,-26 q8,-12 0,-24`, c.light, 3, 'opacity="0.75"');
    return;
  }
  const f: Frame = { x: w * c.between(0.28, 0.36), y: h * 0.24, w: w * 0.36, h: h * 0.54 };
  c.shadow(f.x + f.w / 2, f.y + f.h, f.w * 0.6, 8);
  c.path(fit('M8,16 L92,16 L80,98 L20,98 Z', f), c.gradient(c.accent(1), c.accent(0)), 'opacity="0.95"');
  c.line(fit('M66,-12 L48,90', f), c.random.pick(FRESH), 5);
  for (let i = 0; i < 5; i++)
    c.rect({ x: f.x + f.w * c.between(0.2, 0.6), y: f.y + f.h * c.between(0.2, 0.45), w: 15, h: 15 }, '#fff', 3, 'opacity="0.5"');
  c.line(fit('M0,0 L18,100 L82,100 L100,0', f), c.light, 3.4);
  c.circle(f.x + f.w * 0.94, f.y + f.h * 0.06, f.w * 0.2, '#f2a541', 'stroke="#fff" stroke-width="3"');
  c.object('cup', f);
}

export function pizza(c: Canvas): void {
  table(c);
  const f = plate(c);
  const [x, y, r] = [f.x + f.w / 2, f.y + f.h / 2, f.w * 0.41];
  c.circle(x, y, r, '#d29a4c');
  c.circle(x, y, r * 0.88, '#c9412f');
  c.circle(x, y, r * 0.84, '#f3d27a');
  for (let i = 0; i < 15; i++) {
    const [angle, reach] = [i * 2.4, r * 0.76 * Math.sqrt((i + 0.5) / 15)];
    const [px, py] = [x + Math.cos(angle) * reach, y + Math.sin(angle) * reach];
    if (i % 3 === 0) leaf(c, px, py, 16, c.between(0, 360), 5, '#4d8b57');
    else c.circle(px, py, c.between(6, 10), i % 2 === 0 ? '#b5392c' : '#8e4162', 'stroke="#fff" stroke-opacity="0.3"');
  }
  for (let i = 0; i < 4; i++)
    c.line(
      `M${n(x - Math.cos(i * 0.7854) * r)},${n(y - Math.sin(i * 0.7854) * r)} L${n(x + Math.cos(i * 0.7854) * r)},${n(y + Math.sin(i * 0.7854) * r)}`,
      '#b98a3f',
      1.6,
    );
  cutlery(c);
}

export function fruit(c: Canvas): void {
  table(c);
  const { width: w, height: h } = c;
  for (let i = 0; i < 9; i++) {
    const [x, y, r] = [
      w * (0.2 + (i % 3) * 0.3 + c.between(-0.05, 0.05)),
      h * (0.2 + Math.floor(i / 3) * 0.28 + c.between(-0.03, 0.03)),
      w * c.between(0.1, 0.15),
    ];
    const colour = i % 4 === 0 ? c.accent(0) : c.random.pick(FRESH);
    c.circle(x + 2, y + 5, r, '#000', 'opacity="0.14"');
    if (i % 3 === 1) {
      c.circle(x, y, r, colour);
      c.circle(x, y, r * 0.84, '#fff8e8');
      for (let k = 0; k < 8; k++)
        c.path(
          `M${n(x)},${n(y)} L${n(x + Math.cos(k * 0.7854) * r * 0.76)},${n(y + Math.sin(k * 0.7854) * r * 0.76)} L${n(x + Math.cos(k * 0.7854 + 0.6) * r * 0.76)},${n(y + Math.sin(k * 0.7854 + 0.6) * r * 0.76)} Z`,
          colour,
        );
    } else {
      c.circle(x, y, r, colour);
      c.ellipse(x - r * 0.3, y - r * 0.35, r * 0.3, r * 0.18, '#fff', 'opacity="0.45"');
      leaf(c, x, y - r * 0.85, r * 0.7, 40, 6, '#4d8b57');
    }
  }
}
