import { murmur3 } from '../../src/math/murmur-hash.ts';
import type { Random } from '../../src/math/random.ts';
import { seededRandom } from '../../src/math/random.ts';

/**
 * The stream of one run of a study. Runs have names that differ in a digit, and thousands of them are compared with
 * exact tests: the seed is well mixed and the first outputs, where near seeds are still alike, are thrown away.
 */
export function streamOf(seed: number, name: string): Random {
  const random = seededRandom(murmur3(name, seed));
  for (let i = 0; i < 32; i++) random.next();
  return random;
}
