import { TopKHeap } from '../../math/top-k.ts';
import { boardWeight, type CooccurrenceOptions, pairWeight, squaredEntry } from './board-cooccurrence.ts';
import type { ScoredPins } from '../candidate.ts';

/** Who is on which board now; ascending, each once. */
interface Memberships {
  boardsOf(pinIndex: number): ArrayLike<number>;
  pinsOf(boardIndex: number): ArrayLike<number>;
}

/** A pin that came onto a board, or left it, after the lists were counted. */
interface NewMembership {
  readonly pinIndex: number;
  readonly boardIndex: number;
}

/** Pins visited for one list while somebody waits; longer rows are left to `recountSome`. */
export const WORK_WHILE_WAITING = 20_000;
const ROWS_KEPT = 20_000;

/**
 * Lists that new saves have changed, counted again when they are asked for, until the next build takes over.
 *
 * A new membership (i, b) touches the rows of all pins on b: each now shares one more board with i. One that is gone touches i as well. Their rows are counted
 * from the boards as they are now, by the formulas and in the order of `cooccurrenceRows`, so they have its bits.
 * Choice: rows that hold i but share no board b with it keep the n_i of the build, and TF-IDF keeps the norms of pins
 * that got no save: both shift weights slightly, bring no pin in or out, and the next build settles them.
 */
export class FreshCooccurrence {
  private readonly memberships: Memberships;
  private readonly options: CooccurrenceOptions;
  private readonly builtNorms: Float64Array;
  private readonly newNorms = new Map<number, number>();
  private readonly touched = new Set<number>();
  private readonly rows = new Map<number, ScoredPins>();
  private readonly boards = new Map<number, ArrayLike<number>>();
  private readonly postponed = new Set<number>();
  private readonly workMax: number;
  private allowance: number;

  /**
   * `norms[i]` is n_i at the build (or the sum of squared TF-IDF entries), for the pins there were then. `workMax`: pins
   * visited for all lists between two calls of `recountSome`, because a home feed asks for a hundred rows at once.
   */
  constructor(memberships: Memberships, options: CooccurrenceOptions, norms: Float64Array, workMax = Number.POSITIVE_INFINITY) {
    this.workMax = this.allowance = workMax;
    this.memberships = memberships;
    this.options = options;
    this.builtNorms = norms;
  }

  /** Rows that differ from the build. */
  get touchedRows(): number {
    return this.touched.size;
  }

  /** Each board and each pin is read once, however many of its saves are new: an import brings a board's all together. */
  note(added: Iterable<NewMembership>): void {
    const boards = new Set<number>();
    const pins = new Set<number>();
    for (const { pinIndex, boardIndex } of added) {
      boards.add(boardIndex);
      pins.add(pinIndex);
    }
    for (const boardIndex of boards) this.boards.delete(boardIndex);
    for (const pinIndex of pins) this.newNorms.set(pinIndex, this.norm(this.memberships.boardsOf(pinIndex)));
    for (const boardIndex of boards) this.touch(this.pinsOf(boardIndex));
    this.touch([...pins]);
  }

  private touch(pins: ArrayLike<number>): void {
    for (let at = 0; at < pins.length; at++) {
      this.touched.add(pins[at]);
      this.rows.delete(pins[at]);
    }
  }

  /** The row as it is now; null when the build still says it all, or when counting it would keep somebody waiting. */
  read(pinIndex: number): ScoredPins | null {
    if (!this.touched.has(pinIndex)) return null;
    const known = this.rows.get(pinIndex);
    if (known) return known;
    const work = this.workOf(pinIndex);
    if (work <= Math.min(WORK_WHILE_WAITING, this.allowance)) {
      this.allowance -= work;
      return this.recount(pinIndex);
    }
    this.postponed.add(pinIndex);
    return null;
  }

  /** Rows that were asked for and are answered by the build until `recountSome` has come to them. */
  get postponedRows(): number {
    return this.postponed.size;
  }

  /** Counts rows that were too long to wait for, at most for `budgetMs`. Returns how many are left. */
  recountSome(budgetMs: number): number {
    const until = performance.now() + budgetMs;
    this.allowance = this.workMax;
    for (const pinIndex of this.postponed) {
      if (performance.now() >= until) break;
      this.postponed.delete(pinIndex);
      this.recount(pinIndex);
    }
    return this.postponed.size;
  }

  private recount(pinIndex: number): ScoredPins {
    const row = this.count(pinIndex);
    if (this.rows.size >= ROWS_KEPT) this.rows.delete(this.rows.keys().next().value as number);
    this.rows.set(pinIndex, row);
    return row;
  }

  private count(i: number): ScoredPins {
    const sums = new Map<number, number>();
    const boards = this.memberships.boardsOf(i);
    for (let at = 0; at < boards.length; at++) {
      const pins = this.pinsOf(boards[at]);
      const weight = boardWeight(this.options, pins.length, this.builtNorms.length);
      if (weight === 0) continue;
      for (let p = 0; p < pins.length; p++) sums.set(pins[p], (sums.get(pins[p]) ?? 0) + weight);
    }
    sums.delete(i);
    return this.best(i, sums);
  }

  private best(i: number, sums: ReadonlyMap<number, number>): ScoredPins {
    const heap = new TopKHeap(this.options.neighbors);
    const norm = this.normOf(i);
    for (const [j, sum] of sums) {
      const score = pairWeight(this.options, norm, this.normOf(j), sum);
      if (score > 0) heap.offer(j, score);
    }
    const { ids, scores } = heap.drain();
    return { pinIndexes: ids, scores: Float32Array.from(scores) };
  }

  private workOf(pinIndex: number): number {
    const boards = this.memberships.boardsOf(pinIndex);
    let work = 0;
    for (let at = 0; at < boards.length; at++) work += this.pinsOf(boards[at]).length;
    return work;
  }

  private pinsOf(boardIndex: number): ArrayLike<number> {
    const known = this.boards.get(boardIndex);
    if (known) return known;
    const pins = this.memberships.pinsOf(boardIndex);
    if (this.boards.size >= ROWS_KEPT) this.boards.delete(this.boards.keys().next().value as number);
    this.boards.set(boardIndex, pins);
    return pins;
  }

  private normOf(pinIndex: number): number {
    const known = this.newNorms.get(pinIndex);
    if (known !== undefined) return known;
    if (pinIndex < this.builtNorms.length) return this.builtNorms[pinIndex];
    return this.norm(this.memberships.boardsOf(pinIndex));
  }

  private norm(boards: ArrayLike<number>): number {
    if (this.options.weighting === 'none') return boards.length;
    let sum = 0;
    for (let at = 0; at < boards.length; at++) sum += squaredEntry(this.options, this.pinsOf(boards[at]).length, this.builtNorms.length);
    return sum;
  }
}
