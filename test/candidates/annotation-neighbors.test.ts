import { describe, expect, it } from 'vitest';
import { AnnotationNeighbors } from '../../src/candidates/words/annotation-neighbors.ts';
import { PopularInCategory } from '../../src/candidates/popular-in-category.ts';
import { seededRandom } from '../../src/math/random.ts';
import { type FixturePin, fixtureCatalog, fixtureColumns, upsertPins } from './fixture-columns.ts';

/** The plain twin: cosine of tf-idf vectors, pair by pair. */
function plainCosines(pins: readonly FixturePin[], query: number): Map<number, number> {
  const df = new Map<string, number>();
  for (const { annotations } of pins) for (const term of Object.keys(annotations ?? {})) df.set(term, (df.get(term) ?? 0) + 1);
  const vector = (pin: FixturePin): Map<string, number> =>
    new Map(Object.entries(pin.annotations ?? {}).map(([t, w]) => [t, w * (Math.log((1 + pins.length) / (1 + (df.get(t) ?? 0))) + 1)]));
  const norm = (v: Map<string, number>): number => Math.sqrt([...v.values()].reduce((sum, w) => sum + w * w, 0));
  const own = vector(pins[query]);
  const found = new Map<number, number>();
  pins.forEach((pin, p) => {
    const other = vector(pin);
    let dot = 0;
    for (const [term, weight] of own) dot += weight * (other.get(term) ?? 0);
    if (p !== query && dot > 0) found.set(p, dot / (norm(own) * norm(other)));
  });
  return found;
}

function randomPins(count: number): FixturePin[] {
  const random = seededRandom(2);
  return Array.from({ length: count }, (_, p) => ({
    id: `pin-${p}`,
    annotations: Object.fromEntries(
      Array.from({ length: random.integer(6) }, () => [`term-${Math.floor(30 * random.next() ** 2)}`, 0.1 + random.next()]),
    ),
  }));
}

describe('annotation neighbours', () => {
  const pins = randomPins(120);
  const store = fixtureCatalog(pins);
  const columns = fixtureColumns(store);
  const source = new AnnotationNeighbors(columns);

  it('equal the cosine of tf-idf vectors', () => {
    for (let query = 0; query < pins.length; query++) {
      const plain = plainCosines(pins, query);
      const { pinIndexes, scores } = source.propose({ pinIndex: query, code: null }, 1000);
      expect(new Set(pinIndexes)).toEqual(new Set(plain.keys()));
      pinIndexes.forEach((pin, at) => expect(scores[at]).toBeCloseTo(plain.get(pin) as number, 5));
    }
  });

  it('are answered by the old index, which says so, until the new one was built in slices, with pins that change meanwhile', () => {
    const before = randomPins(1500);
    const grown = fixtureCatalog(before);
    const own = fixtureColumns(grown);
    const sliced = new AnnotationNeighbors(own);
    const take = (changes: readonly FixturePin[]): void => {
      upsertPins(grown, changes);
      sliced.refresh(own.catchUp());
    };
    take(randomPins(3000).map((pin, p) => ({ ...pin, annotations: { ...pin.annotations, fresh: 1 + p } })));
    expect(sliced.behind).toMatch(/built again/);
    expect(sliced.propose({ pinIndex: 3, code: null }, 10).pinIndexes.every((pin) => pin < 1500)).toBe(true);
    sliced.catchUp(0);
    take([
      { id: 'pin-2999', annotations: { 'term-0': 0.5, latest: 1 } },
      { id: 'pin-7', annotations: {} },
      { id: 'pin-8', annotations: { latest: 2 } },
    ]);
    let slices = 1;
    for (; sliced.behind !== null; slices++) sliced.catchUp(0);
    expect(slices).toBeGreaterThan(2);
    const whole = new AnnotationNeighbors(own);
    const latest = sliced.propose({ pinIndex: 8, code: null }, 5);
    expect([...latest.pinIndexes]).toEqual([]);
    sliced.rebuild();
    for (let query = 0; query < 3000; query += 37) {
      const [expected, found] = [whole, sliced].map((source) => source.propose({ pinIndex: query, code: null }, 20));
      expect(found).toEqual(expected);
    }
  });

  it('are the same when a term that many pins have is not gone through to its end', () => {
    const many = randomPins(3000);
    const large = new AnnotationNeighbors(fixtureColumns(fixtureCatalog(many)));
    for (let query = 0; query < 60; query++) {
      const all = large.propose({ pinIndex: query, code: null }, 3000);
      const few = large.propose({ pinIndex: query, code: null }, 10);
      expect([...few.pinIndexes]).toEqual([...all.pinIndexes.subarray(0, 10)]);
      expect([...few.scores]).toEqual([...all.scores.subarray(0, 10)]);
    }
  });

  it('know pins that came after the index was built', () => {
    const annotations = { 'term-0': 1, 'term-29': 0.37 };
    const { indexes } = upsertPins(store, [
      { id: 'late', annotations },
      { id: 'twin', annotations },
    ]);
    columns.refresh([...indexes]);
    source.refresh(indexes);
    const found = source.propose({ pinIndex: indexes[0], code: null }, 1);
    expect([...found.pinIndexes]).toEqual([indexes[1]]);
    expect(found.scores[0]).toBeCloseTo(1, 5);
  });

  it('have nothing to say about an image without words', () => {
    expect(source.propose({ pinIndex: -1, code: null }, 5).pinIndexes.length).toBe(0);
  });
});

describe('popular in category', () => {
  const pins = ['art', 'art', 'art', 'travel', ''].map((category, p) => ({
    id: `pin-${p}`,
    categories: category ? { [category]: 1 } : undefined,
  }));
  const source = new PopularInCategory(fixtureColumns(fixtureCatalog(pins, [[0, 1, 3, 4], [1, 3], [1, 3], [2, 3], [2]])));

  it('ranks by saves within the categories of the query', () => {
    const found = source.propose({ pinIndex: 0, code: null }, 10);
    expect([...found.pinIndexes]).toEqual([1, 2]);
    expect(found.scores[0]).toBeCloseTo(Math.log(4), 6);
  });

  it('gives what is popular everywhere to a query without categories', () => {
    expect([...source.propose({ pinIndex: -1, code: null }, 3).pinIndexes]).toEqual([3, 1, 2]);
    expect([...source.propose({ pinIndex: 4, code: null }, 9).pinIndexes]).toEqual([3, 1, 2, 0]);
  });
});
