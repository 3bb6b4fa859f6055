import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/math/random.ts';
import { denseDesign, sparseDesign } from '../../src/ranker/training/design-matrix.ts';
import { pairwiseObjective, preferencePairs } from './preference-pairs.ts';
import { addedLoss, type LossAt, PairLoss } from '../../src/ranker/training/pair-loss.ts';
import { countPairs, type PairWeights, preferenceLists, PreferenceSums } from '../../src/ranker/training/preference-sums.ts';
import { trainRankSvm } from '../../src/ranker/training/rank-svm.ts';

function generated(seed: number, lists: number, length: number, columns: number) {
  const random = seededRandom(seed);
  const truth = Array.from({ length: columns }, () => random.normal());
  const rows = Float64Array.from({ length: lists * length * columns }, () => random.normal());
  const grades = Array.from({ length: lists * length }, (_, row) => {
    let utility = random.normal();
    for (let c = 0; c < columns; c++) utility += rows[row * columns + c] * truth[c];
    return Math.max(0, Math.min(4, Math.round(utility + 1)));
  });
  return {
    rows,
    grades,
    lists: preferenceLists(
      grades,
      Array.from({ length: lists }, () => length),
    ),
    truth,
  };
}

/** Minimizes by moving one weight after the other to where a ternary search finds the least: slow, and nothing in it is clever. */
function coordinateDescent(objective: (w: Float64Array) => number, signs: Int8Array): Float64Array {
  const w = new Float64Array(signs.length);
  const at = (c: number, value: number): number => objective(w.map((old, other) => (other === c ? value : old)));
  for (let round = 0; round < 60; round++) {
    for (let c = 0; c < w.length; c++) {
      let [low, high] = [signs[c] > 0 ? 0 : -20, signs[c] < 0 ? 0 : 20];
      for (let step = 0; step < 50; step++) {
        const [left, right] = [low + (high - low) / 3, high - (high - low) / 3];
        if (at(c, left) <= at(c, right)) high = right;
        else low = left;
      }
      const found = (low + high) / 2;
      w[c] = signs[c] !== 0 && at(c, 0) <= at(c, found) ? 0 : found;
    }
  }
  return w;
}

describe('preference sums', () => {
  it('equal the enumeration of pairs, weighted or not', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.double({ min: -2, max: 2, noNaN: true })), {
            minLength: 1,
            maxLength: 9,
          }),
          { minLength: 1, maxLength: 5 },
        ),
        fc.boolean(),
        fc.integer(),
        (given, weighted, seed) => {
          const flat = given.flat();
          const lists = preferenceLists(
            flat.map(([grade]) => grade),
            given.map((list) => list.length),
          );
          const scores = Float64Array.from(flat, ([, score]) => score);
          const random = seededRandom(seed);
          const draw = (count: number): Float64Array => Float64Array.from({ length: count }, () => 0.5 + random.next());
          const weights: PairWeights = weighted
            ? {
                better: draw(flat.length),
                worse: draw(flat.length),
                list: draw(given.length),
                grades: draw(lists.levelCount ** 2),
              }
            : {};
          const u = draw(flat.length);
          const sums = new PreferenceSums(lists, weights);
          sums.freeze(scores);
          const better = new Float64Array(flat.length);
          const worse = new Float64Array(flat.length);
          sums.better(u, better);
          sums.worse(u, worse);
          const expectedBetter = new Float64Array(flat.length);
          const expectedWorse = new Float64Array(flat.length);
          let pairs = 0;
          for (const pair of preferencePairs(lists, weights)) {
            pairs++;
            if (!(scores[pair.worse] > scores[pair.better] - 1)) continue;
            expectedBetter[pair.better] += pair.weight * u[pair.worse];
            expectedWorse[pair.worse] += pair.weight * u[pair.better];
          }
          better.forEach((value, row) => expect(value).toBeCloseTo(expectedBetter[row], 9));
          worse.forEach((value, row) => expect(value).toBeCloseTo(expectedWorse[row], 9));
          expect(countPairs(lists)).toBe(pairs);
        },
      ),
      { seed: 3, numRuns: 300 },
    );
  });
});

describe('Rank-SVM', () => {
  it('by hand: one pair in one dimension', () => {
    // x_better - x_worse = 1: f(w) = w^2 / 2 + C (1 - w)^2, so w = 2C / (1 + 2C); C = 1: 2/3, f = 1/3.
    const result = trainRankSvm(denseDesign(Float64Array.from([1, 0]), 1), preferenceLists([1, 0], [2]), {
      c: 1,
      tolerance: 1e-10,
    });
    expect(result.w[0]).toBeCloseTo(2 / 3, 8);
    expect(result.objective).toBeCloseTo(1 / 3, 8);
    expect(result.pairs).toBe(1);
  });

  it('reports the objective that enumeration gives, and no neighbour of w is better', () => {
    const { rows, lists } = generated(1, 12, 9, 5);
    const result = trainRankSvm(denseDesign(rows, 5), lists, { c: 0.1, tolerance: 1e-9 });
    expect(result.converged).toBe(true);
    expect(result.objective).toBeCloseTo(pairwiseObjective(rows, 5, result.w, lists, 0.1), 8);
    for (let c = 0; c < 5; c++) {
      for (const step of [-1e-3, 1e-3]) {
        const moved = Float64Array.from(result.w);
        moved[c] += step;
        expect(pairwiseObjective(rows, 5, moved, lists, 0.1)).toBeGreaterThan(result.objective);
      }
    }
  });

  it('with pair weights it minimizes the weighted objective', () => {
    const { rows, lists } = generated(2, 10, 8, 4);
    const random = seededRandom(9);
    const weights: PairWeights = {
      better: Float64Array.from({ length: 80 }, () => 1 + random.next()),
      list: Float64Array.from({ length: 10 }, () => random.next()),
      grades: Float64Array.from({ length: lists.levelCount ** 2 }, () => 1 + random.next()),
    };
    const result = trainRankSvm(denseDesign(rows, 4), lists, { c: 0.5, tolerance: 1e-9, weights });
    expect(result.objective).toBeCloseTo(pairwiseObjective(rows, 4, result.w, lists, 0.5, weights), 7);
    expect(result.gradientNorm).toBeLessThan(1e-3);
  });

  it('by hand: toward a prior, and held by a sign', () => {
    // f(w) = (w - w0)^2 / 2 + C (1 - w)^2, so w = (w0 + 2C) / (1 + 2C); w0 = 0.4, C = 1: 0.8.
    const rows = denseDesign(Float64Array.from([1, 0]), 1);
    const lists = preferenceLists([1, 0], [2]);
    const drawn = trainRankSvm(rows, lists, { c: 1, tolerance: 1e-10, prior: Float64Array.of(0.4) });
    expect(drawn.w[0]).toBeCloseTo(0.8, 8);
    expect(drawn.held).toEqual([]);
    const held = trainRankSvm(rows, lists, { c: 1, tolerance: 1e-10, signs: Int8Array.of(-1) });
    expect(held).toMatchObject({ converged: true, held: [0] });
    expect(held.w[0]).toBe(0);
  });

  it('toward a prior and under signs it has the minimum of the written-out pairs', () => {
    for (const seed of [11, 12, 13]) {
      const { rows, lists } = generated(seed, 8, 7, 5);
      const random = seededRandom(seed);
      const prior = Float64Array.from({ length: 5 }, () => random.normal());
      const signs = Int8Array.of(1, 1, 0, -1, 1);
      const result = trainRankSvm(denseDesign(rows, 5), lists, { c: 0.05, tolerance: 1e-7, prior, signs });
      const at = (w: Float64Array): number => pairwiseObjective(rows, 5, w, lists, 0.05, {}, prior);
      expect(result.converged).toBe(true);
      expect(result.objective).toBeCloseTo(at(result.w), 8);
      const twin = coordinateDescent(at, signs);
      result.w.forEach((value, c) => {
        expect(value * signs[c], `weight ${c}`).toBeGreaterThanOrEqual(0);
        expect(value, `weight ${c}`).toBeCloseTo(twin[c], 4);
      });
      expect(result.held).toEqual([...twin.keys()].filter((c) => signs[c] !== 0 && twin[c] === 0));
    }
  });

  it('leaves a column that never differs at its prior, and moves little on little', () => {
    const { rows, lists } = generated(6, 20, 10, 3);
    rows.forEach((_, at) => {
      if (at % 3 === 1) rows[at] = 7;
    });
    const prior = Float64Array.of(0.5, -0.25, 0.125);
    const distance = (c: number): number => {
      const { w } = trainRankSvm(denseDesign(rows, 3), lists, { c, tolerance: 1e-9, prior });
      expect(w[1]).toBeCloseTo(-0.25, 12);
      return Math.hypot(...w.map((value, column) => value - prior[column]));
    };
    expect(distance(1e-6)).toBeLessThan(1e-2);
    expect(distance(1)).toBeGreaterThan(distance(1e-6));
  });

  it('recovers the direction that made the grades', () => {
    const { rows, lists, truth } = generated(3, 300, 20, 6);
    const { w } = trainRankSvm(denseDesign(rows, 6), lists, { c: 1 });
    const cosine = w.reduce((sum, value, c) => sum + value * truth[c], 0) / Math.hypot(...w) / Math.hypot(...truth);
    expect(cosine).toBeGreaterThan(0.99);
  });

  it('dense and sparse rows, a scale instead of scaled rows, and a warm start give the same model', () => {
    const { rows, lists } = generated(4, 20, 10, 3);
    const start = Uint32Array.from({ length: 201 }, (_, row) => row * 3);
    const indexes = Uint32Array.from(rows, (_, at) => at % 3);
    const settings = { c: 1, tolerance: 1e-9 };
    const dense = trainRankSvm(denseDesign(rows, 3), lists, settings);
    const sparse = trainRankSvm(sparseDesign(start, indexes, rows, 3), lists, settings);
    const warm = trainRankSvm(denseDesign(rows, 3), lists, { ...settings, warm: dense.w });
    dense.w.forEach((value, c) => {
      expect(sparse.w[c]).toBeCloseTo(value, 8);
      expect(warm.w[c]).toBeCloseTo(value, 8);
    });
    expect(warm.iterations).toBeLessThan(dense.iterations);
    const scale = Float64Array.from([2, 0.5, 1]);
    const scaledRows = rows.map((value, at) => value * scale[at % 3]);
    expect(trainRankSvm(denseDesign(rows, 3, scale), lists, settings).objective).toBeCloseTo(
      trainRankSvm(denseDesign(scaledRows, 3), lists, settings).objective,
      8,
    );
  });

  it('same input, same bits', () => {
    const { rows, lists } = generated(5, 10, 10, 4);
    expect(trainRankSvm(denseDesign(rows, 4), lists, { c: 1 }).w).toEqual(trainRankSvm(denseDesign(rows, 4), lists, { c: 1 }).w);
  });

  it('refuses lists without a preference', () => {
    expect(() => trainRankSvm(denseDesign(Float64Array.from([1, 2]), 1), preferenceLists([1, 1], [2]), { c: 1 })).toThrow(
      /nothing to learn from/,
    );
  });
});

describe('the pair loss of parts', () => {
  it('adds up to that of all lists: loss, gradient and curvature, weighted or not, dense or sparse', () => {
    const columns = 4;
    const { rows, grades } = generated(14, 9, 7, columns);
    rows.forEach((_, at) => {
      if (at % 3 === 1) rows[at] = 0;
    });
    const random = seededRandom(15);
    const scale = Float64Array.of(2, 0.5, 1, 3);
    const better = Float64Array.from(grades, () => 1 + random.next());
    const w = Float64Array.from({ length: columns }, () => 0.3 * random.normal());
    const v = Float64Array.from({ length: columns }, () => random.normal());
    const part = (from: number, to: number): PairLoss => {
      const lists = preferenceLists(
        grades.slice(from * 7, to * 7),
        Array.from({ length: to - from }, () => 7),
      );
      const design = denseDesign(rows.slice(from * 7 * columns, to * 7 * columns), columns, scale);
      return new PairLoss(design, lists, { better: better.slice(from * 7, to * 7) });
    };
    const whole = part(0, 9).at(w);
    const sum = addedLoss([part(0, 2), part(2, 3), part(3, 9)].map((loss) => loss.sumsAt(w)));
    expect(whole.value).toBeGreaterThan(1);
    expect(sum.value).toBeCloseTo(whole.value, 9);
    const times = (loss: LossAt): Float64Array => {
      const out = new Float64Array(columns);
      loss.curvatureTimes(v, out);
      return out;
    };
    whole.gradient().forEach((value, c) => expect(sum.gradient()[c]).toBeCloseTo(value, 9));
    const [here, added] = [times(whole), times(sum)];
    here.forEach((value, c) => expect(added[c]).toBeCloseTo(value, 9));
    const start = Uint32Array.from({ length: 64 }, (_, row) => row * columns);
    const sparse = sparseDesign(
      start,
      Uint32Array.from(rows, (_, at) => at % columns),
      rows,
      columns,
      scale,
    );
    const lists = preferenceLists(
      grades,
      Array.from({ length: 9 }, () => 7),
    );
    const { curvature } = new PairLoss(sparse, lists, { better }).sumsAt(w);
    curvature.forEach((value, at) => expect(value).toBeCloseTo(part(0, 9).sumsAt(w).curvature[at], 9));
    expect(() => addedLoss([])).toThrow('one or more');
  });
});
