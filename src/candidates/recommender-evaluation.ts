import type { BoardPins } from './cooccurrence/board-pins.ts';
import type { NeighborLists } from './cooccurrence/board-cooccurrence.ts';

/**
 * Evaluates co-occurrence lists as a recommender: a user's saved items vote for their neighbours,
 *
 *   score of j for u = sum of w_ij over the items i that u saved
 *
 * and what u has not saved yet is ranked by score. Ties count pessimistically: what was held out stands behind everything
 * that has the same score, so that a list without any votes hits nothing. Users are the boards of `train`, items its pins.
 */
export class Votes {
  private readonly train: BoardPins;
  private readonly lists: NeighborLists;
  private readonly depth: number;
  private readonly sums: Float64Array;
  private readonly touched: Uint32Array;
  private count = 0;
  private readonly seenBy: Int32Array;
  private user = -1;

  /** `depth`: neighbours of each list that count. */
  constructor(train: BoardPins, lists: NeighborLists, depth = Number.POSITIVE_INFINITY) {
    this.depth = depth;
    this.train = train;
    this.lists = lists;
    this.sums = new Float64Array(train.pins);
    this.touched = new Uint32Array(train.pins);
    this.seenBy = new Int32Array(train.pins).fill(-1);
  }

  /** Counts the votes of one user's items; `scoreOf` and `best` then speak of this user. */
  cast(user: number): void {
    const { sums, touched, seenBy, train, lists, depth } = this;
    for (let t = 0; t < this.count; t++) sums[touched[t]] = 0;
    let count = 0;
    for (let at = train.boardStart[user]; at < train.boardStart[user + 1]; at++) {
      const i = train.boardPins[at];
      seenBy[i] = user;
      const end = Math.min(lists.start[i + 1], lists.start[i] + depth);
      for (let p = lists.start[i]; p < end; p++) {
        const j = lists.pinIndexes[p];
        if (sums[j] === 0) touched[count++] = j;
        sums[j] += lists.scores[p];
      }
    }
    this.count = count;
    this.user = user;
  }

  /** Minus infinity for what the user has saved. */
  scoreOf(item: number): number {
    return this.seenBy[item] === this.user ? Number.NEGATIVE_INFINITY : this.sums[item];
  }

  /** The best `k` unseen items in order; of equal scores the wanted ones come last, then by ascending item. Unvoted ones fill up. */
  best(k: number, wanted: ReadonlySet<number>): number[] {
    const { sums, touched, seenBy, user } = this;
    const best: number[] = [];
    const before = (a: number, b: number): boolean => {
      if (sums[a] !== sums[b]) return sums[a] > sums[b];
      return wanted.has(a) === wanted.has(b) ? a < b : wanted.has(b);
    };
    for (let t = 0; t < this.count; t++) {
      const j = touched[t];
      if (seenBy[j] === user) continue;
      const full = best.length === k;
      if (full && !before(j, best[k - 1])) continue;
      let at = full ? k - 1 : best.length;
      while (at > 0 && before(j, best[at - 1])) {
        best[at] = best[at - 1];
        at--;
      }
      best[at] = j;
    }
    for (const isWanted of [false, true]) {
      for (let j = 0; best.length < k && j < sums.length; j++) {
        if (sums[j] === 0 && seenBy[j] !== user && wanted.has(j) === isWanted) best.push(j);
      }
    }
    return best;
  }
}

/** Which items each user held out; row u of `tests` as in BoardPins. */
export interface HeldOut {
  readonly start: Uint32Array;
  readonly items: Uint32Array;
}

interface RankedQuality {
  readonly recall: number;
  readonly ndcg: number;
  readonly users: number;
}

/**
 * recall@k = hits in the top k / the user's held-out items; NDCG@k with gain 1 and discount 1 / log2(1 + rank), ideal:
 * as many hits as held-out items allow. Averaged over users with at least one held-out item.
 */
export function evaluateRanked(votes: Votes, heldOut: HeldOut, k: number, onUser?: (user: number) => void): RankedQuality {
  let users = 0;
  let recall = 0;
  let ndcg = 0;
  for (let user = 0; user + 1 < heldOut.start.length; user++) {
    const wanted = heldOut.items.subarray(heldOut.start[user], heldOut.start[user + 1]);
    if (wanted.length === 0) continue;
    votes.cast(user);
    const { hits, gain } = hitsIn(votes.best(k, new Set(wanted)), wanted);
    recall += hits / wanted.length;
    ndcg += gain / idealGain(Math.min(k, wanted.length));
    users++;
    onUser?.(user);
  }
  return { recall: recall / Math.max(1, users), ndcg: ndcg / Math.max(1, users), users };
}

function hitsIn(list: readonly number[], wanted: Uint32Array): { hits: number; gain: number } {
  let hits = 0;
  let gain = 0;
  for (let rank = 1; rank <= list.length; rank++) {
    if (!wanted.includes(list[rank - 1])) continue;
    hits++;
    gain += 1 / Math.log2(1 + rank);
  }
  return { hits, gain };
}

function idealGain(hits: number): number {
  let gain = 0;
  for (let rank = 1; rank <= hits; rank++) gain += 1 / Math.log2(1 + rank);
  return gain;
}

/** Held-out lines with sampled negatives: line r ranks the positive `items[start[r]]` among the rest of its row. */
export interface SampledTest {
  readonly users: Uint32Array;
  readonly start: Uint32Array;
  readonly items: Uint32Array;
}

interface SampledQuality {
  readonly hitRate: number;
  readonly ndcg: number;
  readonly lines: number;
}

/** HR@k = share of lines whose positive is in the top k, behind all negatives of the same score; NDCG@k = mean of 1 / log2(1 + rank) where rank <= k. */
export function evaluateSampled(votes: Votes, test: SampledTest, k: number): SampledQuality {
  let hits = 0;
  let ndcg = 0;
  for (let line = 0; line < test.users.length; line++) {
    votes.cast(test.users[line]);
    const positive = test.items[test.start[line]];
    const score = votes.scoreOf(positive);
    let rank = 1;
    for (let at = test.start[line] + 1; at < test.start[line + 1]; at++) {
      const other = votes.scoreOf(test.items[at]);
      if (other >= score) rank++;
    }
    if (rank > k) continue;
    hits++;
    ndcg += 1 / Math.log2(1 + rank);
  }
  const lines = Math.max(1, test.users.length);
  return { hitRate: hits / lines, ndcg: ndcg / lines, lines: test.users.length };
}
