/** The costs over the number of pins, both axes logarithmic, each cost relative to its first: parallel lines grow alike. */
import { COSTS, type Point } from './point.ts';

const WIDTH = 820;
const HEIGHT = 440;
const EDGE = { left: 64, right: 280, top: 28, bottom: 52 };
const COLOURS = ['#0b6e4f', '#c1440e', '#2b59c3', '#8a4fff', '#7a6c00'];

export function growthPlot(points: readonly Point[], exponents: Readonly<Record<string, number>>): string {
  const pins = points.map((point) => point.pins);
  const relative = COSTS.map((cost) => points.map((point) => point[cost] / points[0][cost]));
  const highest = Math.max(10, ...relative.flat());
  const x = scale(pins[0], pins[pins.length - 1], EDGE.left, WIDTH - EDGE.right);
  const y = scale(0.5, highest * 1.5, HEIGHT - EDGE.bottom, EDGE.top);
  const lines = COSTS.map((cost, c) => {
    const places = relative[c].map((value, i) => `${x(pins[i]).toFixed(1)},${y(value).toFixed(1)}`);
    const dots = places
      .map((place) => `<circle cx="${place.split(',')[0]}" cy="${place.split(',')[1]}" r="3.5" fill="${COLOURS[c]}"/>`)
      .join('');
    const label = `<text x="${WIDTH - EDGE.right + 12}" y="${EDGE.top + 18 + 22 * c}" fill="${COLOURS[c]}">${cost}, exponent ${exponents[cost]}</text>`;
    return `<polyline fill="none" stroke="${COLOURS[c]}" stroke-width="2" points="${places.join(' ')}"/>${dots}${label}`;
  });
  const atPins = pins.map(
    (each) => `<text x="${x(each)}" y="${HEIGHT - EDGE.bottom + 20}" text-anchor="middle">${each.toLocaleString('en')}</text>`,
  );
  const powers = Array.from({ length: Math.floor(Math.log10(highest * 1.5)) + 1 }, (_, power) => 10 ** power);
  const grid = powers.map((value) => {
    const at = y(value).toFixed(1);
    return `<line x1="${EDGE.left}" x2="${WIDTH - EDGE.right}" y1="${at}" y2="${at}" stroke="#ddd"/><text x="${EDGE.left - 8}" y="${at}" dy="4" text-anchor="end">x ${value}</text>`;
  });
  const title = `<text x="${(EDGE.left + WIDTH - EDGE.right) / 2}" y="${HEIGHT - 10}" text-anchor="middle">pins; cost relative to the smallest catalogue</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>${[...grid, ...atPins, ...lines].join('\n')}\n${title}</svg>\n`;
}

function scale(from: number, to: number, start: number, end: number): (value: number) => number {
  return (value) => start + ((Math.log(value) - Math.log(from)) / Math.max(1e-9, Math.log(to) - Math.log(from))) * (end - start);
}
