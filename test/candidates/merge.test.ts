import { describe, expect, it } from 'vitest';
import type { ScoredPins } from '../../src/candidates/candidate.ts';
import { Merge } from '../../src/candidates/merge.ts';
import { fixtureCatalog, fixtureColumns, numberedPins, upsertPins } from './fixture-columns.ts';

const pins = (ids: number[], scores = ids.map((_, at) => 1 - at / 10)): ScoredPins => ({
  pinIndexes: Int32Array.from(ids),
  scores: Float32Array.from(scores),
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
