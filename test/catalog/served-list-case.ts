import type { ServedList } from '../../src/catalog/log/served-list.ts';

interface Case extends Partial<Omit<ServedList, 'items'>> {
  readonly rows?: readonly (readonly number[])[];
  readonly pins?: readonly number[];
}

/** A small served list; unnamed parts are the same every time. */
export function servedList({ rows = [[1, 0, 2]], pins, ...head }: Case = {}): ServedList {
  const count = pins?.length ?? rows.length;
  const names = ['first', 'second', 'third'];
  const data = new Float32Array(count * names.length);
  rows.forEach((row, r) => data.set(row, r * names.length));
  return {
    recommendationId: 'r1',
    at: 1000,
    surface: 'closeup',
    queryPinIndex: 7,
    userId: null,
    arm: null,
    modelVersion: 'as-retrieved',
    treatment: '{}',
    forced: false,
    shuffled: false,
    latencyMs: 1.25,
    degraded: [],
    ...head,
    items: {
      count,
      pinIndexes: Int32Array.from(pins ?? rows.map((_, r) => 10 + r)),
      positions: Uint16Array.from({ length: count }, (_, r) => r + 1),
      scores: Float64Array.from({ length: count }, (_, r) => 1 / (r + 1)),
      propensities: new Float32Array(count).fill(1),
      retrievedRanks: Int32Array.from({ length: count }, (_, r) => r),
      sourceNames: ['boards', 'images'],
      sourceScores: new Float32Array(2 * count).fill(Number.NaN).fill(0.5, 0, count),
      rows: { rows: count, columns: names.length, names, data },
    },
  };
}
