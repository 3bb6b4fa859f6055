import { seededRandom } from '../../math/random.ts';
import { writeTensor } from '../image-tensor.ts';
import type { NetInput } from '../net-manifest.ts';

/**
 * The tensor of a plain made-up picture (a soft gradient, a few bright discs and bars, a little noise): enough for a
 * net to answer with numbers of the usual size. The same for the same input and seed, everywhere.
 */
export function probePicture(input: NetInput, seed = 7): Float32Array {
  const { width, height } = input;
  const random = seededRandom(seed);
  const discs = Array.from({ length: 6 }, () => ({
    x: random.next() * width,
    y: random.next() * height,
    r: (0.08 + 0.15 * random.next()) * width,
    colour: [random.integer(256), random.integer(256), random.integer(256)],
  }));
  const data = new Uint8Array(3 * width * height);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const disc = discs.find((one) => (x - one.x) ** 2 + (y - one.y) ** 2 < one.r ** 2);
      const ground = [(200 * x) / width, (200 * y) / height, 120];
      for (let channel = 0; channel < 3; channel++) data[at++] = (disc?.colour ?? ground)[channel] * 0.9 + random.integer(25);
    }
  }
  const values = new Float32Array(3 * width * height);
  writeTensor({ width, height, data }, input, values, 0);
  return values;
}
