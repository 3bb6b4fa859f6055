/** Pictures with much to hold on to, all of one kind and none like another. */
import { seededRandom } from '../../src/math/random.ts';
import { drawSvg } from '../../src/vision/image-tensor.ts';

export const SIDE = 300;

/** Shapes at drawn places: every picture another, all of one kind. */
export function drawnPicture(seed: number): Promise<Uint8Array> {
  const random = seededRandom(seed);
  const shapes = Array.from({ length: 60 }, () => {
    const [x, y, size] = [random.integer(SIDE), random.integer(SIDE), 8 + random.integer(30)];
    const colour = `hsl(${random.integer(360)},60%,${20 + random.integer(60)}%)`;
    return random.next() < 0.5
      ? `<rect x="${x}" y="${y}" width="${size}" height="${size / 2}" fill="${colour}" transform="rotate(${random.integer(90)} ${x} ${y})"/>`
      : `<path d="M${x} ${y} l${size} ${size / 3} l-${size / 2} ${size / 2} z" fill="${colour}"/>`;
  });
  return drawSvg(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${SIDE}" height="${SIDE}"><rect width="${SIDE}" height="${SIDE}" fill="#eee"/>${shapes.join('')}</svg>`,
    'png',
  );
}
