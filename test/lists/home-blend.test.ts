import { expect, test } from 'vitest';
import type { Proposal } from '../../src/candidates/merge.ts';
import type { PinColumns } from '../../src/catalog/pins/pin-columns.ts';
import { blendHistory } from '../../src/lists/home-blend.ts';
import { seededRandom } from '../../src/math/random.ts';

const PINS = 4000;
const random = seededRandom(17);
/** Half of the pins have one of three categories. */
const pins = {
  categories: {
    start: Uint32Array.from({ length: PINS }, (_, pin) => pin),
    length: Uint16Array.from({ length: PINS }, (_, pin) => pin % 2),
    ordinals: Uint32Array.from({ length: PINS }, () => random.integer(3)),
    weights: new Float32Array(PINS).fill(1),
  },
} as unknown as PinColumns;

const history = { pinIndexes: [7, 11, 13, 17, 19], weights: [1, 0.8, 0.8, 0.5, 0.25] };

/** Scores from few values, so that votes are often equal. */
function drawn(name: string): Proposal {
  const pinIndexes = Int32Array.from(random.shuffled(Array.from({ length: PINS }, (_, pin) => pin)).slice(0, 600));
  return { name, pins: { pinIndexes, scores: Float32Array.from(pinIndexes, () => (1 + random.integer(8)) / 8) } };
}

const asked = history.pinIndexes.map(() => [drawn('board-cooccurrence'), drawn('visual-neighbors')]);
const accept = (pin: number): boolean => pin % 10 !== 0;

const categoryOf = (pin: number): number => (pins.categories.length[pin] === 0 ? -1 : pins.categories.ordinals[pin]);

/** The sum of what each list scores a pin, times the weight of its query; and the query that gave it most. */
function plainVotes(source: number): Map<number, { vote: number; query: number; most: number }> {
  const votes = new Map<number, { vote: number; query: number; most: number }>();
  asked.forEach((proposals, query) => {
    const { pinIndexes, scores } = proposals[source].pins;
    pinIndexes.forEach((pin, p) => {
      if (history.pinIndexes.includes(pin) || !accept(pin)) return;
      const vote = history.weights[query] * scores[p];
      const before = votes.get(pin) ?? { vote: 0, query, most: Number.NEGATIVE_INFINITY };
      votes.set(pin, {
        vote: before.vote + vote,
        ...(vote > before.most ? { query, most: vote } : { query: before.query, most: before.most }),
      });
    });
  });
  return votes;
}

/** Ten stretches of twenty at most: whose query has ten places there, or whose category twelve, comes behind all others. */
function plainOrder(votes: ReturnType<typeof plainVotes>): number[] {
  const order: number[] = [];
  let waiting = [...votes].sort((a, b) => b[1].vote - a[1].vote || a[0] - b[0]);
  while (waiting.length > 0) {
    const back: typeof waiting = [];
    let stretch: { query: number; category: number }[] = [];
    for (const entry of waiting) {
      const [pin, { query }] = entry;
      const category = categoryOf(pin);
      const crowded =
        stretch.filter((each) => each.query === query).length >= 10 ||
        (category >= 0 && stretch.filter((each) => each.category === category).length >= 12);
      if (order.length < 200 && crowded) {
        back.push(entry);
        continue;
      }
      order.push(pin);
      stretch.push({ query, category });
      if (stretch.length === 20) stretch = [];
    }
    waiting = back;
  }
  return order;
}

test('pins stand by the sum of their votes, spread as the plain way spreads them', () => {
  const { proposals, cooccurrenceOf } = blendHistory(asked, history, pins, { without: [], accept });
  proposals.forEach(({ pins: found, upTo }, source) => {
    const votes = plainVotes(source);
    const order = plainOrder(votes);
    for (const wanted of [1, 150, 199, 201, 1000, PINS]) {
      upTo?.(wanted);
      expect(Array.from(found.pinIndexes.subarray(0, wanted))).toEqual(order.slice(0, wanted));
    }
    expect(Array.from(found.pinIndexes)).toEqual(order);
    expect(Array.from(found.scores)).toEqual(order.map((pin) => Math.fround(votes.get(pin)?.vote ?? Number.NaN)));
  });
  const votes = plainVotes(0);
  const cooccurrence = cooccurrenceOf(Int32Array.from({ length: PINS }, (_, pin) => pin));
  for (let pin = 0; pin < PINS; pin++) expect(cooccurrence.get(pin)).toBe(votes.get(pin)?.vote);
});

test('the next list begins afresh, without what it was told to leave out', () => {
  const without = [100, 101, 102, 103];
  const few = asked.slice(0, 2).map((proposals) => proposals.slice(1));
  blendHistory(asked, history, pins, { without: [], accept: undefined }).proposals[0].upTo?.(50);
  const { proposals, cooccurrenceOf } = blendHistory(few, history, pins, { without, accept: undefined });
  const own = new Set(few.flatMap(([{ pins: found }]) => Array.from(found.pinIndexes)));
  for (const pin of [...without, ...history.pinIndexes]) own.delete(pin);
  proposals[0].upTo?.(PINS);
  expect(proposals.map(({ name }) => name)).toEqual(['visual-neighbors']);
  expect(Array.from(proposals[0].pins.pinIndexes).sort((a, b) => a - b)).toEqual([...own].sort((a, b) => a - b));
  expect(cooccurrenceOf(Int32Array.from(own)).get([...own][0])).toBeUndefined();
});

test('no category has more than its share of a stretch while others wait', () => {
  const { proposals } = blendHistory(asked, history, pins, { without: [], accept });
  const categoryOf = (pin: number): number =>
    pins.categories.length[pin] === 0 ? -1 : pins.categories.ordinals[pins.categories.start[pin]];
  for (const { pins: found, upTo } of proposals) {
    upTo?.(200);
    for (let first = 0; first < 200; first += 20) {
      const stretch = Array.from(found.pinIndexes.subarray(first, first + 20), categoryOf);
      for (const category of [0, 1, 2]) expect(stretch.filter((each) => each === category).length).toBeLessThanOrEqual(12);
    }
  }
});
