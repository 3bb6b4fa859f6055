/** Fitness plans: weekly tables, challenges, meal plans, progress charts, circuits. */
import { n } from '../canvas.ts';
import type { Canvas } from '../canvas.ts';
import { textPath, textUnits } from '../stroke-font.ts';
import { backdrop } from './backdrop.ts';

const TITLES = ['WEEKLY PLAN', '30 DAYS', 'MEAL PREP', 'PROGRESS', 'CIRCUIT'];
const WORDS = [
  ['RUN 5K', 'SQUATS', 'YOGA', 'REST', 'PUSH UPS', 'CORE', 'BIKE', 'LUNGES', 'SWIM'],
  ['10 ABS', '20 ABS', 'PLANK', 'REST', '30 ABS', '15 UPS'],
  ['OATS', 'RICE', 'SALAD', 'EGGS', 'SOUP', 'FISH', 'FRUIT', 'BEANS'],
  ['WEEK', 'GOAL', 'MILES', 'WATER', 'SLEEP'],
  ['BURPEES', 'JUMPS', 'PLANK', 'ROWS', 'DIPS', 'SPRINT'],
];
const DAYS = ['MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'SUN'];

export function plan(c: Canvas, topic: number): void {
  backdrop(c);
  const { width: w, height: h } = c;
  const kind = topic % 5;
  const [left, width, head] = [w * 0.08, w * 0.84, h * 0.15];
  c.rect({ x: left, y: h * 0.05, w: width, h: h * 0.9 }, c.light, c.style === 'organic' ? 14 : 2, 'opacity="0.93"');
  c.rect({ x: left, y: h * 0.05, w: width, h: head }, c.print(0), c.style === 'organic' ? 14 : 2);
  const size = Math.min(h * 0.06, (width * 0.8 * 6) / textUnits(TITLES[kind]));
  c.rect({ x: left + width * 0.06, y: h * 0.05 + head / 2 - size * 0.85, w: width * 0.88, h: size * 1.7 }, c.light, 3);
  c.line(
    textPath(TITLES[kind], (w - (textUnits(TITLES[kind]) * size) / 6) / 2, h * 0.05 + head / 2 - size / 2, size),
    c.dark,
    size * (c.style === 'bold' ? 0.24 : 0.15),
  );
  [week, challenge, week, progress, circuit][kind](c, left + 6, h * 0.23, width - 12, h * 0.69, kind);
}

function label(c: Canvas, text: string, x: number, y: number, size: number, colour = c.dark): void {
  c.line(textPath(text, x, y, size), colour, size * 0.13);
}

function week(c: Canvas, x: number, y: number, w: number, h: number, kind: number): void {
  const row = h / 7;
  DAYS.forEach((day, i) => {
    if (i % 2 === 0) c.rect({ x, y: y + i * row, w, h: row - 2 }, c.accent(1), 2, 'opacity="0.4"');
    c.rect({ x, y: y + i * row, w: w * 0.22, h: row - 2 }, c.accent(i), 2);
    label(c, day, x + 5, y + i * row + row * 0.3, row * 0.3, c.isDark(c.accent(i)) ? c.light : c.dark);
    label(c, c.random.pick(WORDS[kind]), x + w * 0.27, y + i * row + row * 0.3, row * 0.3);
    label(c, `${c.random.integer(5) + 1}0`, x + w * 0.78, y + i * row + row * 0.3, row * 0.3);
  });
}

function challenge(c: Canvas, x: number, y: number, w: number, h: number): void {
  const [cell, row] = [w / 5, h / 6];
  for (let day = 0; day < 30; day++) {
    const [cx, cy] = [x + (day % 5) * cell, y + Math.floor(day / 5) * row];
    const done = day % 4 === 3;
    c.rect(
      { x: cx + 2, y: cy + 2, w: cell - 4, h: row - 4 },
      done ? c.accent(1) : c.ground,
      c.style === 'bold' ? 0 : 5,
      `stroke="${c.accent(0)}" stroke-width="1"`,
    );
    label(c, String(day + 1), cx + cell * 0.24, cy + row * 0.32, row * 0.3, c.isDark(done ? c.accent(1) : c.ground) ? c.light : c.dark);
  }
}

function progress(c: Canvas, x: number, y: number, w: number, h: number): void {
  const points: string[] = [];
  for (let i = 0; i < 8; i++) {
    const high = h * (0.15 + 0.06 * i + c.between(0, 0.12));
    c.rect(
      { x: x + (w / 8) * i + 4, y: y + h * 0.72 - high, w: w / 8 - 8, h: high },
      i % 2 === 0 ? c.accent(0) : c.accent(1),
      c.style === 'organic' ? 5 : 0,
    );
    points.push(`${n(x + (w / 8) * (i + 0.5))},${n(y + h * 0.68 - high)}`);
  }
  c.line(`M${points.join(' L')}`, c.accent(2), 2.6);
  c.line(`M${n(x)},${n(y + h * 0.72)} L${n(x + w)},${n(y + h * 0.72)}`, c.dark, 1.6);
  for (let i = 0; i < 3; i++) {
    c.rect({ x, y: y + h * (0.78 + i * 0.08), w: 9, h: 9 }, i === 0 ? c.accent(0) : 'none', 1, `stroke="${c.dark}" stroke-width="1.2"`);
    label(c, WORDS[3][i + 1], x + 16, y + h * (0.78 + i * 0.08), 9);
  }
}

function circuit(c: Canvas, x: number, y: number, w: number, h: number, kind: number): void {
  const row = h / 5;
  for (let i = 0; i < 5; i++) {
    const cy = y + row * (i + 0.5);
    c.line(`M${n(x + row * 0.4)},${n(cy)} L${n(x + row * 0.4)},${n(Math.min(y + h, cy + row * 0.6))}`, c.accent(1), 3);
    c.circle(x + row * 0.4, cy, row * 0.3, c.accent(i), c.outline > 0 ? `stroke="${c.dark}" stroke-width="${c.outline}"` : '');
    label(c, String(i + 1), x + row * 0.33, cy - row * 0.12, row * 0.24, c.isDark(c.accent(i)) ? c.light : c.dark);
    label(c, WORDS[kind][i], x + row * 0.95, cy - row * 0.2, row * 0.2);
    c.rect({ x: x + row * 0.95, y: cy + row * 0.1, w: (w - row) * c.between(0.4, 0.95), h: 5 }, c.accent(1), 2);
  }
}
