import { describe, expect, it } from 'vitest';
import { ExactIndex } from '../../src/candidates/visual/exact-index.ts';
import { allocateCodeTable } from '../../src/features/code-table.ts';
import { annotationIdf } from '../../src/search/annotation-terms.ts';
import { visualSearch } from '../../src/search/flashlight.ts';
import { dotSignals, type DotSources, judgeDots, suppressingSignal } from '../../src/search/object-dots.ts';
import { ObjectIndex } from '../../src/search/object-index.ts';
import { smallColumns } from './small-catalog.ts';

/** Eight pins; pin i's code has its lowest i bits set, so that pin i is i bits from pin 0. Pins 2 and 3 are near-duplicates. */
const columns = smallColumns(
  Array.from({ length: 8 }, (_, i) => ({
    buyable: i % 2 === 1,
    annotations: { [i < 4 ? 'sofa' : 'lamp']: 1 },
    categories: { [i < 6 ? 'home decor' : 'art']: 1 },
  })),
  [0, 1, 2, 2, 4, 5, 6, 7],
);
const code = (ones: number): Uint32Array => Uint32Array.of(ones === 0 ? 0 : 2 ** ones - 1);
const table = allocateCodeTable(32, 8);
for (let pin = 0; pin < 8; pin++) {
  table.codes.set(code(pin), pin);
  table.has[pin] = 1;
}
const sources: DotSources = {
  columns,
  index: new ExactIndex(table),
  bits: 32,
  idf: annotationIdf(columns),
  objects: new ObjectIndex(32),
};
const found = async (query: { code: Uint32Array; pinIndex: number }, filters = {}): Promise<number[]> =>
  (await visualSearch(query, filters, sources)).map((result) => result.pinIndex);

describe('visualSearch', () => {
  it('answers nearest first, without the query, one of each near-duplicate group', async () => {
    expect(await found({ code: code(0), pinIndex: 0 })).toEqual([1, 2, 4, 5, 6, 7]);
    expect(await found({ code: code(2), pinIndex: 2 })).toEqual([1, 0, 4, 5, 6, 7]);
    expect((await visualSearch({ code: code(0), pinIndex: 0 }, {}, sources))[0]).toMatchObject({
      distance: 1,
      score: 1 - 1 / 32,
    });
  });

  it('finds the same picture for an upload', async () => {
    expect((await found({ code: code(4), pinIndex: -1 }))[0]).toBe(4);
  });

  it('filters inside the scan: category, buyable, annotation, exclude', async () => {
    const query = { code: code(0), pinIndex: -1 };
    expect(await found(query, { category: columns.categoryNames.indexOf('art') })).toEqual([6, 7]);
    expect(await found(query, { buyable: true })).toEqual([1, 3, 5, 7]);
    expect(await found(query, { terms: [columns.annotationTerms.indexOf('lamp')] })).toEqual([4, 5, 6, 7]);
    expect(await found(query, { exclude: new Set([0, 1]) })).toEqual([2, 4, 5, 6, 7]);
  });

  it('lets engagement raise a result that is known to be good', async () => {
    const boost = (pin: number): number => (pin === 7 ? 0.5 : 0);
    expect((await found({ code: code(0), pinIndex: 0 }, { boost }))[0]).toBe(7);
  });
});

for (let pinIndex = 1; pinIndex < 7; pinIndex++)
  sources.objects.setPin(pinIndex, [
    { pinIndex, label: pinIndex < 5 ? 'sofa' : 'lamp', score: pinIndex < 5 ? 0.5 : 0.25, box: [0, 0, 1, 1], code: code(pinIndex) },
  ]);
const query = { label: 'sofa', code: code(0), pinIndex: 0 };
const results = await visualSearch({ code: code(0), pinIndex: 0 }, {}, sources);

describe('object dots', () => {
  it('reads its signals off the results', () => {
    const signals = dotSignals(query, results, sources);
    expect(signals.visual).toBeCloseTo(1 - 1 / 32, 12);
    expect(signals.annotation).toBeCloseTo((Math.log(9 / 5) * 4) / 6, 6);
    expect(signals.conformity).toBeCloseTo(4 / 6, 12);
    expect(signals.agreement).toBeCloseTo(2 / 2.5, 12);
    expect(dotSignals({ ...query, label: 'lamp' }, results, sources).agreement).toBeCloseTo(0.5 / 2.5, 12);
    expect(dotSignals(query, [], { ...sources, objects: new ObjectIndex(32) })).toEqual({
      visual: 0,
      annotation: 0,
      conformity: null,
      agreement: null,
    });
  });

  it('names the signal that takes a dot away, and spares what cannot be told', () => {
    const thresholds = { score: 0.5, visual: 0.9, annotation: 0.1, conformity: 0.8, agreement: 0.3 };
    expect(suppressingSignal(0.4, { visual: 1, annotation: 1, conformity: 1, agreement: 1 }, thresholds)).toBe('score');
    expect(suppressingSignal(0.6, { visual: 0.8, annotation: 1, conformity: 1, agreement: 1 }, thresholds)).toBe('visual');
    expect(suppressingSignal(0.6, { visual: 1, annotation: 0, conformity: 1, agreement: 1 }, thresholds)).toBe('annotation');
    expect(suppressingSignal(0.6, { visual: 1, annotation: 1, conformity: 0.7, agreement: 1 }, thresholds)).toBe('conformity');
    expect(suppressingSignal(0.6, { visual: 1, annotation: 1, conformity: 1, agreement: 0.2 }, thresholds)).toBe('agreement');
    expect(suppressingSignal(0.6, { visual: 1, annotation: 1, conformity: null, agreement: null }, thresholds)).toBeNull();
  });

  it('lists what it does not show', () => {
    const object = { label: 'sofa', score: 0.9, box: [0, 0, 1, 1] as const, shown: true, dominant: false };
    const signals = [
      { visual: 0.5, annotation: 1, conformity: 1, agreement: 1 },
      { visual: 1, annotation: 1, conformity: 1, agreement: 1 },
    ];
    const judged = judgeDots([object, { ...object, label: 'lamp' }], signals, () => ({
      score: 0,
      visual: 0.9,
      annotation: 0,
      conformity: 0,
      agreement: 0,
    }));
    expect(judged.map(({ label, shown, suppressedBy }) => [label, shown, suppressedBy])).toEqual([
      ['lamp', true, undefined],
      ['sofa', false, 'visual'],
    ]);
  });
});

describe('ObjectIndex', () => {
  const object = (pinIndex: number, ones: number, label = 'sofa') => ({
    pinIndex,
    label,
    score: 0.9,
    box: [ones, 0, ones + 1, 1] as const,
    code: code(ones),
  });

  it('answers with scenes, one entry each, the matching box shown', () => {
    const index = new ObjectIndex(32, 2);
    index.setPin(1, [object(1, 5), object(1, 3)]);
    index.setPin(4, [object(4, 4)]);
    const scenes = index.scenes({ code: code(0), pinIndex: -1 }, 10, columns);
    expect(scenes.map(({ pinIndex, distance, box }) => [pinIndex, distance, box[0]])).toEqual([
      [1, 3, 3],
      [4, 4, 4],
    ]);
  });

  it('leaves out the query’s own scene, other labels, and what was removed', () => {
    const index = new ObjectIndex(32, 2);
    index.setPin(2, [object(2, 1)]);
    index.setPin(3, [object(3, 2)]);
    index.setPin(5, [object(5, 6, 'lamp')]);
    const pins = (query: { pinIndex: number; label?: string }) =>
      index.scenes({ code: code(0), ...query }, 10, columns).map((scene) => scene.pinIndex);
    expect(pins({ pinIndex: 3 })).toEqual([5]);
    expect(pins({ pinIndex: -1, label: 'lamp' })).toEqual([5]);
    expect(pins({ pinIndex: -1 })).toEqual([2, 5]);
    index.removePin(2);
    expect(pins({ pinIndex: -1 })).toEqual([3, 5]);
    index.setPin(3, [object(3, 7)]);
    expect(pins({ pinIndex: -1 })).toEqual([5, 3]);
    expect(index.count).toBe(2);
  });
});
