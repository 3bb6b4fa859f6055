import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/catalog/database.ts';
import { zeroMatrix } from '../../src/math/matrix.ts';
import { DarkReadStore } from '../../src/ranker/registry/dark-read-store.ts';
import { type DarkRead, overlapAt, summarizeDarkReads, topItems } from '../../src/ranker/registry/dark-reads.ts';
import type { Ranker } from '../../src/ranker/scoring/ranker.ts';
import { DarkReading, modelReader } from '../../src/service/dark-reading.ts';
import { plainOptions } from '../../src/lists/serve-list.ts';
import type { RankedList } from '../../src/lists/ranked-list.ts';

const WAIT = { timeout: 30_000, interval: 20 };

/** Scores that are the row's number times `sign`. */
const byRow = (name: string, sign: number): Ranker => ({
  name,
  netDigest: null,
  score: ({ candidates }) => Float64Array.from({ length: candidates.count }, (_, row) => sign * row),
  explain: () => [],
});

function listOf(id: string, count: number, forced = false): RankedList {
  const candidates = {
    count,
    pinIndexes: Int32Array.from({ length: count }, (_, row) => 100 + row),
    sourceNames: [],
    sourceScores: new Float32Array(0),
  };
  const ranker = byRow('serving', -1);
  const inputs = { rows: zeroMatrix(count, ['log-saves']), candidates, visualWeightFactor: 1 };
  return {
    surface: 'closeup',
    queryPinIndex: 7,
    options: { ...plainOptions({ recommendationId: id, now: 1000 }), forced },
    ranker,
    candidates,
    scores: ranker.score(inputs) as Float64Array,
    page: new Int32Array(0),
    unserved: new Int32Array(0),
    rows: zeroMatrix(0, []),
    inputs,
    placings: null,
    terms: null,
    firstPosition: 1,
    propensities: new Float32Array(0),
    shuffled: false,
    nextCursor: null,
    degraded: [],
    missing: [],
    timings: { candidatesMs: 0, rowsMs: 0, scoresMs: 2, orderMs: 0 },
  };
}

const readingOf = (ranker: Ranker | null, share = 1, store = new DarkReadStore(openDatabase(':memory:'))): DarkReading =>
  new DarkReading(
    () => modelReader(ranker && { ranker, share }),
    () => store,
  );

describe('dark reading', () => {
  it('scores behind the reply what was served, and keeps both orders', async () => {
    const reading = readingOf(byRow('dark', 1));
    reading.take(listOf('r1', 40));
    expect(reading.counts.read).toBe(0);
    await expect.poll(() => reading.lastReads(10).reads.length, WAIT).toBe(1);
    const { model, reads } = reading.lastReads(10);
    expect(model).toBe('dark');
    expect(reads[0]).toMatchObject({
      recommendationId: 'r1',
      at: 1000,
      surface: 'closeup',
      queryPinIndex: 7,
      servingModel: 'serving',
      candidates: 40,
      kendallTau: -1,
      servingMs: 2,
      problem: null,
    });
    expect([...reads[0].serving.pinIndexes.slice(0, 3)]).toEqual([100, 101, 102]);
    expect([...reads[0].dark.pinIndexes.slice(0, 3)]).toEqual([139, 138, 137]);
    expect([...reads[0].dark.scores.slice(0, 2)]).toEqual([39, 38]);
    await reading.close();
  });

  it('reads its share of lists, always the same ones, and nothing without a model', () => {
    const reading = readingOf(byRow('dark', 1), 0.3);
    const wanted = Array.from({ length: 3000 }, (_, i) => reading.wants(`r${i}`));
    expect(wanted.filter(Boolean).length / 3000).toBeCloseTo(0.3, 1);
    expect(Array.from({ length: 3000 }, (_, i) => reading.wants(`r${i}`))).toEqual(wanted);
    expect(readingOf(null).wants('r1')).toBe(false);
  });

  it('leaves out what the caller forced, and what comes while too much waits', async () => {
    const reading = readingOf(byRow('dark', 1));
    reading.take(listOf('forced', 5, true));
    for (let i = 0; i < 50; i++) reading.take(listOf(`r${i}`, 5));
    await expect.poll(() => reading.counts.read + reading.counts.leftOut, WAIT).toBe(50);
    expect(reading.counts.leftOut).toBeGreaterThan(0);
    expect(reading.counts.failed).toBe(0);
    await reading.close();
  });

  it('keeps why a model could not score, and goes on', async () => {
    const broken: Ranker = {
      ...byRow('dark', 1),
      score: () => Promise.reject(new RangeError('the score of row 3 is NaN')),
    };
    const reading = readingOf(broken);
    reading.take(listOf('r1', 5));
    reading.take(listOf('r2', 5));
    await expect.poll(() => reading.lastReads(10).reads.length, WAIT).toBe(2);
    expect(reading.counts).toEqual({ read: 0, leftOut: 0, failed: 2 });
    expect(summarizeDarkReads(reading.lastReads(10).reads)).toMatchObject({
      reads: 0,
      problems: { 'the score of row 3 is NaN': 2 },
      kendallTau: null,
    });
    await reading.close();
  });
});

describe('dark reads', () => {
  const read = (recommendationId: string, serving: number[], dark: number[]): DarkRead => ({
    recommendationId,
    at: 1,
    surface: 'closeup',
    queryPinIndex: 1,
    servingModel: 'a',
    darkModel: 'b',
    candidates: 4,
    servingMs: 1,
    darkMs: 3,
    kendallTau: 0.5,
    problem: null,
    serving: { pinIndexes: Int32Array.from(serving), scores: Float64Array.from(serving, (_, at) => -at) },
    dark: { pinIndexes: Int32Array.from(dark), scores: Float64Array.from(dark, (_, at) => 10 - at) },
  });

  it('say how lists would differ', () => {
    const report = summarizeDarkReads([read('1', [1, 2, 3], [1, 3, 2]), read('2', [1, 2, 3], [4, 5, 1])]);
    expect(report).toMatchObject({ reads: 2, firstDiffersShare: 0.5, overlap: { '1': 0.5, '3': (1 + 1 / 3) / 2 } });
    expect(report.scores.dark).toMatchObject({ count: 6, mean: 9 });
    expect(report.latencyMs.dark?.p50).toBe(3);
    expect(report.bySurface.closeup.reads).toBe(2);
    expect(overlapAt(Int32Array.of(1, 2), Int32Array.of(2, 1), 10)).toBe(1);
    expect([...topItems([1, 3, 3], [9, 8, 7]).pinIndexes]).toEqual([7, 8, 9]);
  });

  it('are kept up to a number, the oldest going first', async () => {
    const store = new DarkReadStore(openDatabase(':memory:'), 300);
    await Promise.all(Array.from({ length: 1000 }, (_, i) => store.add(read(`r${i}`, [i], [i]))));
    const kept = store.reads();
    expect(kept).toHaveLength(300);
    expect(kept[299]).toEqual(read('r999', [999], [999]));
    expect(store.reads({ model: 'b', last: 2 }).map(({ recommendationId }) => recommendationId)).toEqual(['r998', 'r999']);
    expect(store.reads({ model: 'other' })).toEqual([]);
    expect(store.lastModel()).toBe('b');
    store.close();
  });
});
