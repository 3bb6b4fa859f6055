/** Abstract art: circles, colour fields, flowing lines, collage, ink. */
import { n } from '../canvas.ts';
import type { Canvas } from '../canvas.ts';

function paper(c: Canvas): void {
  c.rect({ x: 0, y: 0, w: c.width, h: c.height }, c.style === 'bold' ? c.accent(1) : c.ground);
  if (c.style === 'retro') c.rect({ x: 0, y: 0, w: c.width, h: c.height }, c.gradient(c.light, c.accent(1)), 0, 'opacity="0.55"');
}

function mat(c: Canvas): void {
  if (c.style !== 'ornate' && c.style !== 'minimal') return;
  const width = c.style === 'ornate' ? 22 : 12;
  c.rect({ x: width / 2, y: width / 2, w: c.width - width, h: c.height - width }, 'none', 0, `stroke="${c.light}" stroke-width="${width}"`);
  if (c.style === 'ornate') c.rect({ x: 3, y: 3, w: c.width - 6, h: c.height - 6 }, 'none', 0, `stroke="${c.dark}" stroke-width="6"`);
}

export function circles(c: Canvas): void {
  paper(c);
  const { width: w, height: h } = c;
  for (let i = 0; i < 7; i++) {
    const [x, y, r] = [w * c.between(0.1, 0.9), h * c.between(0.1, 0.9), w * c.between(0.08, 0.3)];
    const fill = i % 3 === 0 ? c.print(i, 1.1) : c.accent(i);
    c.circle(
      x,
      y,
      r,
      fill,
      `fill-opacity="${c.style === 'organic' ? 0.65 : 0.92}"${c.outline > 0 ? ` stroke="${c.dark}" stroke-width="${c.outline}"` : ''}`,
    );
    if (i % 2 === 0) c.path(`M${n(x - r)},${n(y)} A${n(r)},${n(r)} 0 0 1 ${n(x + r)},${n(y)} Z`, c.accent(i + 1), 'fill-opacity="0.85"');
  }
  for (let i = 0; i < 3; i++) c.line(`M${n(w * c.between(0, 1))},0 L${n(w * c.between(0, 1))},${h}`, c.ink, 1.4);
  mat(c);
}

export function colourFields(c: Canvas): void {
  paper(c);
  const { width: w, height: h } = c;
  const rows = 2 + c.random.integer(3);
  let y = h * 0.07;
  for (let i = 0; i < rows; i++) {
    const high = ((h * 0.86) / rows) * c.between(0.8, 1) - 6;
    const soft = c.style === 'organic' || c.style === 'retro';
    for (let layer = soft ? 5 : 1; layer >= 1; layer--)
      c.rect(
        { x: w * 0.08 - layer * 2, y: y - layer * 2, w: w * 0.84 + layer * 4, h: high + layer * 4 },
        i === 1 ? c.print(i, 1.6) : c.accent(i),
        soft ? 10 : 0,
        `opacity="${layer === 1 ? 0.95 : 0.2}"`,
      );
    if (c.outline > 0) c.rect({ x: w * 0.08, y, w: w * 0.84, h: high }, 'none', 0, `stroke="${c.dark}" stroke-width="${c.outline * 1.6}"`);
    y += (h * 0.86) / rows;
  }
  mat(c);
}

export function flowLines(c: Canvas): void {
  paper(c);
  const { width: w, height: h } = c;
  const lines = 15;
  const [a, b, turn] = [c.between(20, 60), c.between(20, 50), c.between(0.2, 0.8)];
  for (let i = 0; i < lines; i++) {
    const y = (h * (i - 1)) / (lines - 2);
    const d = `M-10,${n(y)} C${n(w * turn)},${n(y - a)} ${n(w * (1 - turn))},${n(y + b)} ${w + 10},${n(y - a * 0.3)}`;
    c.line(
      d,
      c.accent(Math.floor((i * 3) / 5)),
      c.style === 'bold' ? 14 : c.style === 'minimal' ? 3 : 8,
      `opacity="0.92"${c.pattern === 'dots' ? ' stroke-dasharray="1 14"' : c.pattern === 'stripes' ? ' stroke-dasharray="18 10"' : ''}`,
    );
  }
  c.circle(
    w * c.between(0.25, 0.75),
    h * c.between(0.2, 0.5),
    w * 0.16,
    c.print(0),
    c.outline > 0 ? `stroke="${c.dark}" stroke-width="${c.outline}"` : '',
  );
  mat(c);
}

export function collage(c: Canvas): void {
  paper(c);
  const { width: w, height: h } = c;
  for (let i = 0; i < 6; i++) {
    const [x, y, s] = [w * c.between(0.15, 0.85), h * c.between(0.12, 0.88), w * c.between(0.16, 0.34)];
    const corners = 3 + c.random.integer(4);
    const points = Array.from({ length: corners }, (_, k) => {
      const angle = (k / corners) * 6.2832 + c.between(-0.3, 0.3);
      return [x + Math.cos(angle) * s * c.between(0.7, 1.1), y + Math.sin(angle) * s * c.between(0.7, 1.1)] as const;
    });
    const round = c.style === 'organic' || c.style === 'retro';
    const d = round
      ? `M${points.map(([px, py], k) => (k === 0 ? `${n(px)},${n(py)}` : `Q${n((points[k - 1][0] + px) / 2 + 16)},${n((points[k - 1][1] + py) / 2 - 16)} ${n(px)},${n(py)}`)).join(' ')} Z`
      : `M${points.map(([px, py]) => `${n(px)},${n(py)}`).join(' L')} Z`;
    c.surface(d, i % 2 === 0 ? c.print(i, 1.2) : c.accent(i));
  }
  mat(c);
}

export function ink(c: Canvas): void {
  paper(c);
  const { width: w, height: h } = c;
  for (let i = 0; i < 5; i++) {
    const [x, y] = [w * c.between(0.1, 0.5), h * (0.15 + i * 0.17)];
    const d = `M${n(x)},${n(y)} C${n(x + w * 0.2)},${n(y - h * 0.16)} ${n(x + w * 0.3)},${n(y + h * 0.2)} ${n(x + w * c.between(0.4, 0.6))},${n(y + h * c.between(-0.08, 0.08))}`;
    c.line(d, i % 2 === 0 ? c.ink : c.accent(i), c.between(8, 30) * (c.style === 'minimal' ? 0.4 : 1), 'opacity="0.9"');
    if (c.style !== 'minimal') c.line(d, c.ground, 1.6, 'opacity="0.6" stroke-dasharray="30 8"');
  }
  for (let i = 0; i < 18; i++)
    c.circle(w * c.random.next(), h * c.random.next(), c.between(0.8, 4), i % 3 === 0 ? c.accent(0) : c.ink, 'opacity="0.8"');
  c.rect({ x: w * 0.66, y: h * 0.66, w: w * 0.22, h: w * 0.22 }, c.print(0));
  mat(c);
}
