import { copied } from '../catalog/sparse-rows.ts';
import { TopKHeap } from '../math/top-k.ts';
import type { CandidateSource, ScoredPins } from './candidate.ts';

/** Something a user did with a pin. */
export interface HistoryItem {
  readonly pinIndex: number;
  /** Epoch milliseconds. */
  readonly at: number;
  /** How much it says: a save 1, a closeup less. */
  readonly strength: number;
}

export interface HomeOptions {
  /** The age, in days, at which an action counts half; Infinity: age does not matter. */
  readonly halfLifeDays: number;
  /** Entries read of each list. */
  readonly listLength: number;
  /** The newest actions that vote. */
  readonly historyLength: number;
}

export const DEFAULT_HOME: HomeOptions = { halfLifeDays: 90, listLength: 200, historyLength: 500 };

const DAY_MS = 86_400_000;

/** Candidates for a home feed, best first, and the pin of the history that spoke loudest for each. */
export interface HomeCandidates extends ScoredPins {
  readonly because: Int32Array;
}

/**
 * What a user's own history proposes: each pin of it votes for its co-occurrence list,
 *
 *   score of j = sum over history i of strength_i x 2^(-age_i / half-life) x w_ij
 *
 * leaving out what is in the history. A pin that is in the history several times votes once, with its strongest action.
 * `because` lets a blend see to it that no one query pin fills the page.
 */
export class HomeVotes {
  private readonly lists: CandidateSource;
  private readonly options: HomeOptions;
  /** Dense by pin index, zero between calls. */
  private sums = new Float64Array(0);
  private loudest = new Float64Array(0);
  private because = new Int32Array(0);

  constructor(lists: CandidateSource, options: HomeOptions = DEFAULT_HOME) {
    this.lists = lists;
    this.options = options;
  }

  /** At most `limit` candidates; `history` in any order, `now` in epoch milliseconds. */
  async propose(history: readonly HistoryItem[], now: number, limit: number): Promise<HomeCandidates> {
    const weights = this.weightsOf(history, now);
    const proposed: [number, number, ScoredPins][] = [];
    for (const [pinIndex, weight] of weights) {
      const list = this.lists.propose({ pinIndex, code: null }, this.options.listLength);
      proposed.push([pinIndex, weight, list instanceof Promise ? await list : list]);
    }
    const touched: number[] = [];
    for (const [pinIndex, weight, list] of proposed) this.cast(pinIndex, weight, list, touched);
    return this.drain(touched, weights, limit);
  }

  private cast(pinIndex: number, weight: number, list: ScoredPins, touched: number[]): void {
    for (let p = 0; p < list.pinIndexes.length; p++) {
      const j = list.pinIndexes[p];
      if (j >= this.sums.length) this.grow(j + 1);
      const vote = weight * list.scores[p];
      if (this.sums[j] === 0) touched.push(j);
      this.sums[j] += vote;
      if (vote <= this.loudest[j]) continue;
      this.loudest[j] = vote;
      this.because[j] = pinIndex;
    }
  }

  /** The best of what got votes, without what is in the history; all votes are 0 again afterwards. */
  private drain(touched: readonly number[], history: ReadonlyMap<number, number>, limit: number): HomeCandidates {
    const heap = new TopKHeap(Math.min(limit, touched.length));
    for (const j of touched) {
      if (this.sums[j] > 0 && !history.has(j)) heap.offer(j, this.sums[j]);
      this.sums[j] = 0;
      this.loudest[j] = 0;
    }
    const { ids, scores } = heap.drain();
    return { pinIndexes: ids, scores: Float32Array.from(scores), because: ids.map((j) => this.because[j]) };
  }

  private grow(pins: number): void {
    const length = Math.max(pins, this.sums.length * 2);
    this.sums = copied(this.sums, new Float64Array(length));
    this.loudest = copied(this.loudest, new Float64Array(length));
    this.because = copied(this.because, new Int32Array(length));
  }

  /** Weight of each pin of the history, the newest `historyLength` actions, in ascending pin index. */
  private weightsOf(history: readonly HistoryItem[], now: number): Map<number, number> {
    const newest = [...history].sort((a, b) => b.at - a.at || a.pinIndex - b.pinIndex);
    const weights = new Map<number, number>();
    for (const { pinIndex, at, strength } of newest.slice(0, this.options.historyLength)) {
      const weight = strength * 2 ** (-Math.max(0, now - at) / (this.options.halfLifeDays * DAY_MS));
      weights.set(pinIndex, Math.max(weight, weights.get(pinIndex) ?? 0));
    }
    return new Map([...weights].sort((a, b) => a[0] - b[0]));
  }
}
