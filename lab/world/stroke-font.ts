/**
 * A stroke font of our own: each glyph is a few polylines on a grid 4 wide and 6 high (y down), drawn as paths, so that a
 * world looks the same on every machine.
 */
import { n } from './canvas.ts';

const GLYPHS: Readonly<Record<string, string>> = {
  A: '06 20 46|14 34',
  B: '00 06 36 45 44 33 03|00 30 41 42 33',
  C: '41 30 10 01 05 16 36 45',
  D: '00 06 26 44 42 20 00',
  E: '40 00 06 46|03 33',
  F: '40 00 06|03 33',
  G: '41 30 10 01 05 16 36 45 43 23',
  H: '00 06|40 46|03 43',
  I: '10 30|20 26|16 36',
  J: '40 45 36 16 05',
  K: '00 06|40 03 46',
  L: '00 06 46',
  M: '06 00 23 40 46',
  N: '06 00 46 40',
  O: '10 30 41 45 36 16 05 01 10',
  P: '06 00 30 41 42 33 03',
  Q: '10 30 41 45 36 16 05 01 10|24 46',
  R: '06 00 30 41 42 33 03|23 46',
  S: '41 30 10 01 02 13 33 44 45 36 16 05',
  T: '00 40|20 26',
  U: '00 05 16 36 45 40',
  V: '00 26 40',
  W: '00 16 23 36 40',
  X: '00 46|40 06',
  Y: '00 23 40|23 26',
  Z: '00 40 06 46',
  0: '10 30 41 45 36 16 05 01 10|41 05',
  1: '11 20 26|16 36',
  2: '01 10 30 41 42 06 46',
  3: '01 10 30 41 42 33 44 45 36 16 05|13 33',
  4: '36 30 04 44',
  5: '40 00 03 33 44 45 36 16 05',
  6: '41 30 10 01 05 16 36 45 44 33 03',
  7: '00 40 16',
  8: '13 02 01 10 30 41 42 33 13 04 05 16 36 45 44 33',
  9: '43 13 02 01 10 30 41 45 36 16 05',
  "'": '20 21',
  '.': '26 26',
  ',': '25 16',
  '!': '20 24|26 26',
  '?': '01 10 30 41 42 23 24|26 26',
  '&': '46 11 20 31 05 16 26 44',
  '-': '13 33',
  '+': '13 33|22 24',
  '/': '40 06',
  ':': '22 22|25 25',
  '%': '40 06|00 01|45 46',
};
/** Distance from one letter to the next, in units of the grid. */
const STEP = 5.6;

/** Width of a line of text in grid units. */
export const textUnits = (text: string): number => Math.max(1, text.length * STEP - (STEP - 4));

/** The path of a line of text whose capitals are `height` pixels high, starting at (x, y) top left; `slant` leans it. */
export function textPath(text: string, x: number, y: number, height: number, slant = 0): string {
  const unit = height / 6;
  const strokes: string[] = [];
  [...text.toUpperCase()].forEach((letter, i) => {
    const glyph = GLYPHS[letter];
    if (!glyph) return;
    for (const stroke of glyph.split('|')) {
      const points = stroke.split(' ').map((point) => {
        const column = Number(point[0]) + i * STEP;
        const row = Number(point[1]);
        return `${n(x + (column + slant * (6 - row)) * unit)},${n(y + row * unit)}`;
      });
      strokes.push(`M${points.join(' L')}`);
    }
  });
  return strokes.join(' ');
}

/** Words broken into lines of at most `letters` letters. */
export function wrapWords(text: string, letters: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= letters) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
