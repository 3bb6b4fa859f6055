import { describe, expect, it } from 'vitest';
import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { loadPinColumns, type PinColumns } from '../../src/catalog/pins/pin-columns.ts';
import { upsertBatch } from '../../src/catalog/pins/upsert.ts';
import { seededRandom } from '../../src/math/random.ts';
import { CandidatePins } from '../../src/ranker/scoring/candidate-pins.ts';

const PINS = 300;
const COUNT = 200;
const random = seededRandom(5);
const word = (): string => `word${random.integer(40)}`;

const pinRow = (p: number) => ({
  id: `pin-${p}`,
  title: p % 7 === 0 ? '' : `${word()} ${word()} ${word()}`,
  annotations: p % 5 === 0 ? {} : { [word()]: 1, [word()]: 0.5 },
  categories: { geek: 0.4, ...(p % 3 === 0 ? { travel: 0.8 } : {}) },
  link: `https://shop-${random.integer(4)}.example/${p}`,
  ...(p % 4 === 0 ? {} : { createdAt: Date.UTC(2025, random.integer(12), 1) }),
});

const store = openCatalog(':memory:');
const options = { now: Date.UTC(2026, 0, 1), folders: { images: '/nowhere', data: '/nowhere' } };
upsertBatch(
  store,
  'pins',
  Array.from({ length: PINS }, (_, p) => pinRow(p)),
  options,
);
store.groups.set(Int32Array.from({ length: PINS }, (_, p) => (p % 11 === 0 ? 0 : p)).entries());
const columns = loadPinColumns(store);
const pinIndexes = Int32Array.from({ length: COUNT }, () => random.integer(PINS));

/** Shorter than there are categories: those behind its end weigh nothing. */
const USER = Float32Array.from({ length: columns.categoryNames.length - 8 }, (_, ordinal) => 1 / (1 + ordinal));

/** What was looked up for a query, as plain arrays. */
function lookedUp(pins: PinColumns, queryPin: number): Record<string, unknown> {
  const found = new CandidatePins();
  found.take(pins, queryPin, pinIndexes, COUNT, USER);
  const values = (
    name: 'createdAt' | 'saves' | 'domain' | 'group' | 'categoryDots' | 'annotationDots' | 'titleDots' | 'userDots' | 'categorySquares',
  ) => Array.from(found[name].subarray(0, COUNT));
  return {
    has: [found.hasCategories, found.hasAnnotations, found.hasTitle],
    ...Object.fromEntries(
      (
        ['createdAt', 'saves', 'domain', 'group', 'categoryDots', 'annotationDots', 'titleDots', 'userDots', 'categorySquares'] as const
      ).map((name) => [name, values(name)]),
    ),
  };
}

const withoutRecords = (): PinColumns => Object.create(columns, { records: { value: null } }) as PinColumns;

describe('what features look up of the candidates', () => {
  it('is the same from records and from columns, to the bit', () => {
    for (const query of [-1, 0, 1, 5, 7, 33, 299]) expect(lookedUp(columns, query)).toEqual(lookedUp(withoutRecords(), query));
  });

  it('has the dot products of unit rows: a pin with itself gives 1', () => {
    const found = new CandidatePins();
    found.take(columns, 1, Int32Array.of(1), 1);
    expect(found.titleDots[0]).toBeCloseTo(1, 6);
    expect(found.annotationDots[0]).toBeCloseTo(1, 6);
    expect(found.categoryDots[0]).toBe(found.categorySquares[0]);
  });

  it('follows pins that changed, that came, and that were saved', () => {
    upsertBatch(store, 'pins', [{ ...pinRow(3), title: 'word1 word2' }, pinRow(PINS)], options);
    upsertBatch(store, 'boards', [{ id: 'board' }], options);
    upsertBatch(store, 'saves', [{ boardId: 'board', pinId: 'pin-3' }], options);
    columns.catchUp();
    expect(columns.count).toBe(PINS + 1);
    pinIndexes.set([3, PINS]);
    for (const query of [3, PINS]) expect(lookedUp(columns, query)).toEqual(lookedUp(withoutRecords(), query));
    expect((lookedUp(columns, 3).saves as number[])[0]).toBe(1);
  });

  it('takes queries with more entries than its table first has room for', () => {
    const title = Array.from({ length: 400 }, (_, w) => `long${w}`).join(' ');
    upsertBatch(store, 'pins', [{ id: 'long', title }], options);
    columns.catchUp();
    const own = columns.indexOf('long');
    pinIndexes.set([own]);
    expect((lookedUp(columns, own).titleDots as number[])[0]).toBeCloseTo(1, 5);
    expect(lookedUp(columns, own)).toEqual(lookedUp(withoutRecords(), own));
  });
});
