import { describe, expect, it } from 'vitest';
import { hamming } from '../../src/math/bits.ts';
import { buildFeatureRows, columnsOf, FEATURE_COLUMNS, VISUAL_WEIGHT_COLUMNS } from '../../src/ranker/scoring/feature-table.ts';
import { plainDistance, similaritiesTo } from '../../src/ranker/scoring/code-similarity.ts';
import { linearRanker } from '../../src/ranker/scoring/linear-model.ts';
import { asRetrieved, shuffled } from '../../src/ranker/measures/baselines.ts';
import { FEATURE_SETS } from '../../src/ranker/scoring/ranking-feature.ts';
import { summarizeHistory } from '../../src/ranker/scoring/user-history.ts';
import { madeUpRequest } from './inputs.ts';

const request = madeUpRequest(40, 128);
const rows = buildFeatureRows(request);
const valueOf = (row: number, name: string): number => rows.data[row * rows.columns + FEATURE_COLUMNS.indexOf(name)];

describe('feature table', () => {
  it('has every column once, each in one set, 32 crosses', () => {
    expect(new Set(FEATURE_COLUMNS).size).toBe(FEATURE_COLUMNS.length);
    expect(columnsOf(FEATURE_SETS)).toEqual(FEATURE_COLUMNS);
    expect(columnsOf(['cross'])).toHaveLength(32);
    expect(VISUAL_WEIGHT_COLUMNS.size).toBe(34);
    expect(VISUAL_WEIGHT_COLUMNS.has('has-fc6')).toBe(false);
  });

  it('equals the formulas, candidate by candidate', () => {
    const { candidates, visual, pins, query } = request;
    for (let row = 0; row < candidates.count; row++) {
      const pin = candidates.pinIndexes[row];
      const image = visual?.image;
      const has = image?.has[pin] === 1;
      const code = image?.codes.slice(pin * image.words, (pin + 1) * image.words) ?? new Uint32Array(4);
      const fc6 = has ? Math.fround(1 - hamming(query.code ?? code, code) / 128) : 0;
      expect(valueOf(row, 'fc6-similarity')).toBe(fc6);
      expect(valueOf(row, 'has-fc6')).toBe(has ? 1 : 0);
      expect(valueOf(row, 'dominant fashion x fc6')).toBe(fc6);
      expect(valueOf(row, 'dominant home x fc6')).toBe(0);
      expect(valueOf(row, 'same-object-class')).toBe(pin % 2);
      expect(valueOf(row, 'log-saves')).toBe(Math.fround(Math.log1p(pins.saves[pin])));
      const proposed = candidates.sourceScores[row * 2];
      expect(valueOf(row, 'cooccurrence-score')).toBe(Number.isNaN(proposed) ? 0 : proposed);
      expect(valueOf(row, 'from-board-cooccurrence')).toBe(Number.isNaN(proposed) ? 0 : 1);
      const crossed = FEATURE_COLUMNS.filter((name) => name.startsWith('fc6 x ') && valueOf(row, name) !== 0);
      expect(crossed.length).toBe(fc6 === 0 ? 0 : pins.categories.length[0]);
    }
  });

  it('a cosine of a pin with itself is 1', () => {
    const itself = {
      ...request,
      candidates: { ...request.candidates, pinIndexes: request.candidates.pinIndexes.map(() => 0) },
    };
    const same = buildFeatureRows(itself);
    const at = FEATURE_COLUMNS.indexOf('category-cosine');
    expect(same.data[at]).toBeCloseTo(1, 6);
    expect(same.data[FEATURE_COLUMNS.indexOf('near-duplicate')]).toBe(1);
  });

  it('is finite everywhere, also when everything is missing', () => {
    expect(rows.data.every(Number.isFinite)).toBe(true);
    const query = { pinIndex: -1, code: null, classScores: null, dominantObject: null };
    const bare = buildFeatureRows({ ...request, query, visual: null, user: null, engagement: null });
    expect(bare.data.every(Number.isFinite)).toBe(true);
    expect(bare.data[FEATURE_COLUMNS.indexOf('fc6-similarity')]).toBe(0);
  });

  it('a history of one pin looks like that pin', () => {
    const user = summarizeHistory({ pinIndexes: [5], weights: [2] }, request.pins, request.visual);
    expect(user.code).toEqual(request.visual?.image.codes.slice(5 * 4, 6 * 4));
    expect(user.categories.reduce((sum, weight) => sum + weight * weight, 0)).toBeCloseTo(1, 6);
  });

  it('1,000 candidates with 4,096 bits and every side present take a millisecond or two', () => {
    const large = madeUpRequest(1000, 4096);
    for (let warm = 0; warm < 200; warm++) buildFeatureRows(large);
    const times = Array.from({ length: 200 }, () => {
      const startedAt = performance.now();
      buildFeatureRows(large);
      return performance.now() - startedAt;
    }).sort((a, b) => a - b);
    if (process.env.RELATED_PINS_SHOW_TIMES) console.log('feature rows, ms', times[0], times[100]);
    expect(times[0]).toBeLessThan(5);
  });
});

describe('rankers', () => {
  const features = FEATURE_COLUMNS.map((name, at) => ({
    name,
    weight: Math.sin(at + 1),
    normalization:
      at % 4 === 0
        ? ({ kind: 'standard', mean: 0.1, deviation: 0.3 } as const)
        : at % 4 === 1
          ? ({ kind: 'min-max', min: 0.1, max: 0.7 } as const)
          : at % 4 === 2
            ? ({ kind: 'log1p' } as const)
            : ({ kind: 'query-min-max' } as const),
  }));
  const inputs = { rows, candidates: request.candidates, visualWeightFactor: 5 };

  it.each([linearRanker('m', features), asRetrieved, shuffled(3)])('$name: the terms add up to the score, to the bit', async (ranker) => {
    const scores = await ranker.score(inputs);
    for (let row = 0; row < rows.rows; row++) {
      let sum = 0;
      for (const { contribution } of await ranker.explain(inputs, row)) sum += contribution;
      expect(sum).toBe(scores[row]);
    }
  });

  it('as-retrieved keeps the order of retrieval', async () => {
    const scores = [...(await asRetrieved.score(inputs))].filter((score) => score > 0);
    expect([...scores].sort((a, b) => b - a)).toEqual(scores);
  });

  it('the visual weight factor multiplies fc6, fc8 and crosses, not the indicators', () => {
    const ranker = linearRanker('m', features);
    const plain = ranker.explain({ ...inputs, visualWeightFactor: 1 }, 0);
    ranker.explain(inputs, 0).forEach(({ feature, weight }, at) => {
      const factor = feature === 'fc6-similarity' || feature === 'fc8-similarity' || feature.startsWith('fc6 x ') ? 5 : 1;
      expect(weight).toBe(plain[at].weight * factor);
    });
  });

  it('scores do not depend on the order of candidates', () => {
    const ranker = linearRanker('m', features);
    const scores = ranker.score(inputs);
    const reversed = new Float32Array(rows.data.length);
    for (let row = 0; row < rows.rows; row++)
      reversed.set(rows.data.subarray(row * rows.columns, (row + 1) * rows.columns), (rows.rows - 1 - row) * rows.columns);
    expect([...ranker.score({ ...inputs, rows: { ...rows, data: reversed } })].reverse()).toEqual([...scores]);
  });

  it('a NaN stops loudly, naming the column', () => {
    const broken = { ...rows, data: rows.data.slice() };
    broken.data[FEATURE_COLUMNS.indexOf('freshness')] = Number.NaN;
    expect(() => linearRanker('m', features).score({ ...inputs, rows: broken })).toThrow('the score of row 0 is NaN (freshness)');
  });

  it('refuses rows that lack a column of the model', () => {
    const other = linearRanker('m', [{ name: 'moon', weight: 1, normalization: { kind: 'none' } }]);
    expect(() => other.score(inputs)).toThrow('no column "moon"');
  });
});

describe('code similarity', () => {
  it.each([32, 128, 1000, 1024, 4096, 8192])('with %i bits the fast twin equals the plain one', (bits) => {
    const { visual, candidates, query } = madeUpRequest(50, bits);
    if (!visual || !query.code) throw new Error('made up without a code');
    const { image } = visual;
    const found = new Float32Array(50);
    similaritiesTo(query.code, image, candidates.pinIndexes, found);
    found.forEach((similarity, i) => {
      const pin = candidates.pinIndexes[i];
      const distance = plainDistance(query.code ?? image.codes, image.codes, pin * image.words);
      expect(similarity).toBe(image.has[pin] ? Math.fround(1 - distance / bits) : Number.NaN);
    });
  });
});
