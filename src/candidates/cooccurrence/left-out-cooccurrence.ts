import { TopKHeap } from '../../math/top-k.ts';
import { type CandidateQuery, type CandidateSource, NO_PINS, type ScoredPins } from '../candidate.ts';
import { boardWeights, type CooccurrenceOptions, normsOf, pairWeight, squaredEntry } from './board-cooccurrence.ts';
import type { BoardPins } from './board-pins.ts';

/** Board co-occurrence as if one board did not exist, counted when asked, by the formulas of `cooccurrenceRows`. */
export class LeftOutCooccurrence implements CandidateSource {
  readonly name = 'board-cooccurrence';
  private readonly table: BoardPins;
  private readonly options: CooccurrenceOptions;
  private readonly weights: Float64Array | null;
  private readonly norms: Float64Array;
  private leftOut = -1;

  constructor(table: BoardPins, options: CooccurrenceOptions) {
    this.table = table;
    this.options = options;
    this.weights = boardWeights(table, options);
    this.norms = normsOf(table, options);
  }

  /** From now on this board does not exist; -1: all do. */
  leaveOut(board: number): void {
    this.leftOut = board;
  }

  propose({ pinIndex: i }: CandidateQuery, limit: number): ScoredPins {
    if (i < 0 || i >= this.table.pins) return NO_PINS;
    const heap = new TopKHeap(Math.min(limit, this.options.neighbors));
    const norm = this.normWithout(i);
    for (const [j, sum] of this.sums(i)) {
      const score = pairWeight(this.options, norm, this.normWithout(j), sum);
      if (score > 0) heap.offer(j, score);
    }
    const { ids, scores } = heap.drain();
    return { pinIndexes: ids, scores: Float32Array.from(scores) };
  }

  private sums(i: number): ReadonlyMap<number, number> {
    const { boardStart, boardPins, pinStart, pinBoards } = this.table;
    const sums = new Map<number, number>();
    for (let at = pinStart[i]; at < pinStart[i + 1]; at++) {
      const board = pinBoards[at];
      const weight = this.weights ? this.weights[board] : 1;
      if (board === this.leftOut || weight === 0) continue;
      for (let p = boardStart[board]; p < boardStart[board + 1]; p++)
        if (boardPins[p] !== i) sums.set(boardPins[p], (sums.get(boardPins[p]) ?? 0) + weight);
    }
    return sums;
  }

  /** Boards that hold a pin, without the one that is left out. */
  boardsOf(pin: number): number {
    const { pinStart } = this.table;
    return pinStart[pin + 1] - pinStart[pin] - (this.isOnLeftOut(pin) ? 1 : 0);
  }

  private isOnLeftOut(pin: number): boolean {
    const { pinStart, pinBoards } = this.table;
    return pinBoards.subarray(pinStart[pin], pinStart[pin + 1]).includes(this.leftOut);
  }

  private normWithout(i: number): number {
    const { boardStart, pins } = this.table;
    if (!this.isOnLeftOut(i)) return this.norms[i];
    return this.norms[i] - squaredEntry(this.options, boardStart[this.leftOut + 1] - boardStart[this.leftOut], pins);
  }
}
