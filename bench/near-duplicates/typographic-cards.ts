/** Quote cards of a few layouts: the pictures that are most alike without being the same. */
import sharp from 'sharp';
import { seededRandom } from '../../src/math/random.ts';

const WORDS =
  'do what you love and the rest will follow home is where heart rests today tomorrow never always keep calm carry on be kind work hard dream big less more slow down breathe smile'.split(
    ' ',
  );
const COLOURS = [
  ['#ffffff', '#111111'],
  ['#111111', '#ffffff'],
  ['#f3e9dc', '#5e3023'],
  ['#1d3557', '#f1faee'],
];
const SIDE = 480;

/** `count` cards as PNG: four colourings, one to four lines, thirty words; no two say the same. */
export async function typographicCards(count = 240): Promise<Uint8Array[]> {
  const random = seededRandom(11);
  const said = new Set<string>();
  const cards: Uint8Array[] = [];
  while (cards.length < count) {
    const lines = Array.from({ length: 1 + (cards.length % 4) }, () => `${random.pick(WORDS)} ${random.pick(WORDS)}`);
    if (said.has(lines.join('/'))) continue;
    said.add(lines.join('/'));
    cards.push(await card(lines, COLOURS[cards.length % 3 === 0 ? 0 : random.integer(COLOURS.length)]));
  }
  return cards;
}

async function card(lines: readonly string[], [ground, ink]: readonly string[]): Promise<Uint8Array> {
  const size = lines.length > 2 ? 40 : 56;
  const text = lines.map((line, i) => {
    const y = SIDE / 2 + (i - (lines.length - 1) / 2) * size * 1.4;
    return `<text x="50%" y="${y}" font-size="${size}" text-anchor="middle" font-family="sans-serif" fill="${ink}">${line}</text>`;
  });
  const svg = `<svg width="${SIDE}" height="${SIDE}"><rect width="100%" height="100%" fill="${ground}"/>${text.join('')}</svg>`;
  return sharp(Buffer.from(svg)).png().toBuffer();
}
