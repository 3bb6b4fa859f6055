import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compose, type Placeable, windowOf } from '../../src/lists/composition.ts';
import { LIKENESS_WEIGHTS, pinLikeness } from '../../src/lists/likeness.ts';
import { SlidingVolume } from '../../src/lists/sliding-volume.ts';
import { seededRandom } from '../../src/math/random.ts';
import type { Composition } from '../../src/treatment.ts';

const ssd: Composition = { method: 'ssd', weight: 1, window: 8, limits: {} };

/** Pins by index: unit vectors, scores, a domain and a category each. */
interface Bench {
  readonly vectors: readonly (readonly number[])[];
  readonly items: Placeable;
}

function benchOf(vectors: readonly (readonly number[])[], scores: readonly number[], groups: readonly number[] = []): Bench {
  const count = vectors.length;
  const one = Uint16Array.from({ length: count }, () => 1);
  const at = Uint32Array.from({ length: count }, (_, pin) => pin);
  const ordinals = Uint32Array.from({ length: count }, (_, pin) => groups[pin] ?? pin);
  const pins = {
    domain: Int32Array.from({ length: count }, (_, pin) => groups[pin] ?? -1),
    categories: { start: at, length: one, ordinals, weights: new Float32Array(count).fill(1) },
  };
  const likeness = (a: number, b: number): number => (a === b ? 1 : dot(vectors[a], vectors[b]));
  return { vectors, items: { scores: Float64Array.from(scores), pinIndexes: Int32Array.from(at), pins, likeness } };
}

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, k) => sum + value * b[k], 0);
const unit = (vector: readonly number[]): number[] => vector.map((value) => value / Math.sqrt(dot(vector, vector)));

/** Vectors with a large part in common, as those of pictures have. */
function randomBench(seed: number, count: number, dimensions = 6): Bench {
  const random = seededRandom(seed);
  const vectors = Array.from({ length: count }, () => unit(Array.from({ length: dimensions }, () => 0.2 + random.next())));
  return benchOf(
    vectors,
    vectors.map(() => Math.round(random.next() * 20) / 10),
    vectors.map(() => random.integer(4)),
  );
}

/** The plain twin: the volume of vectors by Gram-Schmidt, written out. */
function volumeOf(vectors: readonly (readonly number[])[]): number {
  const basis: number[][] = [];
  let volume = 1;
  for (const vector of vectors) {
    let rest = [...vector];
    for (const each of basis) rest = rest.map((value, k) => value - dot(rest, each) * each[k]);
    const length = Math.sqrt(dot(rest, rest));
    volume *= length;
    if (length > 1e-7) basis.push(unit(rest));
  }
  return volume;
}

/** Every candidate is tried at every place, by volumes of whole windows. */
function plainOrder({ vectors, items }: Bench, { method, weight, window }: Composition, count: number): number[] {
  const deviation = Math.sqrt(variance([...items.scores])) || 1;
  const placed: number[] = [];
  const byScore = [...vectors.keys()].sort((a, b) => items.scores[b] - items.scores[a] || a - b);
  while (placed.length < count) {
    const before = window === 1 ? [] : placed.slice(-(window - 1));
    const held = volumeOf(before.map((pin) => vectors[pin]));
    let [best, value] = [-1, Number.NEGATIVE_INFINITY];
    for (const pin of byScore) {
      if (placed.includes(pin)) continue;
      const volume = volumeOf([...before, pin].map((each) => vectors[each])) / held;
      const most = Math.max(0, ...before.map((other) => dot(vectors[pin], vectors[other])));
      const worth = items.scores[pin] / deviation + weight * (method === 'ssd' ? volume : 1 - most);
      if (worth > value + 1e-9) [best, value] = [pin, worth];
    }
    placed.push(best);
  }
  return placed;
}

function variance(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
}

describe('a composed page', () => {
  test('by hand: what is like the first waits for something else', () => {
    // The second by score points nearly where the first does (upright part sin 10 degrees = 0.17), the third elsewhere.
    const [a, b, c] = [
      [1, 0],
      [Math.cos(Math.PI / 18), Math.sin(Math.PI / 18)],
      [0, 1],
    ];
    const { items } = benchOf([a, b, c], [3, 2.9, 2.5]);
    // The deviation is 0.216: a score of 0.4 less costs 1.85 deviations, being new instead of nearly the same earns 0.83 x weight.
    expect([...compose(items, { ...ssd, weight: 2 }, 3, null).rows]).toEqual([0, 1, 2]);
    const { rows, placings } = compose(items, { ...ssd, weight: 2.5 }, 3, null);
    expect([...rows]).toEqual([0, 2, 1]);
    expect(placings[0]).toBeNull();
    expect(placings[1]).toEqual({ instead: 3 });
    expect(placings[2]).toEqual({ instead: 2, like: { at: 0, position: 1, pinIndex: 0, likeness: Math.cos(Math.PI / 18) } });
  });

  test.each(['ssd', 'mmr'] as const)('%s places as its plain twin, with windows that slide', (method) => {
    for (let seed = 1; seed <= 40; seed++) {
      const bench = randomBench(seed, 14);
      const composition = { ...ssd, method, weight: 0.3 + (seed % 5), window: 2 + (seed % 6) };
      expect([...compose(bench.items, composition, 12, null).rows], `seed ${seed}`).toEqual(plainOrder(bench, composition, 12));
    }
  });

  test('the lengths are those of volumes, also where items repeat', () => {
    const { vectors, items } = randomBench(3, 9, 4);
    const doubled = [...vectors, vectors[0], vectors[1]];
    const product = (a: number, b: number): number => dot(doubled[a], doubled[b]);
    const volume = new SlidingVolume(3, product);
    const window: number[] = [];
    for (const pin of [0, 9, 3, 10, 1, 5, 2]) {
      const [held, grown] = [window, [...window, pin]].map((pins) => volumeOf(pins.map((each) => doubled[each])));
      if (held > 1e-6) expect(volume.uprightOf(pin)).toBeCloseTo(grown / held, 6);
      volume.push(pin);
      window.push(pin);
      if (window.length > 3) window.shift();
    }
    expect(items.scores).toHaveLength(9);
  });

  const worlds = fc.record({
    seed: fc.integer({ min: 1, max: 10_000 }),
    count: fc.integer({ min: 1, max: 40 }),
    method: fc.constantFrom('ssd' as const, 'mmr' as const, 'none' as const),
    weight: fc.double({ min: 0, max: 5, noNaN: true }),
    window: fc.integer({ min: 2, max: 12 }),
    most: fc.integer({ min: 1, max: 3 }),
    of: fc.integer({ min: 2, max: 10 }),
  });

  test('weight 0 gives the scored order, and any weight gives the same items once each', () => {
    fc.assert(
      fc.property(worlds, ({ seed, count, method, weight, window }) => {
        const { items } = randomBench(seed, count);
        const byScore = [...items.pinIndexes].sort((a, b) => items.scores[b] - items.scores[a] || a - b);
        expect([...compose(items, { method, weight: 0, window, limits: {} }, count, null).rows]).toEqual(byScore);
        const all = compose(items, { method, weight, window, limits: {} }, count, null).rows;
        expect([...all].sort((a, b) => a - b)).toEqual([...items.pinIndexes]);
      }),
    );
  });

  test('limits hold wherever an item is left that keeps them, whatever the method wants', () => {
    fc.assert(
      fc.property(worlds, ({ seed, count, method, weight, window, most, of }) => {
        const { items } = randomBench(seed, count);
        const domain = { most, of };
        const rows = [...compose(items, { method, weight, window, limits: { domain } }, count, null).rows];
        rows.forEach((row, place) => {
          const before = rows.slice(Math.max(0, place - of + 1), place);
          const full = (pin: number): boolean =>
            before.filter((other) => items.pins.domain[other] === items.pins.domain[pin]).length >= most;
          if (full(row)) expect(rows.slice(place).every(full), `place ${place}`).toBe(true);
        });
      }),
    );
  });

  test('pages of one list are the one long list, and placings name positions over all pages', () => {
    fc.assert(
      fc.property(worlds, ({ seed, count, method, weight, window, most, of }) => {
        const { items } = randomBench(seed, count);
        const composition = { method, weight, window, limits: { domain: { most, of }, category: { most: 2, of } } };
        const whole = [...compose(items, composition, count, null).rows];
        const paged: number[] = [];
        let before: Parameters<typeof compose>[3] = null;
        while (paged.length < count) {
          const left = [...items.pinIndexes].filter((pin) => !paged.includes(pin));
          const some = { ...items, scores: Float64Array.from(left, (pin) => items.scores[pin]), pinIndexes: Int32Array.from(left) };
          const page = compose(some, composition, 7, before);
          page.placings.forEach((placing, place) => {
            if (placing?.like) expect(whole[placing.like.position - 1]).toBe(placing.like.pinIndex);
            if (placing) expect(placing.instead).not.toBe(paged.length + place + 1);
          });
          paged.push(...Array.from(page.rows, (row) => left[row]));
          expect(page.tail).toEqual(paged.slice(-windowOf(composition)));
          before = { tail: page.tail, deviation: page.deviation, shown: paged.length };
        }
        expect(paged).toEqual(whole);
      }),
    );
  });
});

test('likeness is the inner product of vectors: codes as signs beside a constant, categories, domains, and what a pin lacks stands alone', () => {
  const random = seededRandom(5);
  const [count, bits, words] = [30, 50, 2];
  const codes = Uint32Array.from({ length: count * words }, (_, w) => (w % 2 === 0 ? random.integer(2 ** 32) : random.integer(2 ** 18)));
  const has = Uint8Array.from({ length: count }, () => (random.next() < 0.8 ? 1 : 0));
  const image = { bits, words, codes, has, capacity: count } as Parameters<typeof pinLikeness>[1] extends infer V
    ? NonNullable<V> extends { readonly image: infer I }
      ? I
      : never
    : never;
  const rows = Array.from({ length: count }, (_, pin) => (pin % 7 === 0 ? [] : [random.integer(3), 3 + random.integer(3)]));
  const categories = {
    start: Uint32Array.from(rows, (_, pin) => rows.slice(0, pin).flat().length),
    length: Uint16Array.from(rows, (row) => row.length),
    ordinals: Uint32Array.from(rows.flat()),
    weights: Float32Array.from(rows.flat(), () => 0.25 + random.next()),
  };
  const domain = Int32Array.from({ length: count }, () => random.integer(4) - 1);
  const likeness = pinLikeness({ categories, domain }, { image });
  const vectorOf = (pin: number): number[] => {
    const own = Array.from({ length: 3 * count }, () => 0);
    const code = Array.from(
      { length: bits },
      (_, bit) => ((codes[pin * words + (bit >>> 5)] >>> (bit & 31)) & 1 ? 1 : -1) / Math.sqrt(2 * bits),
    );
    const spread = Array.from({ length: 6 }, () => 0);
    rows[pin].forEach((ordinal, e) => (spread[ordinal] += categories.weights[categories.start[pin] + e]));
    const site = Array.from({ length: 4 }, (_, each) => (domain[pin] === each ? 1 : 0));
    const parts = [has[pin] ? [...code, Math.SQRT1_2] : null, rows[pin].length > 0 ? unit(spread) : null, domain[pin] >= 0 ? site : null];
    const lengths = [bits + 1, 6, 4];
    const scaled = parts.map((part, kind) => {
      if (part === null) own[kind * count + pin] = Math.sqrt(Object.values(LIKENESS_WEIGHTS)[kind]);
      return (part ?? Array.from({ length: lengths[kind] }, () => 0)).map(
        (value) => value * Math.sqrt(Object.values(LIKENESS_WEIGHTS)[kind]),
      );
    });
    return [...scaled.flat(), ...own];
  };
  for (let a = 0; a < count; a++)
    for (let b = 0; b < count; b++) expect(likeness(a, b), `${a} ${b}`).toBeCloseTo(dot(vectorOf(a), vectorOf(b)), 6);
});

test('imported vectors count beside the codes, and in their place where there are none', () => {
  const vectors = [[1, 0], [0.6, 0.8], null];
  const set = {
    rowOf: (pin: number) => (vectors[pin] ? pin : -1),
    cosinesInto: (pin: number, others: Int32Array, count: number, out: Float32Array) => {
      for (let i = 0; i < count; i++) out[i] = vectors[pin] && vectors[others[i]] ? dot(vectors[pin], vectors[others[i]]!) : Number.NaN;
    },
  };
  const none = { start: new Uint32Array(3), length: new Uint16Array(3), ordinals: new Uint32Array(0), weights: new Float32Array(0) };
  const pins = { categories: none, domain: Int32Array.of(-1, -1, -1) };
  const alone = pinLikeness(pins, null, [set]);
  expect([alone(0, 1), alone(0, 2), alone(2, 2)].map((value) => Math.round(value * 1e6) / 1e6)).toEqual([0.6 * 0.8, 0, 1]);
  const image = { bits: 4, words: 1, codes: Uint32Array.of(0b1111, 0b1100, 0), has: Uint8Array.of(1, 1, 0), capacity: 3 };
  expect(pinLikeness(pins, { image } as Parameters<typeof pinLikeness>[1], [set])(0, 1)).toBeCloseTo(0.6 * ((0.5 + 0.8) / 2), 6);
});
