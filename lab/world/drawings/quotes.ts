/** Quotes set in the stroke font. */
import { n } from '../canvas.ts';
import type { Canvas } from '../canvas.ts';
import { textPath, textUnits, wrapWords } from '../stroke-font.ts';
import { backdrop } from './backdrop.ts';
import { leaf } from './furniture.ts';

const QUOTES: readonly (readonly string[])[] = [
  [
    'Dream big start small',
    'Make today count',
    'Your only limit is you',
    'Begin anywhere',
    'Do it with passion or not at all',
    'Small steps every day',
  ],
  ['You are my favorite place', 'Love lives here', 'All of me loves all of you', 'Stay close to my heart', 'Home is wherever you are'],
  [
    'But first coffee',
    'I came I saw I made it awkward',
    'Nope not today',
    'Weekend please do not leave me',
    'Sorry I am late I did not want to come',
  ],
  ['Breathe in breathe out', 'This too shall pass', 'Slow down and look around', 'Be still and know', 'Quiet the mind'],
  ['Work hard stay humble', 'Done is better than perfect', 'Focus on the next step', 'Less talk more work', 'Hustle until it feels easy'],
];

export function quote(c: Canvas, topic: number): void {
  backdrop(c);
  const { width: w, height: h } = c;
  if (c.pattern !== 'plain') {
    c.rect({ x: 0, y: 0, w, h: h * 0.1 }, c.print(0));
    c.rect({ x: 0, y: h * 0.9, w, h: h * 0.1 }, c.print(0));
  }
  const panel = c.style === 'bold' || c.style === 'retro';
  if (panel)
    c.rect(
      { x: w * 0.1, y: h * 0.17, w: w * 0.8, h: h * 0.66 },
      c.style === 'bold' ? c.accent(0) : c.light,
      c.style === 'retro' ? 14 : 0,
      c.style === 'retro' ? 'opacity="0.9"' : '',
    );
  const ink = panel ? (c.isDark(c.style === 'bold' ? c.accent(0) : c.light) ? c.light : c.dark) : c.ink;
  const lines = wrapWords(c.random.pick(QUOTES[topic % QUOTES.length]), c.random.integer(5) + 8);
  const widest = Math.max(...lines.map(textUnits));
  const size = Math.min((w * 0.68 * 6) / widest, (h * 0.5) / (lines.length * 1.6));
  const left = c.chance(0.3);
  const startY = h / 2 - (lines.length * size * 1.6) / 2;
  const pen = size * { minimal: 0.09, bold: 0.24, retro: 0.18, organic: 0.13, ornate: 0.11 }[c.style];
  const slant = c.style === 'organic' || c.style === 'ornate' ? 0.18 : 0;
  lines.forEach((line, i) => {
    const x = left ? w * 0.16 : (w - (textUnits(line) * size) / 6) / 2;
    const y = startY + i * size * 1.6;
    const colour = i === lines.length - 1 && !panel && c.chance(0.7) ? c.accent(0) : ink;
    if (c.style === 'retro') c.line(textPath(line, x + 2, y + 2, size, slant), c.accent(1), pen);
    c.line(textPath(line, x, y, size, slant), colour, pen);
  });
  const foot = startY + lines.length * size * 1.6 + 6;
  if (c.style === 'organic') for (const turn of [-70, -35, 35, 70]) leaf(c, w / 2, Math.min(h * 0.86, foot + 18), 26, turn, 6, c.accent(0));
  else c.line(`M${n(w * 0.42)},${n(foot)} L${n(w * 0.58)},${n(foot)}`, c.accent(1), 3);
}
