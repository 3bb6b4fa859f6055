import { describe, expect, it, test } from 'vitest';
import type { ScoredPins } from '../../src/candidates/candidate.ts';
import { Merge } from '../../src/candidates/merge.ts';
import { seededRandom } from '../../src/math/random.ts';
import { fixtureCatalog, fixtureColumns, numberedPins, upsertPins } from './fixture-columns.ts';

const pins = (ids: number[], scores = ids.map((_, at) => 1 - at / 10)): ScoredPins => ({
  pinIndexes: Int32Array.from(ids),
  scores: Float32Array.from(scores),
});

test('scores that can be asked for one by one give the list that going through all of them gives', () => {
  const random = seededRandom(3);
  const store = fixtureCatalog(numberedPins(3000));
  store.groups.set(Int32Array.from({ length: 3000 }, (_, p) => (p % 7 === 0 ? p >> 1 : p)).entries());
  store.removals.removePins([5, 50, 500], Date.now());
  const merge = new Merge(fixtureColumns(store));
  const proposals = ['a', 'b', 'c'].map((name) => {
    const ids = random.shuffled(Array.from({ length: 3000 }, (_, id) => id)).slice(0, 1800);
    return {
      name,
      pins: pins(
        ids,
        ids.map(() => random.next()),
      ),
    };
  });
  const asked = proposals.map((proposal) => {
    const scores = new Map(Array.from(proposal.pins.pinIndexes, (pin, p) => [pin, proposal.pins.scores[p]]));
    return { ...proposal, scoreOf: (pin: number) => scores.get(pin) };
  });
  for (const limit of [10, 700, 3000])
    expect(merge.merge(-1, asked, limit, (pin) => pin % 10 !== 0)).toEqual(merge.merge(-1, proposals, limit, (pin) => pin % 10 !== 0));
});

describe('merge', () => {
  const store = fixtureCatalog(numberedPins(20));
  store.groups.set(Int32Array.from({ length: 20 }, (_, p) => (p === 11 ? 1 : p === 13 ? 3 : p === 15 ? 3 : p)).entries());
  store.removals.removePins([9], Date.now());
  const columns = fixtureColumns(store);
  const merge = new Merge(columns);

  it('puts what is popular behind what everybody else proposed', () => {
    const merged = merge.merge(
      0,
      [
        { name: 'board-cooccurrence', pins: pins([2, 4]) },
        { name: 'popular-in-category', pins: pins([5, 6, 4]) },
        { name: 'visual-neighbors', pins: pins([7, 8, 10]) },
      ],
      6,
    );
    expect([...merged.pinIndexes]).toEqual([2, 7, 4, 8, 10, 5]);
  });

  it('takes turns and keeps each source and its score', () => {
    const merged = merge.merge(
      0,
      [
        { name: 'a', pins: pins([2, 4, 5]) },
        { name: 'b', pins: pins([4, 6]) },
      ],
      10,
    );
    expect([...merged.pinIndexes]).toEqual([2, 4, 5, 6]);
    expect(merged.sourceNames).toEqual(['a', 'b']);
    const again = merge.merge(
      3,
      [
        { name: 'a', pins: pins([2]) },
        { name: 'b', pins: pins([]) },
      ],
      10,
    );
    expect(again.sourceNames).toBe(merged.sourceNames);
    expect(merge.merge(3, [{ name: 'b', pins: pins([2]) }], 10).sourceNames).toEqual(['b']);
    const f = Math.fround;
    expect([...merged.sourceScores]).toEqual([1, NaN, f(0.9), 1, f(0.8), NaN, NaN, f(0.9)]);
  });

  it('leaves out the query, its near-duplicates, near-duplicates of what was taken, and removed pins', () => {
    const merged = merge.merge(1, [{ name: 'a', pins: pins([1, 11, 3, 13, 9, 7, 15]) }], 10);
    expect([...merged.pinIndexes]).toEqual([3, 7]);
  });

  it('gives each source its share when the list is capped', () => {
    const merged = merge.merge(
      -1,
      [
        { name: 'a', pins: pins([2, 4, 5, 6, 7]) },
        { name: 'b', pins: pins([8, 10]) },
      ],
      4,
    );
    expect([...merged.pinIndexes]).toEqual([2, 8, 4, 10]);
    expect(merged.count).toBe(4);
  });

  it('takes only what is accepted', () => {
    const merged = merge.merge(0, [{ name: 'a', pins: pins([2, 3, 4]) }], 10, (pin) => pin !== 3);
    expect([...merged.pinIndexes]).toEqual([2, 4]);
  });

  it('does not remember the call before', () => {
    const proposals = [{ name: 'a', pins: pins([2, 3]) }];
    expect(merge.merge(0, proposals, 10)).toEqual(merge.merge(0, proposals, 10));
    expect(merge.merge(0, [{ name: 'b', pins: pins([]) }], 10).count).toBe(0);
  });

  it('grows with the catalogue and passes over pins it does not know', () => {
    upsertPins(
      store,
      Array.from({ length: 60 }, (_, p) => ({ id: `late-${p}` })),
    );
    columns.refresh([]);
    expect([...merge.merge(0, [{ name: 'a', pins: pins([70, 5000]) }], 10).pinIndexes]).toEqual([70]);
  });
});
