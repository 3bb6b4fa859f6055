import { TopKHeap } from '../../math/top-k.ts';
import { type CandidateQuery, type CandidateSource, NO_PINS, type ScoredPins } from '../candidate.ts';
import { boardWeights, type CooccurrenceOptions, normsOf, pairWeight, squaredEntry } from './board-cooccurrence.ts';
import type { BoardPins } from './board-pins.ts';

/**
 * Board co-occurrence as if one board did not exist, counted when asked: by the formulas of `cooccurrenceRows`, but for n_j.
 *
 * Choice: every candidate j has the mean n of the catalog. Whoever was on the board that is left out has lost a board and
 * others have not, so that n_j would tell who was on it.
 */
export class LeftOutCooccurrence implements CandidateSource {
  readonly name = 'board-cooccurrence';
  private readonly table: BoardPins;
  private readonly options: CooccurrenceOptions;
  private readonly weights: Float64Array | null;
  private readonly norms: Float64Array;
  private readonly meanNorm: number;
  private leftOut = -1;

  constructor(table: BoardPins, options: CooccurrenceOptions) {
    this.table = table;
    this.options = options;
    this.weights = boardWeights(table, options);
    this.norms = normsOf(table, options);
    const known = this.norms.filter((norm) => norm > 0);
    this.meanNorm = known.reduce((sum, norm) => sum + norm, 0) / Math.max(1, known.length);
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
      const score = pairWeight(this.options, norm, this.meanNorm, sum);
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

  private normWithout(i: number): number {
    const { boardStart, pinStart, pinBoards, pins } = this.table;
    const onIt = pinBoards.subarray(pinStart[i], pinStart[i + 1]).includes(this.leftOut);
    if (!onIt) return this.norms[i];
    return this.norms[i] - squaredEntry(this.options, boardStart[this.leftOut + 1] - boardStart[this.leftOut], pins);
  }
}
