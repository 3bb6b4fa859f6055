/**
 * Places of a first page for pins that were hardly seen. Of K places, m go to new pins:
 *
 *   m               binomial: each place with the chance `share`; no more than there are new pins
 *   which places    any m of the K, all sets alike
 *   which pins      any m of the new ones, in any order
 *
 * The others keep their order and move down. With P new pins a new one stands at a given place with probability mean(m) / K / P;
 * the r-th of the others stands at place p (both from 0) with the probability that p - r of the places before it, and not p
 * itself, go to new pins: over all m, P(m) C(p, p - r) C(K - 1 - p, m - p + r) / C(K, m). Both stand in the log as propensities.
 * Because m may be 0, every item keeps a chance to stand where it would have stood: replay has support for all places.
 */
import type { CandidateList } from '../candidates/candidate.ts';
import { EXPLORATION } from '../catalog/log/served-list.ts';
import type { Random } from '../math/random.ts';

/** How many of a page's places go to new pins, and how likely each number was. */
export interface Places {
  readonly taken: number;
  readonly chances: readonly (readonly [taken: number, chance: number])[];
}

/** Draws how many of `places` go to new pins, of which there are `pool`. */
export function drawPlaces(places: number, pool: number, share: number, random: Random): Places {
  let wanted = 0;
  for (let place = 0; place < places; place++) if (random.next() < share) wanted++;
  const chanceOf = (count: number): number => choices(places, count) * share ** count * (1 - share) ** (places - count);
  const chances = Array.from({ length: places + 1 }, (_, count) => [Math.min(count, pool), chanceOf(count)] as const);
  return { taken: Math.min(wanted, pool), chances: chances.filter(([, chance]) => chance > NEVER) };
}

/** Rarer numbers of new pins are left out of the sums. */
const NEVER = 1e-12;

/** A page with new pins in it. */
interface ExploredPage {
  readonly page: Int32Array;
  /** By place on the page. */
  readonly propensities: Float32Array;
  /** Places on the page that went to new pins. */
  readonly explored: ReadonlySet<number>;
}

/** `order`: rows of the page as they would stand, `pool`: rows of new pins, none of which is among them. */
export function explore(order: Int32Array, pool: readonly number[], { taken, chances }: Places, random: Random): ExploredPage {
  const places = order.length;
  const explored = new Set(random.shuffled(Array.from({ length: places }, (_, place) => place)).slice(0, taken));
  const fresh = random.shuffled([...pool]).slice(0, taken);
  const page = new Int32Array(places);
  const propensities = new Float32Array(places);
  const mean = chances.reduce((sum, [count, chance]) => sum + count * chance, 0);
  let rank = 0;
  for (let place = 0; place < places; place++) {
    const isNew = explored.has(place);
    page[place] = isNew ? fresh[place - rank] : order[rank];
    propensities[place] = isNew ? mean / places / pool.length : staysAt(place, rank++, places, chances);
  }
  return { page, propensities, explored };
}

function staysAt(place: number, rank: number, places: number, chances: Places['chances']): number {
  const before = place - rank;
  let sum = 0;
  for (const [taken, chance] of chances)
    if (taken >= before) sum += chance * choices(place, before) * (choices(places - 1 - place, taken - before) / choices(places, taken));
  return sum;
}

/** Ways to choose k of n. */
function choices(n: number, k: number): number {
  if (k < 0 || k > n) return 0;
  let ways = 1;
  for (let i = 1; i <= Math.min(k, n - k); i++) ways = (ways * (n - Math.min(k, n - k) + i)) / i;
  return ways;
}

const names = new Map<string, readonly string[]>();

/** The candidates with one more source, which proposed the new pins of the page with the chance that they had. */
export function withExploration(candidates: CandidateList, { page, propensities, explored }: ExploredPage): CandidateList {
  const width = candidates.sourceNames.length;
  const key = candidates.sourceNames.join(' ');
  // The same array for the same names, so that the log knows it again.
  const sourceNames = names.get(key) ?? Object.freeze([...candidates.sourceNames, EXPLORATION]);
  names.set(key, sourceNames);
  const sourceScores = new Float32Array(candidates.count * (width + 1)).fill(Number.NaN);
  for (let row = 0; row < candidates.count; row++)
    sourceScores.set(candidates.sourceScores.subarray(row * width, (row + 1) * width), row * (width + 1));
  for (const place of explored) sourceScores[page[place] * (width + 1) + width] = propensities[place];
  return { ...candidates, sourceNames, sourceScores };
}
