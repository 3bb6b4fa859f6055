import { describe, expect, it } from 'vitest';
import { blendSources, sourceRatios } from '../../src/search/blend.ts';
import { type Understanding, understand } from '../../src/search/query-understanding.ts';
import { smallColumns } from './small-catalog.ts';

const silent: Understanding = {
  annotations: [],
  objects: [],
  colours: [],
  category: null,
  knownPin: null,
  picture: { kind: 'camera', borderEvenness: 0 },
  words: [],
};
const ratio = (understanding: Understanding, visual: number) =>
  Object.fromEntries(sourceRatios(understanding, visual).map((row) => [row.source, row.ratio]));

describe('sourceRatios', () => {
  it('asks only sources whose signals are confident, and says why others stay silent', () => {
    const rows = sourceRatios(silent, 0.8);
    expect(rows.map((row) => row.ratio)).toEqual([1, 0, 0]);
    expect(rows[1].reason).toMatch(/no term/);
    expect(rows[2].reason).toMatch(/no object/);
  });

  it('follows the signals', () => {
    const sure = { ...silent, annotations: [{ term: 'sofa', weight: 2, confidence: 1 }] };
    const unsure = { ...silent, annotations: [{ term: 'sofa', weight: 2, confidence: 0.4 }] };
    expect(ratio(sure, 0.8)['annotation-search']).toBeGreaterThan(ratio(unsure, 0.8)['annotation-search']);
    const product = { ...sure, picture: { kind: 'product', borderEvenness: 1 } as const };
    expect(ratio(product, 0.8)['visual-search']).toBeGreaterThan(ratio(sure, 0.8)['visual-search']);
  });

  it('believes terms of strangers only when they are borrowed', () => {
    const sure = { ...silent, annotations: [{ term: 'sofa', weight: 2, confidence: 1 }] };
    expect(ratio(sure, 0.1)['annotation-search']).toBe(0);
    expect(ratio({ ...sure, knownPin: 3 }, 0.1)['annotation-search']).toBe(1);
  });

  it('sums to 1, and the looks answer when nothing else does', () => {
    const object = { label: 'sofa', score: 0.9, box: [0, 0, 1, 1] as const };
    const rows = sourceRatios({ ...silent, objects: [object] }, 0.9);
    expect(rows.reduce((sum, row) => sum + row.ratio, 0)).toBeCloseTo(1, 12);
    expect(ratio(silent, 0.1)['visual-search']).toBe(1);
  });
});

describe('blendSources', () => {
  const offers = { 'visual-search': [1, 2, 3, 4, 5, 6], 'annotation-search': [2, 7, 8, 9], 'object-search': [10] };
  const rows = (visual: number, annotation: number, object: number) => [
    { source: 'visual-search' as const, ratio: visual, reason: '' },
    { source: 'annotation-search' as const, ratio: annotation, reason: '' },
    { source: 'object-search' as const, ratio: object, reason: '' },
  ];

  it('keeps the ratios in every beginning and never repeats', () => {
    const items = blendSources(offers, rows(0.5, 0.5, 0), 6, (pin) => pin);
    expect(items.map((item) => item.pinIndex)).toEqual([1, 2, 3, 7, 4, 8]);
    expect(items[1].source).toBe('annotation-search');
  });

  it('passes a dry source’s places on, and asks silent ones nothing', () => {
    const items = blendSources(offers, rows(0.2, 0, 0.8), 4, (pin) => pin);
    expect(items.map((item) => item.pinIndex)).toEqual([10, 1, 2, 3]);
  });

  it('shows one of each near-duplicate group', () => {
    const items = blendSources(offers, rows(1, 0, 0), 9, (pin) => Math.ceil(pin / 2));
    expect(items.map((item) => item.pinIndex)).toEqual([1, 3, 5]);
  });
});

describe('understand', () => {
  const columns = smallColumns(
    Array.from({ length: 10 }, (_, i) => ({ annotations: { [i < 5 ? 'sofa' : 'lamp']: 1 }, categories: { art: 1 } })),
  );
  const inputs = (distance: number) => ({
    results: Array.from({ length: 10 }, (_, pinIndex) => ({ pinIndex, distance: distance + pinIndex, score: 0 })),
    terms: [{ term: 'sofa', weight: 0.4 }],
    objects: [],
    colours: [],
    picture: silent.picture,
    words: [],
    columns,
    sameDistance: 3,
  });

  it('trusts a term by the share of results that carry it', () => {
    const understood = understand(inputs(20));
    expect(understood.annotations).toEqual([{ term: 'sofa', weight: 0.4, confidence: 0.5 }]);
    expect(understood.category).toEqual({ name: 'art', confidence: 1 });
    expect(understood.knownPin).toBeNull();
  });

  it('borrows the metadata of the same picture', () => {
    const understood = understand(inputs(2));
    expect(understood.knownPin).toBe(0);
    expect(understood.annotations).toEqual([{ term: 'sofa', weight: 1, confidence: 1 }]);
  });
});
