/**
 * Drawn logos in the palettes and letters of the demo world. Even ones are names on one of three shapes, so that some
 * differ by their letters only; odd ones are pictures without a letter.
 */
import { mixedSeed, type Random, seededRandom } from '../../../src/math/random.ts';
import { drawSvg } from '../../../src/vision/image-tensor.ts';
import { PALETTES } from '../../world/latents.ts';
import { textPath, textUnits } from '../../world/stroke-font.ts';

const LOGO_SIDE = 320;

const MIDDLE = LOGO_SIDE / 2;

export function isName(logo: number): boolean {
  return logo % 2 === 0;
}

/** A square PNG: the logo on a plain ground that fills the picture. */
export function drawnLogo(logo: number): Promise<Uint8Array> {
  // Mixed: the first draws of seeds in a row are alike, and all logos would have the colors of one palette.
  const random = seededRandom(mixedSeed(7919, `logo ${logo}`));
  const colours = random.pick(PALETTES).colours;
  const body = isName(logo) ? named(random, colours) : pictured(random, colours);
  const ground = `<rect width="${LOGO_SIDE}" height="${LOGO_SIDE}" fill="${colours[5]}"/>`;
  return drawSvg(`<svg xmlns="http://www.w3.org/2000/svg" width="${LOGO_SIDE}" height="${LOGO_SIDE}">${ground}${body}</svg>`, 'png');
}

type Colours = readonly string[];

/** Two lines of a made-up name over a shape. */
function named(random: Random, [, main, , third, dark, light]: Colours): string {
  const lines = [word(random), word(random)];
  const shape = random.pick([
    `<circle cx="${MIDDLE}" cy="${MIDDLE}" r="145" fill="${main}"/>`,
    `<rect x="15" y="60" width="290" height="200" rx="${random.integer(60)}" fill="${main}"/>`,
    `<path d="M${MIDDLE} 8 L312 ${MIDDLE} L${MIDDLE} 312 L8 ${MIDDLE} Z" fill="${main}"/>`,
  ]);
  const texts = lines.map((text, i) => {
    const size = Math.min(58, (210 * 6) / textUnits(text));
    const [x, y] = [MIDDLE - (textUnits(text) * size) / 12, i === 0 ? MIDDLE - size - 8 : MIDDLE + 14];
    const stroke = `stroke="${i === 0 ? light : dark}" stroke-width="${size * (0.12 + 0.1 * random.next())}"`;
    return `<path d="${textPath(text, x, y, size, random.next() < 0.4 ? 0.25 : 0)}" fill="none" ${stroke}/>`;
  });
  return `${shape}<rect x="70" y="${MIDDLE + 1}" width="180" height="5" fill="${third}"/>${texts.join('')}`;
}

/** Consonants and vowels in turn, three to six letters. */
function word(random: Random): string {
  const length = 3 + random.integer(4);
  return Array.from({ length }, (_, i) => random.pick(i % 2 === 0 ? [...'BCDFGKLMNPRSTVZ'] : [...'AEIOU'])).join('');
}

/** A dozen drawn shapes about the middle. */
function pictured(random: Random, [, main, second, third, dark]: Colours): string {
  const shapes = Array.from({ length: 12 }, () => {
    const [turn, reach] = [random.integer(360), 20 + random.integer(90)];
    const [x, y] = [MIDDLE + reach * Math.cos((turn * Math.PI) / 180), MIDDLE + reach * Math.sin((turn * Math.PI) / 180)];
    const size = 16 + random.integer(40);
    const fill = random.pick([main, second, third, dark]);
    return random.pick([
      `<circle cx="${x}" cy="${y}" r="${size / 2}" fill="${fill}"/>`,
      `<rect x="${x}" y="${y}" width="${size}" height="${size * 0.6}" fill="${fill}" transform="rotate(${turn} ${x} ${y})"/>`,
      `<path d="M${x} ${y} l${size} ${size / 3} l${-size / 2} ${size / 2} z" fill="${fill}"/>`,
      `<path d="M${x} ${y} q${size} ${-size} ${1.5 * size} 0 q${-size / 2} ${size} ${-1.5 * size} 0 z" fill="${fill}"/>`,
    ]);
  });
  return `<circle cx="${MIDDLE}" cy="${MIDDLE}" r="150" fill="none" stroke="${main}" stroke-width="9"/>${shapes.join('')}`;
}
