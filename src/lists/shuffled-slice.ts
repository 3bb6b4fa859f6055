import { mixedSeed, type Random, seededRandom, SERVING_STREAMS } from '../math/random.ts';

/** The random stream that decides about the order of a list. */
export function shuffleStream(recommendationId: string): Random {
  return seededRandom(mixedSeed(SERVING_STREAMS.shuffle, recommendationId));
}

/** Whether a page of more than one item will be shuffled under this recommendation id: the first draw of its stream. */
export function drawsShuffle(recommendationId: string, share: number): boolean {
  return share > 0 && shuffleStream(recommendationId).next() < share;
}

/**
 * A small random share of pages is served in random order, so that position bias can be measured and treatments that
 * never served can be judged on the log. `propensities[i]` is the probability with which this policy puts the item at
 * place i: with share s and n items, s/n anywhere, and 1 - s more at its own rank.
 */
export function shuffledSlice(
  page: Int32Array,
  share: number,
  random: Random,
): { page: Int32Array; shuffled: boolean; propensities: Float32Array } {
  const n = page.length;
  const shuffled = n > 1 && random.next() < share;
  const order = shuffled ? Int32Array.from(random.shuffled([...page])) : page;
  const propensities = new Float32Array(n).fill(n <= 1 ? 1 : share / n);
  if (n > 1) for (let i = 0; i < n; i++) if (order[i] === page[i]) propensities[i] = share / n + (1 - share);
  return { page: order, shuffled, propensities };
}
