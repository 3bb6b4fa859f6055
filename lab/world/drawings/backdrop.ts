/** What stands behind a drawing. The style is most visible here: flat, split, sun rays, blobs, framed. */
import { n } from '../canvas.ts';
import type { Canvas } from '../canvas.ts';

export function backdrop(c: Canvas): void {
  const { width: w, height: h } = c;
  c.rect({ x: 0, y: 0, w, h }, c.ground);
  BACKDROPS[c.style](c, w, h);
}

const BACKDROPS = {
  minimal(c: Canvas, w: number, h: number): void {
    c.rect({ x: 0, y: 0, w, h }, c.gradient(c.light, c.ground), 0, 'opacity="0.5"');
  },
  bold(c: Canvas, w: number, h: number): void {
    const cut = c.between(0.35, 0.7);
    c.path(`M0,${n(h * cut)} L${w},${n(h * (cut - 0.35))} L${w},${h} L0,${h} Z`, c.accent(1), 'opacity="0.85"');
    c.circle(w * c.between(0.1, 0.9), h * c.between(0.08, 0.2), w * 0.16, c.accent(2), 'opacity="0.9"');
  },
  retro(c: Canvas, w: number, h: number): void {
    const [x, y] = [w * 0.5, h * c.between(0.55, 0.8)];
    for (let ring = 5; ring >= 1; ring--)
      c.circle(x, y, (w * 0.72 * ring) / 5, ring % 2 === 0 ? c.ground : c.accent(ring), 'opacity="0.42"');
    c.rect({ x: 0, y: h * 0.93, w, h: h * 0.07 }, c.accent(1), 0, 'opacity="0.5"');
  },
  organic(c: Canvas, w: number, h: number): void {
    for (let i = 0; i < 3; i++) {
      const [x, y, r] = [w * c.between(0, 1), h * c.between(0, 1), w * c.between(0.22, 0.42)];
      c.path(
        `M${n(x - r)},${n(y)} C${n(x - r)},${n(y - r * 1.1)} ${n(x + r * 0.3)},${n(y - r * 1.2)} ${n(x + r * 0.9)},${n(y - r * 0.5)} C${n(x + r * 1.4)},${n(y + r * 0.3)} ${n(x + r * 0.2)},${n(y + r * 1.3)} ${n(x - r * 0.4)},${n(y + r)} C${n(x - r * 0.9)},${n(y + r * 0.8)} ${n(x - r)},${n(y + r * 0.5)} ${n(x - r)},${n(y)} Z`,
        c.accent(i),
        'opacity="0.28"',
      );
    }
  },
  ornate(c: Canvas, w: number, h: number): void {
    c.rect({ x: 7, y: 7, w: w - 14, h: h - 14 }, 'none', 0, `stroke="${c.accent(0)}" stroke-width="2.4"`);
    c.rect({ x: 12, y: 12, w: w - 24, h: h - 24 }, 'none', 0, `stroke="${c.accent(0)}" stroke-width="0.9"`);
    for (const [x, y] of [
      [12, 12],
      [w - 12, 12],
      [12, h - 12],
      [w - 12, h - 12],
    ]) {
      c.circle(x, y, 13, c.ground, `stroke="${c.accent(0)}" stroke-width="1.6"`);
      c.circle(x, y, 6, c.accent(1));
    }
  },
} as const;
