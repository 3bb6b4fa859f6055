/** Furniture, lamps, plants and small things of a home: each fills its frame exactly, which is its true box. */
import { fit, n } from '../canvas.ts';
import type { Canvas, Frame } from '../canvas.ts';

const part = (f: Frame, x: number, y: number, w: number, h: number): Frame => ({
  x: f.x + f.w * x,
  y: f.y + f.h * y,
  w: f.w * w,
  h: f.h * h,
});
const box = (c: Canvas, f: Frame, fill: string): void =>
  c.surface(fit('M4,0 L96,0 C99,0 100,2 100,6 L100,94 C100,98 99,100 96,100 L4,100 C1,100 0,98 0,94 L0,6 C0,2 1,0 4,0 Z', f), fill);

export function sofa(c: Canvas, f: Frame, index = 0): void {
  for (const x of [0.06, 0.9]) c.rect(part(f, x, 0.84, 0.03, 0.16), c.dark);
  const fill = c.print(index, 1.1);
  const seats = c.random.integer(2) + 2;
  for (let i = 0; i < seats; i++) box(c, part(f, 0.07 + (0.86 / seats) * i, 0, 0.86 / seats, 0.6), fill);
  for (let i = 0; i < seats; i++) box(c, part(f, 0.07 + (0.86 / seats) * i, 0.46, 0.86 / seats, 0.24), c.accent(index));
  box(c, part(f, 0.02, 0.68, 0.96, 0.2), c.accent(index));
  for (const x of [0, 0.9]) box(c, part(f, x, 0.26, 0.1, 0.6), c.accent(index));
  if (c.chance(0.7)) c.surface(fit('M6,0 L100,14 L92,100 L0,86 Z', part(f, 0.13, 0.2, 0.17, 0.34)), c.print(index + 1, 0.7));
  c.object('sofa', f);
}

export function chair(c: Canvas, f: Frame, index = 0): void {
  if (c.chance(0.5)) {
    c.line(fit('M16,100 L22,62 M84,100 L78,62', f), c.dark, Math.max(2, f.w * 0.05));
    c.surface(fit('M12,8 C30,-3 70,-3 88,8 L84,66 L16,66 Z', f), c.print(index));
    for (const x of [0, 0.84]) box(c, part(f, x, 0.36, 0.16, 0.36), c.accent(index));
    box(c, part(f, 0.08, 0.54, 0.84, 0.22), c.accent(index));
  } else {
    c.line(fit('M18,2 L14,98 M82,2 L86,98 M24,56 L28,96 M76,56 L72,96', f), c.dark, Math.max(2, f.w * 0.045));
    for (const y of [0.05, 0.17, 0.29]) box(c, part(f, 0.17, y, 0.66, 0.07), c.accent(index + 1));
    c.surface(fit('M14,50 L86,50 L100,62 L0,62 Z', f), c.print(index, 0.8));
  }
  c.object('chair', f);
}

export function lamp(c: Canvas, f: Frame, index = 0): void {
  const kind = c.random.integer(3);
  if (kind === 0) {
    c.line(fit('M50,24 L50,96', f), c.dark, Math.max(1.6, f.w * 0.06));
    c.surface(fit('M26,96 C40,92 60,92 74,96 L74,100 L26,100 Z', f), c.dark);
    c.surface(fit('M24,0 L76,0 L100,30 L0,30 Z', f), c.print(index, 0.7));
  } else if (kind === 1) {
    c.surface(fit('M50,50 C80,60 84,90 64,100 L36,100 C16,90 20,60 50,50 Z', f), c.accent(index + 1));
    c.surface(fit('M26,0 L74,0 L100,52 L0,52 Z', f), c.print(index, 0.7));
  } else {
    c.line(fit('M50,0 L50,60', f), c.dark, 1.6);
    c.surface(fit('M50,46 C80,48 98,70 100,92 C70,103 30,103 0,92 C2,70 20,48 50,46 Z', f), c.print(index, 0.7));
  }
  c.object('lamp', f);
}

export function table(c: Canvas, f: Frame, index = 1): void {
  c.line(fit('M14,12 L6,99 M86,12 L94,99', f), c.dark, Math.max(2, f.w * 0.035));
  if (c.chance(0.5)) box(c, part(f, 0.1, 0.1, 0.8, 0.24), c.accent(index + 1));
  box(c, part(f, 0, 0, 1, 0.14), c.accent(index));
  c.object('table', f);
}

export function bed(c: Canvas, f: Frame, index = 0): void {
  box(c, part(f, 0.04, 0, 0.92, 0.62), c.accent(index + 1));
  for (const x of [0.14, 0.54]) box(c, part(f, x, 0.3, 0.32, 0.2), c.light);
  c.surface(fit('M2,46 L98,46 L100,90 L0,90 Z', f), c.print(index, 1.2));
  c.surface(fit('M2,46 L98,46 L98.5,58 L1.5,58 Z', f), c.light);
  for (const x of [0.04, 0.9]) c.rect(part(f, x, 0.88, 0.05, 0.12), c.dark);
  c.object('bed', f);
}

export function cabinet(c: Canvas, f: Frame, index = 1): void {
  for (const x of [0.06, 0.88]) c.rect(part(f, x, 0.86, 0.05, 0.14), c.dark);
  box(c, part(f, 0, 0, 1, 0.9), c.accent(index));
  const doors = 2 + c.random.integer(2);
  for (let i = 0; i < doors; i++) {
    const door = part(f, 0.04 + (0.92 / doors) * i, 0.07, 0.92 / doors - 0.03, 0.76);
    c.surface(fit('M0,0 L100,0 L100,100 L0,100 Z', door), i % 2 === 0 ? c.print(index + 1, 0.9) : c.accent(index));
    c.circle(door.x + door.w * 0.84, door.y + door.h / 2, Math.max(1.2, f.w * 0.012), c.dark);
  }
  c.object('cabinet', f);
}

export function shelf(c: Canvas, f: Frame, index = 1): void {
  c.rect(f, c.accent(index + 1), 2, 'fill-opacity="0.35"');
  for (let row = 0; row < 4; row++) {
    let x = 0.08;
    while (row < 3 && x < 0.8) {
      const width = c.between(0.04, 0.09);
      const height = c.between(0.14, 0.24);
      c.rect(part(f, x, 0.33 * (row + 1) - height - 0.02, width, height), c.accent(c.random.integer(3)), 1);
      x += width + (c.chance(0.2) ? 0.12 : 0.01);
    }
    c.rect(part(f, 0, Math.min(0.97, 0.33 * row), 1, 0.035), c.dark);
  }
  for (const x of [0, 0.96]) c.rect(part(f, x, 0, 0.04, 1), c.dark);
  c.object('cabinet', f);
}

export function rug(c: Canvas, f: Frame, index = 2): void {
  if (c.chance(0.5))
    c.ellipse(f.x + f.w / 2, f.y + f.h / 2, f.w / 2, f.h / 2, c.print(index, 1.1), `stroke="${c.dark}" stroke-width="1.4"`);
  else c.path(fit('M14,0 L86,0 L100,100 L0,100 Z', f), c.print(index, 1.1), `stroke="${c.light}" stroke-width="3"`);
  c.object('rug', f);
}

export function picture(c: Canvas, f: Frame, index = 0): void {
  c.rect(f, c.dark, 1);
  c.rect(part(f, 0.07, 0.06, 0.86, 0.88), c.light);
  const inner = part(f, 0.18, 0.17, 0.64, 0.66);
  c.rect(inner, c.print(index, 0.7));
  c.circle(inner.x + inner.w * 0.5, inner.y + inner.h * 0.42, inner.w * 0.26, c.accent(index + 1));
  c.path(fit('M0,100 L0,70 C30,50 60,90 100,60 L100,100 Z', inner), c.accent(index + 2));
  c.object('frame', f);
}

export function vase(c: Canvas, f: Frame, index = 0): void {
  c.surface(
    fit('M34,0 L66,0 C62,20 100,36 100,64 C100,90 84,100 70,100 L30,100 C16,100 0,90 0,64 C0,36 38,20 34,0 Z', f),
    c.print(index, 0.7),
  );
  c.object('vase', f);
}

const LEAVES = ['#3f7d4e', '#5a9367', '#2f6b4f', '#7ba05b'];

/** A leaf from (x, y) of a length, turned by an angle in degrees (0 = up). */
export function leaf(c: Canvas, x: number, y: number, length: number, angle: number, width: number, fill: string): void {
  const d = `M0,0 C${n(-width)},${n(-length * 0.35)} ${n(-width * 0.7)},${n(-length * 0.8)} 0,${n(-length)} C${n(width * 0.7)},${n(-length * 0.8)} ${n(width)},${n(-length * 0.35)} 0,0 Z`;
  c.add(
    `<g transform="translate(${n(x)} ${n(y)}) rotate(${n(angle)})"><path d="${d}" fill="${fill}"/><path d="M0,0 L0,${n(-length * 0.9)}" stroke="#fff" stroke-opacity="0.35" stroke-width="1"/></g>`,
  );
}

export function plant(c: Canvas, f: Frame, index = 0): void {
  const [x, y] = [f.x + f.w / 2, f.y + f.h * 0.66];
  const kind = c.random.integer(4);
  const green = (): string => c.random.pick(LEAVES);
  if (kind === 0) {
    for (const angle of [-62, -40, -20, 0, 20, 40, 62]) leaf(c, x, y, f.h * (0.66 - Math.abs(angle) * 0.0035), angle, f.w * 0.13, green());
  } else if (kind === 1) {
    for (const side of [-1, 1])
      for (let i = 0; i < 5; i++) {
        c.line(
          `M${n(x)},${n(y)} Q${n(x + side * f.w * 0.1)},${n(y - f.h * 0.4)} ${n(x + side * f.w * (0.12 + i * 0.06))},${n(f.y + f.h * (0.12 + i * 0.09))}`,
          '#3d6b45',
          1.6,
        );
        c.ellipse(x + side * f.w * (0.13 + i * 0.06), f.y + f.h * (0.1 + i * 0.09), f.w * 0.13, f.h * 0.065, green());
      }
  } else if (kind === 2) {
    c.surface(fit('M34,100 L34,20 C34,-7 66,-7 66,20 L66,100 Z', { x: f.x, y: f.y, w: f.w, h: f.h * 0.68 }), green());
    c.line(fit('M34,60 L16,60 L16,36 M66,50 L84,50 L84,28', { x: f.x, y: f.y, w: f.w, h: f.h * 0.68 }), LEAVES[0], Math.max(4, f.w * 0.13));
    c.line(fit('M44,10 L44,96 M56,10 L56,96', { x: f.x, y: f.y, w: f.w, h: f.h * 0.66 }), '#dfe9c9', 1);
  } else {
    for (let i = 0; i < 9; i++) leaf(c, x, y, f.h * c.between(0.4, 0.66), -75 + i * 18.75, f.w * 0.035, green());
    for (let i = 0; i < 5; i++)
      c.circle(x + c.between(-0.36, 0.36) * f.w, f.y + f.h * c.between(0.06, 0.34), f.w * 0.085, c.accent(index + (i % 2)));
  }
  c.surface(fit('M0,0 L100,0 L100,16 L92,16 L82,100 L18,100 L8,16 L0,16 Z', part(f, 0.22, 0.64, 0.56, 0.36)), c.print(index, 0.8));
  c.object('plant', f);
}

export function cup(c: Canvas, f: Frame, index = 0): void {
  c.line(fit('M74,30 C104,24 104,74 70,68', f), c.accent(index), Math.max(2, f.w * 0.07));
  c.surface(fit('M0,12 L78,12 L70,92 C68,98 64,100 58,100 L20,100 C14,100 10,98 8,92 Z', f), c.print(index, 0.8));
  c.ellipse(f.x + f.w * 0.39, f.y + f.h * 0.12, f.w * 0.39, f.h * 0.11, c.light, `stroke="${c.dark}" stroke-width="1"`);
  c.ellipse(f.x + f.w * 0.39, f.y + f.h * 0.13, f.w * 0.32, f.h * 0.08, c.dark, 'opacity="0.75"');
  c.object('cup', f);
}
