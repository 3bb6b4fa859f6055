import type { BoardPins } from './board-pins.ts';
import { TopKHeap } from '../../math/top-k.ts';

/** How often two pins share a board, turned into a weight w_ij of the list of i. Formulas at `cooccurrenceRows`. */
export const METHODS = ['count', 'cosine', 'jaccard', 'p3alpha', 'rp3beta'] as const;
type Method = (typeof METHODS)[number];

export interface CooccurrenceOptions {
  readonly method: Method;
  /** Pins kept per list (K). */
  readonly neighbors: number;
  /** Exponent of the transition probabilities of P3alpha and RP3beta. */
  readonly alpha: number;
  /** Exponent of the popularity that RP3beta divides by. */
  readonly beta: number;
  /** Added to the divisor of cosine and Jaccard: lists of pins with few boards shrink towards 0. */
  readonly shrink: number;
  /** `tfidf`: a board weighs log(pins / (1 + |b|)); for count, cosine and Jaccard. */
  readonly weighting: 'none' | 'tfidf';
  /** `log`: a shared board counts 1 / log(1 + |b|). */
  readonly damping: 'none' | 'log';
  /** Boards of more pins than this say nothing and are left out of every sum; 0: no cap. */
  readonly boardCap: number;
}

/** The settings that won on held-out saves of citeulike-a; `docs/DECISIONS.md` says how they were chosen. */
export const DEFAULT_COOCCURRENCE: CooccurrenceOptions = {
  method: 'rp3beta',
  neighbors: 1000,
  alpha: 0.7,
  beta: 0.35,
  shrink: 0,
  weighting: 'none',
  damping: 'none',
  boardCap: 0,
};

/** Lists of rows `first .. first + rows`: row r at `start[r] .. start[r + 1]`, best first, equal scores by ascending pin. */
export interface NeighborLists {
  readonly first: number;
  readonly rows: number;
  readonly start: Uint32Array;
  readonly pinIndexes: Int32Array;
  readonly scores: Float32Array;
}

/**
 * The co-occurrence lists of pins `from .. to`: for each, the pins that share boards with it, weighted, best K.
 *
 *   n_i      boards of pin i               |b|  pins of board b
 *   c_ij     sum over shared b of d_b, with d_b = 1, or 1 / log(1 + |b|), or 0 beyond the cap
 *   count    c_ij
 *   cosine   c_ij / (sqrt(n_i n_j) + shrink)
 *   jaccard  c_ij / (n_i + n_j - c_ij + shrink)
 *   p3alpha  sum over shared b of (1 / n_i)^alpha (1 / |b|)^alpha d_b
 *   rp3beta  p3alpha / n_j^beta
 *
 * With TF-IDF the entry of a board is t_b = log(pins / (1 + |b|)) instead of 1: c_ij sums d_b t_b^2, n_i becomes the sum
 * of t_b^2 over the boards of i.
 *
 * Given    table, options; 0 <= from <= to <= table.pins
 * Returns  lists of rows `from .. to` with scores above 0; a pin is never in its own list
 * Memory   one accumulator of `table.pins` entries and the lists
 * Sums run over boards in ascending order, so every implementation gives the same bits.
 * Choice: n_i counts all boards, also damped and capped ones, as the formulas above say; a worked number: pins on the
 * same two boards of 9 and 99 pins have count 2, under log damping 1/log(10) + 1/log(100) = 0.651.
 * Source   P3alpha: Cooper et al., WWW 2014; RP3beta: Paudel et al., TiiS 2016; the rest is textbook.
 */
export function cooccurrenceRows(table: BoardPins, options: CooccurrenceOptions, from = 0, to = table.pins): NeighborLists {
  return new RowCounter(table, options).rows(from, to);
}

/**
 * Counts one row at a time into one accumulator; `rows` may be called block by block. This is the clear version, and the
 * plain twin of FastRowCounter, which gives the same bits.
 */
class RowCounter {
  private readonly table: BoardPins;
  private readonly neighbors: number;
  private readonly weights: Float64Array | null;
  private readonly weigh: Weigh;
  private readonly sums: Float64Array;
  private readonly touched: Uint32Array;

  constructor(table: BoardPins, options: CooccurrenceOptions) {
    this.table = table;
    this.neighbors = options.neighbors;
    this.weights = boardWeights(table, options);
    this.weigh = weigher(options, normsOf(table, options));
    this.sums = new Float64Array(table.pins);
    this.touched = new Uint32Array(table.pins);
  }

  rows(from: number, to: number): NeighborLists {
    const lists = new ListWriter(from, to, this.neighbors);
    for (let i = from; i < to; i++) {
      const count = this.add(i);
      this.sums[i] = 0;
      for (let t = 0; t < count; t++) {
        const j = this.touched[t];
        const score = this.sums[j] > 0 ? this.weigh(i, j, this.sums[j]) : 0;
        if (score > 0) lists.heap.offer(j, score);
        this.sums[j] = 0;
      }
      lists.endRow(i);
    }
    return lists.finish();
  }

  /** Sums row i; returns how many pins were touched. */
  private add(i: number): number {
    const { boardStart, boardPins, pinStart, pinBoards } = this.table;
    const { sums, touched, weights } = this;
    let found = 0;
    for (let at = pinStart[i]; at < pinStart[i + 1]; at++) {
      const board = pinBoards[at];
      const weight = weights ? weights[board] : 1;
      if (weight === 0) continue;
      for (let p = boardStart[board]; p < boardStart[board + 1]; p++) {
        const j = boardPins[p];
        if (sums[j] === 0) touched[found++] = j;
        sums[j] += weight;
      }
    }
    return found;
  }
}

/** What a shared board adds to the sum of a pair; null when every board adds 1 (whole numbers then). */
export function boardWeights(table: BoardPins, options: CooccurrenceOptions): Float64Array | null {
  const plain = !isWalk(options) && options.weighting === 'none' && options.damping === 'none' && options.boardCap === 0;
  if (plain) return null;
  const weights = new Float64Array(table.boards);
  for (let b = 0; b < table.boards; b++) weights[b] = boardWeight(options, table.boardStart[b + 1] - table.boardStart[b], table.pins);
  return weights;
}

function isWalk(options: CooccurrenceOptions): boolean {
  return options.method === 'p3alpha' || options.method === 'rp3beta';
}

/** d_b times what the method adds for a board of `size` pins. Throws RangeError for TF-IDF with a walk method. */
export function boardWeight(options: CooccurrenceOptions, size: number, pins: number): number {
  if (isWalk(options) && options.weighting === 'tfidf')
    throw new RangeError(`TF-IDF is for count, cosine and jaccard, not ${options.method}`);
  if (size === 0 || (options.boardCap > 0 && size > options.boardCap)) return 0;
  const damping = options.damping === 'log' ? 1 / Math.log(1 + size) : 1;
  return damping * (isWalk(options) ? (1 / size) ** options.alpha : squaredEntry(options, size, pins));
}

/** t_b^2, the square of what a board weighs in the vector of a pin. */
export function squaredEntry(options: CooccurrenceOptions, size: number, pins: number): number {
  return options.weighting === 'tfidf' ? Math.log(pins / (1 + size)) ** 2 : 1;
}

/** n_i of every pin, or the sum of squared TF-IDF entries of its boards. */
export function normsOf(table: BoardPins, options: CooccurrenceOptions): Float64Array<ArrayBuffer> {
  const norms = new Float64Array(table.pins);
  for (let i = 0; i < table.pins; i++) {
    if (options.weighting === 'none') {
      norms[i] = table.pinStart[i + 1] - table.pinStart[i];
      continue;
    }
    for (let at = table.pinStart[i]; at < table.pinStart[i + 1]; at++) {
      const board = table.pinBoards[at];
      norms[i] += squaredEntry(options, table.boardStart[board + 1] - table.boardStart[board], table.pins);
    }
  }
  return norms;
}

export type Weigh = (i: number, j: number, sum: number) => number;

/** Weight = sum x ofQuery[i] x ofOther[j], up to rounding. */
interface Scale {
  readonly ofQuery: Float64Array;
  readonly ofOther: Float64Array;
}

/** Null where the weight is no such product (Jaccard, cosine with shrink). */
export function scaleOf(options: CooccurrenceOptions, n: Float64Array): Scale | null {
  const { method, alpha, beta, shrink } = options;
  if (method === 'jaccard' || (method === 'cosine' && shrink !== 0)) return null;
  const inverse = (power: number): Float64Array => n.map((boards) => (boards > 0 ? boards ** -power : 0));
  if (method === 'cosine') return { ofQuery: inverse(0.5), ofOther: inverse(0.5) };
  if (method === 'count') return { ofQuery: inverse(0), ofOther: inverse(0) };
  return { ofQuery: inverse(alpha), ofOther: inverse(method === 'rp3beta' ? beta : 0) };
}

/** From a sum over shared boards to the weight w_ij; `ni`, `nj`: boards of each, or sums of squared TF-IDF entries. */
export function pairWeight(options: CooccurrenceOptions, ni: number, nj: number, sum: number): number {
  return weigher(options, Float64Array.of(ni, nj))(0, 1, sum);
}

/** The same for all pairs, with what depends on one pin alone worked out once. */
export function weigher(options: CooccurrenceOptions, n: Float64Array): Weigh {
  const { shrink } = options;
  if (options.method === 'count') return (_i, _j, sum) => sum;
  if (options.method === 'cosine') return (i, j, sum) => sum / (Math.sqrt(n[i] * n[j]) + shrink);
  if (options.method === 'jaccard') return (i, j, sum) => sum / (n[i] + n[j] - sum + shrink);
  const leave = n.map((boards) => (boards > 0 ? (1 / boards) ** options.alpha : 0));
  const popularity = n.map((boards) => (options.method === 'rp3beta' ? boards ** options.beta : 1));
  return (i, j, sum) => (leave[i] * sum) / popularity[j];
}

/** Takes rows from a heap, one after the other, into flat lists: never more than twice what they hold. */
export class ListWriter {
  readonly heap: TopKHeap;
  private readonly first: number;
  private readonly start: Uint32Array;
  private readonly most: number;
  private length = 0;
  private ids: Int32Array;
  private values: Float32Array;

  constructor(from: number, to: number, neighbors: number) {
    this.first = from;
    this.heap = new TopKHeap(neighbors);
    this.start = new Uint32Array(to - from + 1);
    this.most = (to - from) * neighbors;
    this.ids = new Int32Array(Math.min(this.most, 1024));
    this.values = new Float32Array(this.ids.length);
  }

  endRow(row: number): void {
    const { ids, scores } = this.heap.drain();
    if (this.length + ids.length > this.ids.length) this.grow(this.length + ids.length);
    this.ids.set(ids, this.length);
    this.values.set(scores, this.length);
    this.length += ids.length;
    this.start[row - this.first + 1] = this.length;
  }

  finish(): NeighborLists {
    return {
      first: this.first,
      rows: this.start.length - 1,
      start: this.start,
      pinIndexes: this.ids.slice(0, this.length),
      scores: this.values.slice(0, this.length),
    };
  }

  private grow(need: number): void {
    const length = Math.min(this.most, Math.max(need, this.ids.length * 2));
    const ids = new Int32Array(length);
    const values = new Float32Array(length);
    ids.set(this.ids);
    values.set(this.values);
    this.ids = ids;
    this.values = values;
  }
}
