/**
 * The candidates of many query pins, blended into one list for a home feed. Each source's score of a pin is the sum of
 * what it scored for every query pin, times that pin's weight in the history:
 *
 *   vote(j) = sum over history pins i of weight(i) x score_source(i, j)
 *
 * which for co-occurrence is the sum of w_ij over what the user saved, the published item-based recommender. To keep one
 * query or one category from filling the page, a pin beyond its share of the front steps back behind the others.
 */
import { NO_PINS, type ScoredPins } from '../candidates/candidate.ts';
import { RowTable } from '../candidates/cooccurrence/row-table.ts';
import type { Proposal } from '../candidates/merge.ts';
import type { Accept } from '../candidates/visual/neighbor-index.ts';
import type { PinColumns } from '../catalog/pins/pin-columns.ts';
import { rowsBestFirst } from '../math/best-first.ts';
import type { SummedWeights } from '../ranker/scoring/ranking-feature.ts';
import type { WeightedPins } from '../ranker/scoring/user-history.ts';

/** History pins that are asked about; the rest of the history still counts in the affinity features. */
export const HOME_QUERIES_MAX = 100;
/** Pins of a board that stand for it, newest first: a few hundred show its theme. */
export const BOARD_PINS_MAX = 300;
/** Of these, the strongest are asked for what only fills up, too. */
export const FILLED_QUERIES = 10;
/** Candidates asked of each source for each history pin. */
export const PER_QUERY_LIMIT = 200;

/** Largest share of any stretch of `WINDOW` pins that one query, or one category, may have. */
const QUERY_SHARE = 0.5;
const CATEGORY_SHARE = 0.6;
const WINDOW = 20;

/** A proposal per source, as the merge takes them. */
export interface Blended {
  readonly proposals: readonly Proposal[];
  /** Summed co-occurrence with the history, for the affinity feature. */
  readonly cooccurrence: SummedWeights;
}

/** In place of a row. */
const REFUSED = -1;

/** What one source says of the pins it proposed for any query, a row each. */
class Votes implements SummedWeights {
  count = 0;
  readonly pinIndexes: Int32Array;
  readonly sums: Float64Array;
  /** The query that gave a pin most. */
  readonly bestQuery: Int32Array;
  private readonly bestVote: Float64Array;
  private readonly rows = new RowTable();

  /** Room for so many pins; those of `without` get no votes. */
  constructor(room: number, without: ArrayLike<number>) {
    this.pinIndexes = new Int32Array(room);
    this.sums = new Float64Array(room);
    this.bestQuery = new Int32Array(room);
    this.bestVote = new Float64Array(room).fill(Number.NEGATIVE_INFINITY);
    this.rows.begin(room + without.length);
    // A picture among them has no pin.
    for (let i = 0; i < without.length; i++) if (without[i] >= 0) this.rows.set(without[i], REFUSED);
  }

  get(pin: number): number | undefined {
    const row = this.rows.rowOf(pin);
    return row < 0 ? undefined : this.sums[row];
  }

  /** The row of a pin, made if it has none yet; below 0 where it gets no votes. */
  rowOf(pin: number, accept: Accept | undefined): number {
    const row = this.rows.claim(pin, this.count);
    if (row !== this.count) return row;
    if (accept && !accept(pin)) {
      this.rows.set(pin, REFUSED);
      return REFUSED;
    }
    this.pinIndexes[this.count++] = pin;
    return row;
  }

  vote(row: number, vote: number, query: number): void {
    this.sums[row] += vote;
    if (!(vote > this.bestVote[row])) return;
    this.bestVote[row] = vote;
    this.bestQuery[row] = query;
  }
}

/**
 * `asked[q]` are the proposals for history pin q; the first names all sources, later ones may leave some out.
 * At least one must be there, for a user without history too. History pins are not proposed again.
 */
export function blendHistory(
  asked: readonly (readonly Proposal[])[],
  history: WeightedPins,
  pins: PinColumns,
  accept: Accept | undefined,
): Blended {
  const names = asked[0].map(({ name }) => name);
  const votes = names.map((_, s) =>
    votesOf(
      asked.map((proposals) => proposals.find((each) => each.name === names[s])?.pins ?? NO_PINS),
      history,
      accept,
    ),
  );
  const proposals = names.map((name, s) => ({ name, pins: spread(votes[s], pins), scoreOf: (pin: number) => votes[s].get(pin) }));
  return { proposals, cooccurrence: votes[names.indexOf('board-cooccurrence')] ?? new Votes(0, []) };
}

function votesOf(lists: readonly ScoredPins[], history: WeightedPins, accept: Accept | undefined): Votes {
  const room = lists.reduce((sum, { pinIndexes }) => sum + pinIndexes.length, 0);
  const votes = new Votes(room, history.pinIndexes);
  lists.forEach(({ pinIndexes, scores }, q) => {
    const weight = history.weights[q] ?? 1;
    for (let p = 0; p < pinIndexes.length; p++) {
      const row = votes.rowOf(pinIndexes[p], accept);
      if (row < 0) continue;
      votes.vote(row, weight * scores[p], q);
    }
  });
  return votes;
}

/** By vote, with pins that would crowd a stretch put back behind it. */
function spread(votes: Votes, pins: PinColumns): ScoredPins {
  const { count: voted, sums, bestQuery } = votes;
  const several = bestQuery.subarray(0, voted).some((query) => query !== bestQuery[0]);
  /** Rows by vote; those that are put back move to its front. */
  const waiting = rowsBestFirst(votes.pinIndexes, sums, voted);
  const order = new Int32Array(voted);
  let count = 0;
  for (let left = voted; left > 0;) {
    const crowd = new Crowd(several);
    let back = 0;
    let w = 0;
    for (; w < left && count < 10 * WINDOW; w++) {
      const row = waiting[w];
      if (crowd.admits(bestQuery[row], strongestCategory(votes.pinIndexes[row], pins))) order[count++] = row;
      else waiting[back++] = row;
    }
    order.set(waiting.subarray(w, left), count);
    count += left - w;
    left = back;
  }
  const pinIndexes = new Int32Array(voted);
  const scores = new Float32Array(voted);
  for (let place = 0; place < voted; place++) {
    pinIndexes[place] = votes.pinIndexes[order[place]];
    scores[place] = sums[order[place]];
  }
  return { pinIndexes, scores };
}

/** Counts what the present stretch holds. A single query, and pins without category, are never held back. */
class Crowd {
  private readonly several: boolean;
  private inWindow = 0;
  private readonly perQuery = new Map<number, number>();
  private readonly perCategory = new Map<number, number>();

  /** `several`: whether more than one query speaks. */
  constructor(several: boolean) {
    this.several = several;
  }

  admits(query: number, category: number): boolean {
    const ofQuery = this.perQuery.get(query) ?? 0;
    const ofCategory = this.perCategory.get(category) ?? 0;
    if (this.several && ofQuery >= QUERY_SHARE * WINDOW) return false;
    if (category >= 0 && ofCategory >= CATEGORY_SHARE * WINDOW) return false;
    this.perQuery.set(query, ofQuery + 1);
    this.perCategory.set(category, ofCategory + 1);
    if (++this.inWindow === WINDOW) {
      this.inWindow = 0;
      this.perQuery.clear();
      this.perCategory.clear();
    }
    return true;
  }
}

function strongestCategory(pin: number, pins: PinColumns): number {
  const { start, length, ordinals, weights } = pins.categories;
  let best = -1;
  let weight = 0;
  for (let at = start[pin], end = at + length[pin]; at < end; at++) {
    if (weights[at] > weight) {
      weight = weights[at];
      best = ordinals[at];
    }
  }
  return best;
}
