/** Travel: mountains, beaches, deserts, skylines, lakes; as posters in the pin's palette. */
import { n } from '../canvas.ts';
import type { Canvas } from '../canvas.ts';
import { textPath, textUnits } from '../stroke-font.ts';

function sky(c: Canvas): number {
  const { width: w, height: h } = c;
  const horizon = h * c.between(0.5, 0.64);
  c.rect({ x: 0, y: 0, w, h }, c.gradient(c.accent(1), c.ground));
  const [x, y, r] = [w * c.between(0.2, 0.8), h * c.between(0.14, 0.3), w * c.between(0.08, 0.13)];
  if (c.style === 'retro')
    for (let i = 0; i < 12; i++)
      c.path(
        `M${n(x)},${n(y)} L${n(x + Math.cos(i * 0.5236) * w * 1.4)},${n(y + Math.sin(i * 0.5236) * w * 1.4)} L${n(x + Math.cos(i * 0.5236 + 0.2) * w * 1.4)},${n(y + Math.sin(i * 0.5236 + 0.2) * w * 1.4)} Z`,
        c.light,
        'opacity="0.3"',
      );
  c.circle(
    x,
    y,
    r,
    c.style === 'bold' ? c.print(2, 0.8) : c.accent(2),
    c.outline > 1 ? `stroke="${c.dark}" stroke-width="${c.outline}"` : '',
  );
  if (c.style === 'organic')
    for (let i = 0; i < 3; i++) c.ellipse(w * c.between(0.1, 0.9), h * c.between(0.08, 0.35), 32, 8, c.light, 'opacity="0.8"');
  return horizon;
}

function ridge(c: Canvas, base: number, high: number, fill: string, steps: number, soft: boolean): void {
  const { width: w, height: h } = c;
  let d = `M0,${h} L0,${n(base)}`;
  for (let i = 1; i <= steps; i++) {
    const [x, y] = [(w * i) / steps, base - (i % 2 === 1 ? high * c.between(0.5, 1) : high * c.between(0, 0.25))];
    d += soft ? ` Q${n(x - w / steps / 2)},${n(y)} ${n(x)},${n((y + base) / 2)}` : ` L${n(x)},${n(y)}`;
  }
  c.surface(`${d} L${w},${h} Z`, fill);
}

function finish(c: Canvas, name: string): void {
  const { width: w, height: h } = c;
  if (c.style === 'ornate' || c.style === 'retro') {
    c.rect({ x: 5, y: 5, w: w - 10, h: h - 10 }, 'none', 0, `stroke="${c.light}" stroke-width="${c.style === 'ornate' ? 5 : 9}"`);
    const size = Math.min(17, (w * 0.7 * 6) / textUnits(name));
    c.rect({ x: w * 0.1, y: h * 0.86 - 5, w: w * 0.8, h: size + 12 }, c.light, 2);
    c.line(textPath(name, (w - (textUnits(name) * size) / 6) / 2, h * 0.86 + 1, size), c.dark, size * 0.16);
  }
}

function pines(c: Canvas, y: number, count: number): void {
  for (let i = 0; i < count; i++) {
    const [x, high] = [c.width * ((i + c.between(0, 0.9)) / count), c.height * c.between(0.1, 0.2)];
    c.path(`M${n(x)},${n(y - high)} L${n(x + high * 0.3)},${n(y)} L${n(x - high * 0.3)},${n(y)} Z`, i % 3 === 0 ? c.accent(0) : c.dark);
  }
}

export function mountains(c: Canvas): void {
  const horizon = sky(c);
  ridge(c, horizon, c.height * 0.36, c.accent(1), 5, false);
  ridge(c, horizon + c.height * 0.1, c.height * 0.28, c.print(0, 1.2), 6, c.style === 'organic');
  ridge(c, horizon + c.height * 0.22, c.height * 0.1, c.dark, 4, true);
  pines(c, c.height * 0.94, 7);
  finish(c, c.random.pick(['HIGH PEAKS', 'ALPINE', 'SUMMIT']));
}

export function beach(c: Canvas): void {
  const horizon = sky(c);
  const { width: w, height: h } = c;
  c.rect({ x: 0, y: horizon, w, h: h * 0.24 }, c.gradient(c.accent(0), c.accent(1)));
  for (let i = 0; i < 6; i++)
    c.line(`M${n(w * c.between(0, 0.6))},${n(horizon + 8 + i * 9)} h${n(c.between(30, 90))}`, c.light, 2, 'opacity="0.7"');
  c.path(
    `M0,${n(horizon + h * 0.2)} Q${n(w * 0.5)},${n(horizon + h * 0.1)} ${w},${n(horizon + h * 0.24)} L${w},${h} L0,${h} Z`,
    c.isDark(c.ground) ? c.accent(2) : '#efd9a7',
  );
  const [x, y] = [w * c.between(0.6, 0.8), h * 0.88];
  c.line(`M${n(x)},${n(y)} Q${n(x + 22)},${n(y - h * 0.24)} ${n(x - 6)},${n(y - h * 0.44)}`, c.dark, 7);
  for (const angle of [-110, -70, -30, 20, 65, 110])
    c.add(
      `<path d="M0,0 Q20,-26 64,-8 Q30,-6 0,0 Z" transform="translate(${n(x - 6)} ${n(y - h * 0.44)}) rotate(${angle - 10})" fill="${c.accent(0)}"/>`,
    );
  const u = w * 0.26;
  c.surface(`M${n(u - 44)},${n(h * 0.78)} Q${n(u)},${n(h * 0.62)} ${n(u + 44)},${n(h * 0.78)} Z`, c.print(2, 0.9));
  c.line(`M${n(u)},${n(h * 0.7)} L${n(u + 3)},${n(h * 0.93)}`, c.dark, 3);
  finish(c, c.random.pick(['ISLAND', 'SEA SIDE', 'BLUE BAY']));
}

export function desert(c: Canvas): void {
  const horizon = sky(c);
  ridge(c, horizon, c.height * 0.12, c.accent(1), 3, true);
  ridge(c, horizon + c.height * 0.12, c.height * 0.14, c.print(0, 1.4), 3, true);
  ridge(c, horizon + c.height * 0.26, c.height * 0.12, c.accent(2), 2, true);
  for (let i = 0; i < 3; i++) {
    const [x, y, s] = [c.width * c.between(0.12, 0.88), c.height * c.between(0.72, 0.92), c.between(0.6, 1.2)];
    c.line(
      `M${n(x)},${n(y)} v${n(-58 * s)} M${n(x)},${n(y - 20 * s)} h${n(-15 * s)} v${n(-18 * s)} M${n(x)},${n(y - 28 * s)} h${n(15 * s)} v${n(-16 * s)}`,
      c.dark,
      8 * s,
    );
  }
  finish(c, c.random.pick(['DUNES', 'SAHARA', 'CANYON']));
}

export function skyline(c: Canvas): void {
  const horizon = sky(c);
  const { width: w, height: h } = c;
  for (let row = 0; row < 2; row++) {
    for (let x = -10; x < w;) {
      const [wide, high] = [c.between(20, 44), h * c.between(0.16, 0.44) * (1 - row * 0.3)];
      const y = horizon + h * (0.1 + row * 0.12) - high;
      c.surface(
        `M${n(x)},${h} L${n(x)},${n(y)} ${c.chance(0.3) ? `L${n(x + wide / 2)},${n(y - 28)} ` : ''}L${n(x + wide)},${n(y)} L${n(x + wide)},${h} Z`,
        row === 0 ? c.accent(1) : c.chance(0.5) ? c.print(0, 0.7) : c.accent(0),
      );
      for (let wy = y + 8; wy < h * 0.8; wy += 14) c.rect({ x: x + 5, y: wy, w: wide - 10, h: 4 }, c.light, 0, 'opacity="0.5"');
      x += wide + 3;
    }
  }
  c.rect({ x: 0, y: h * 0.82, w, h: h * 0.18 }, c.gradient(c.accent(0), c.dark));
  for (let i = 0; i < 8; i++)
    c.line(`M${n(w * c.random.next())},${n(h * c.between(0.84, 0.98))} h${n(c.between(12, 44))}`, c.light, 2, 'opacity="0.5"');
  finish(c, c.random.pick(['CITY LIGHTS', 'DOWNTOWN', 'METRO']));
}

export function lake(c: Canvas): void {
  const horizon = sky(c);
  const { width: w, height: h } = c;
  ridge(c, horizon, h * 0.26, c.accent(0), 4, false);
  pines(c, horizon + 12, 11);
  c.rect({ x: 0, y: horizon + 12, w, h: h - horizon }, c.gradient(c.accent(1), c.accent(0)));
  for (let i = 0; i < 9; i++)
    c.line(`M${n(w * c.between(-0.1, 0.7))},${n(horizon + 22 + i * 12)} h${n(c.between(30, 110))}`, c.light, 2, 'opacity="0.5"');
  const x = w * c.between(0.1, 0.55);
  c.surface(`M${n(x)},${n(horizon + 14)} v-34 l34,-26 l34,26 v34 Z`, c.print(2, 0.7));
  c.rect({ x: x + 26, y: horizon - 12, w: 16, h: 26 }, c.dark);
  c.path(`M${n(w * 0.3)},${n(h * 0.82)} q${n(w * 0.2)},${n(h * 0.1)} ${n(w * 0.4)},0 Z`, c.dark);
  finish(c, c.random.pick(['STILL LAKE', 'CABIN', 'NORTH']));
}
