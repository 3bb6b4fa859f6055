import { describe, expect, it } from 'vitest';
import {
  type CooccurrenceOptions,
  cooccurrenceRows,
  DEFAULT_COOCCURRENCE,
  METHODS,
} from '../../src/candidates/cooccurrence/board-cooccurrence.ts';
import { type BoardPins, boardPinsOf } from '../../src/candidates/cooccurrence/board-pins.ts';
import { FastRowCounter } from '../../src/candidates/cooccurrence/fast-row-counter.ts';
import { countedInBlocks } from '../../src/candidates/cooccurrence/cooccurrence-pool.ts';
import { seededRandom } from '../../src/math/random.ts';

type Boards = readonly (readonly number[])[];

export function tableOf(boards: Boards, pins: number): BoardPins {
  const boardOf = boards.flatMap((board, b) => board.map(() => b));
  return boardPinsOf(Uint32Array.from(boardOf), Uint32Array.from(boards.flat()), boards.length, pins);
}

/** A skewed world: a few pins are on many boards. */
export function skewedBoards(seed: number, boards: number, pins: number, most: number): number[][] {
  const random = seededRandom(seed);
  return Array.from({ length: boards }, () => {
    const size = 1 + random.integer(most);
    return Array.from({ length: size }, () => Math.floor(pins * random.next() ** 2));
  });
}

/** The plain twin: all pairs, straight from the formulas. */
function plainWeights(boards: Boards, pins: number, options: CooccurrenceOptions): number[][] {
  const sets = boards.map((board) => new Set(board));
  const n = (i: number): number => sets.filter((set) => set.has(i)).length;
  const entry = (b: number): number => (options.weighting === 'tfidf' ? Math.log(pins / (1 + sets[b].size)) : 1);
  const norm = (i: number): number => sets.reduce((sum, set, b) => sum + (set.has(i) ? entry(b) ** 2 : 0), 0);
  const damp = (b: number): number => {
    if (options.boardCap > 0 && sets[b].size > options.boardCap) return 0;
    return options.damping === 'log' ? 1 / Math.log(1 + sets[b].size) : 1;
  };
  const weight = (i: number, j: number): number => {
    let c = 0;
    let walk = 0;
    sets.forEach((set, b) => {
      if (!set.has(i) || !set.has(j)) return;
      c += damp(b) * entry(b) ** 2;
      walk += damp(b) * (1 / n(i)) ** options.alpha * (1 / set.size) ** options.alpha;
    });
    if (options.method === 'count') return c;
    if (options.method === 'cosine') return c === 0 ? 0 : c / (Math.sqrt(norm(i) * norm(j)) + options.shrink);
    if (options.method === 'jaccard') return c === 0 ? 0 : c / (norm(i) + norm(j) - c + options.shrink);
    return options.method === 'p3alpha' ? walk : walk / n(j) ** options.beta;
  };
  const all = Array.from({ length: pins }, (_, i) => i);
  return all.map((i) => all.map((j) => (i === j ? 0 : weight(i, j))));
}

const base: CooccurrenceOptions = { ...DEFAULT_COOCCURRENCE, neighbors: 40, alpha: 0.7, beta: 0.3 };
const VARIANTS: readonly Partial<CooccurrenceOptions>[] = [
  ...METHODS.map((method) => ({ method })),
  ...METHODS.map((method) => ({ method, damping: 'log' as const })),
  ...METHODS.map((method) => ({ method, boardCap: 8 })),
  ...(['count', 'cosine', 'jaccard'] as const).map((method) => ({ method, weighting: 'tfidf' as const })),
  { method: 'cosine', shrink: 5 },
  { method: 'jaccard', shrink: 3, weighting: 'tfidf', damping: 'log' },
];

describe('co-occurrence', () => {
  it('counts by hand: three pins, two boards', () => {
    const table = tableOf([[0, 1], [0, 1, 2], [2]], 3);
    const list = (options: Partial<CooccurrenceOptions>): [number, number][] => {
      const { start, pinIndexes, scores } = cooccurrenceRows(table, { ...base, ...options });
      return Array.from(pinIndexes.subarray(start[0], start[1]), (pin, p) => [pin, scores[p]]);
    };
    expect(list({ method: 'count' })).toEqual([
      [1, 2],
      [2, 1],
    ]);
    expect(list({ method: 'cosine' })).toEqual([
      [1, 1],
      [2, 0.5],
    ]);
    expect(list({ method: 'jaccard' })).toEqual([
      [1, 1],
      [2, Math.fround(1 / 3)],
    ]);
    expect(list({ method: 'p3alpha', alpha: 1 })).toEqual([
      [1, Math.fround(0.5 * (1 / 2 + 1 / 3))],
      [2, Math.fround(0.5 * (1 / 3))],
    ]);
    expect(list({ method: 'rp3beta', alpha: 1, beta: 1 })[1]).toEqual([2, Math.fround((0.5 * (1 / 3)) / 2)]);
  });

  it.each(VARIANTS.map((variant) => [JSON.stringify(variant), variant] as const))('equals all pairs: %s', (_, variant) => {
    const options = { ...base, ...variant };
    const boards = skewedBoards(3, 60, 40, 14);
    const plain = plainWeights(boards, 40, options);
    const { start, pinIndexes, scores } = cooccurrenceRows(tableOf(boards, 40), options);
    for (let i = 0; i < 40; i++) {
      const wanted = plain[i].map((weight, j) => ({ weight, j })).filter(({ weight }) => weight > 0);
      expect(start[i + 1] - start[i]).toBe(Math.min(wanted.length, options.neighbors));
      for (let p = start[i]; p < start[i + 1]; p++) {
        expect(Math.abs(scores[p] - plain[i][pinIndexes[p]])).toBeLessThan(1e-6 * Math.max(1, scores[p]));
        if (p > start[i]) expect(scores[p] <= scores[p - 1]).toBe(true);
      }
    }
  });

  it.each(VARIANTS.map((variant) => [JSON.stringify(variant), variant] as const))(
    'has the same bits when counted fast: %s',
    (_, variant) => {
      const table = tableOf(skewedBoards(13, 500, 600, 30), 600);
      for (const neighbors of [1, 20, 1000]) {
        const options = { ...base, ...variant, neighbors };
        const [fast, plain] = [new FastRowCounter(table, options).rows(0, 600), cooccurrenceRows(table, options)];
        for (const column of ['start', 'pinIndexes', 'scores'] as const)
          expect(Buffer.from(fast[column].buffer).equals(Buffer.from(plain[column].buffer)), column).toBe(true);
      }
    },
  );

  it('keeps the best K, equal scores by ascending pin', () => {
    const { start, pinIndexes } = cooccurrenceRows(
      tableOf(
        [
          [0, 1, 2, 3, 4],
          [0, 4],
        ],
        5,
      ),
      {
        ...base,
        method: 'count',
        neighbors: 3,
      },
    );
    expect([...pinIndexes.subarray(start[0], start[1])]).toEqual([4, 1, 2]);
  });

  it('counts a pin saved twice to a board once', () => {
    const once = tableOf(
      [
        [0, 1],
        [1, 2],
      ],
      3,
    );
    const twice = tableOf(
      [
        [0, 1, 1, 0],
        [2, 1, 2],
      ],
      3,
    );
    expect(twice.pairs).toBe(4);
    expect(cooccurrenceRows(twice, base)).toEqual(cooccurrenceRows(once, base));
  });

  it('does not depend on the order in which saves arrive', () => {
    const boards = skewedBoards(5, 80, 50, 10);
    const turned = boards.map((board) => [...board].reverse());
    expect(cooccurrenceRows(tableOf(turned, 50), base)).toEqual(cooccurrenceRows(tableOf(boards, 50), base));
  });

  it.each(['count', 'cosine', 'rp3beta'] as const)('gives the same bits on several threads: %s', async (method) => {
    const table = tableOf(skewedBoards(9, 3000, 2000, 30), 2000);
    const options = { ...base, method };
    const whole = cooccurrenceRows(table, options);
    for (const threads of [1, 2, 3]) {
      const ids: number[] = [];
      const scores: number[] = [];
      for await (const block of countedInBlocks(table, options, threads)) {
        ids.push(...block.pinIndexes);
        scores.push(...block.scores);
      }
      expect(ids).toEqual([...whole.pinIndexes]);
      expect(scores).toEqual([...whole.scores]);
    }
  });

  it('counts any range of rows as in the whole', () => {
    const table = tableOf(skewedBoards(11, 200, 100, 12), 100);
    const whole = cooccurrenceRows(table, base);
    const part = cooccurrenceRows(table, base, 30, 60);
    expect([...part.pinIndexes]).toEqual([...whole.pinIndexes.subarray(whole.start[30], whole.start[60])]);
  });

  it('refuses TF-IDF where no formula has it', () => {
    expect(() => cooccurrenceRows(tableOf([[0, 1]], 2), { ...base, weighting: 'tfidf' })).toThrow(RangeError);
  });
});
