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
import { BestFirst } from '../math/best-first.ts';
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
/** How much of a source's list is spread. */
const SPREAD_PINS = 10 * WINDOW;

/** What the sources say of all queries together; until the next blending, which takes the same memory: nothing may wait in between. */
interface Blended {
  /** A proposal per source, as the merge takes them. */
  readonly proposals: readonly Proposal[];
  /** Summed co-occurrence of some pins with the history, for the affinity feature; for longer than the rest. */
  cooccurrenceOf(pinIndexes: Int32Array): SummedWeights;
}

/** Which pins get no votes, besides those of the history. */
interface Refused {
  readonly without: readonly number[];
  readonly accept: Accept | undefined;
}

/** One for each source, by its place. */
const kept: Votes[] = [];

/**
 * `asked[q]` are the proposals for history pin q; the first names all sources, later ones may leave some out.
 * At least one must be there, for a user without history too. History pins are not proposed again.
 */
export function blendHistory(
  asked: readonly (readonly Proposal[])[],
  history: WeightedPins,
  pins: PinColumns,
  { without, accept }: Refused,
): Blended {
  const refused = { without: [...without, ...Array.from(history.pinIndexes)], accept };
  const proposals = asked[0].map(({ name }, s) => {
    const votes = (kept[s] ??= new Votes());
    votes.begin(
      asked.map((proposals) => proposals.find((each) => each.name === name)?.pins ?? NO_PINS),
      history.weights,
      refused,
      pins,
    );
    const { pins: found, scoreOf } = votes;
    return { name, pins: found, scoreOf, upTo: votes.upTo };
  });
  const scoreOf = proposals.find(({ name }) => name === 'board-cooccurrence')?.scoreOf ?? (() => undefined);
  return { proposals, cooccurrenceOf: (pinIndexes) => new WeightsByPin(pinIndexes, scoreOf) };
}

/** Weights of some pins; undefined for those that have none. */
class WeightsByPin implements SummedWeights {
  private readonly rows = new RowTable();
  private readonly weights: Float64Array;

  constructor(pinIndexes: Int32Array, weightOf: (pin: number) => number | undefined) {
    this.weights = new Float64Array(pinIndexes.length);
    this.rows.begin(pinIndexes.length);
    for (let row = 0; row < pinIndexes.length; row++) {
      const weight = weightOf(pinIndexes[row]);
      if (weight === undefined) continue;
      this.weights[row] = weight;
      this.rows.set(pinIndexes[row], row);
    }
  }

  get(pin: number): number | undefined {
    const row = this.rows.rowOf(pin);
    return row < 0 ? undefined : this.weights[row];
  }
}

/** In place of a row. */
const REFUSED = -1;

/**
 * What one source says of the pins it proposed for any query, a row each, and their order: by vote, but pins that would crowd a
 * stretch of the front are put back behind the others. Only what is asked for is put in order. Memory is kept from one list to the next:
 * made again each time, much of a feed would go into touching it.
 */
class Votes {
  private count = 0;
  private pinIndexes = new Int32Array(0);
  private sums = new Float64Array(0);
  /** The query that gave a pin most, and how much. */
  private bestQuery = new Int32Array(0);
  private bestVote = new Float64Array(0);
  private readonly rows = new RowTable();
  private ordered = { pinIndexes: new Int32Array(0), scores: new Float32Array(0) };
  private readonly byVote = new BestFirst();
  private columns: PinColumns | null = null;
  private crowd = new Crowd(false);
  /** Pins that are in their places. */
  private placed = 0;
  /** Places by vote whose categories were touched. */
  private touchedThrough = 0;
  /** Of no meaning: it keeps the touching loads from being dropped as useless. */
  touched = 0;
  /** The rows by vote from `next` to `left` are still to be placed, and after them the first `back`, which were put back. */
  private next = 0;
  private left = 0;
  private back = 0;

  /** `lists[q]` is what the source proposes for query q. */
  begin(lists: readonly ScoredPins[], weights: ArrayLike<number>, { without, accept }: Refused, columns: PinColumns): void {
    const room = lists.reduce((sum, { pinIndexes }) => sum + pinIndexes.length, 0);
    if (room > this.pinIndexes.length) this.makeRoom(room);
    this.rows.begin(room + without.length);
    // A picture among them has no pin.
    for (const pin of without) if (pin >= 0) this.rows.set(pin, REFUSED);
    this.count = 0;
    for (let q = 0; q < lists.length; q++) this.add(lists[q], q, weights[q] ?? 1, accept);
    this.byVote.begin(this.pinIndexes, this.sums, this.count);
    const several = this.bestQuery.subarray(0, this.count).some((query) => query !== this.bestQuery[0]);
    this.crowd = new Crowd(several);
    this.columns = columns;
    this.placed = this.next = this.back = this.touchedThrough = 0;
    this.left = this.count;
  }

  private makeRoom(room: number): void {
    this.pinIndexes = new Int32Array(room);
    this.sums = new Float64Array(room);
    this.bestQuery = new Int32Array(room);
    this.bestVote = new Float64Array(room);
    this.ordered = { pinIndexes: new Int32Array(room), scores: new Float32Array(room) };
  }

  private add({ pinIndexes: proposed, scores }: ScoredPins, query: number, weight: number, accept: Accept | undefined): void {
    const { rows, pinIndexes, sums, bestQuery, bestVote } = this;
    let { count } = this;
    for (let p = 0; p < proposed.length; p++) {
      const pin = proposed[p];
      const row = rows.claim(pin, count);
      if (row === REFUSED) continue;
      const vote = weight * scores[p];
      if (row === count) {
        if (accept !== undefined && !accept(pin)) {
          rows.set(pin, REFUSED);
          continue;
        }
        pinIndexes[count++] = pin;
        sums[row] = 0;
        bestVote[row] = Number.NEGATIVE_INFINITY;
        bestQuery[row] = 0;
      }
      sums[row] += vote;
      if (!(vote > bestVote[row])) continue;
      bestVote[row] = vote;
      bestQuery[row] = query;
    }
    this.count = count;
  }

  get pins(): ScoredPins {
    const { pinIndexes, scores } = this.ordered;
    return { pinIndexes: pinIndexes.subarray(0, this.count), scores: scores.subarray(0, this.count) };
  }

  readonly scoreOf = (pin: number): number | undefined => {
    const row = this.rows.rowOf(pin);
    return row < 0 ? undefined : this.sums[row];
  };

  /** Puts the first `wanted` pins in their places. */
  readonly upTo = (wanted: number): void => {
    const { byVote, crowd, bestQuery, pinIndexes, sums, ordered } = this;
    const columns = this.columns as PinColumns;
    const end = Math.min(wanted, this.count);
    while (this.placed < end) {
      if (this.next === this.left) {
        [this.next, this.left, this.back] = [0, this.back, 0];
        crowd.disperse();
      }
      byVote.upTo(this.next + end - this.placed);
      if (this.next === this.touchedThrough && this.placed < SPREAD_PINS) this.touchCategories(this.next + SPREAD_PINS);
      const row = byVote.rows[this.next++];
      const pin = pinIndexes[row];
      if (this.placed < SPREAD_PINS && !crowd.admits(bestQuery[row], strongestCategory(pin, columns))) {
        byVote.rows[this.back++] = row;
        continue;
      }
      ordered.pinIndexes[this.placed] = pin;
      ordered.scores[this.placed++] = sums[row];
    }
  };

  /** Categories lie anywhere in memory, and a processor waits for many of them at once where nothing hangs on one: first where they are, then they. */
  private touchCategories(wanted: number): void {
    const { pinIndexes, touchedThrough } = this;
    const { rows } = this.byVote;
    const { start, length, ordinals, weights } = (this.columns as PinColumns).categories;
    const end = Math.min(wanted, this.left);
    this.byVote.upTo(end);
    let sum = 0;
    for (let at = touchedThrough; at < end; at++) sum += start[pinIndexes[rows[at]]] + length[pinIndexes[rows[at]]];
    for (let at = touchedThrough; at < end; at++) {
      const first = start[pinIndexes[rows[at]]];
      sum += ordinals[first] + weights[first];
    }
    this.touched = sum;
    this.touchedThrough = end;
  }
}

/** What the present stretch holds. A single query, and pins without category, are never held back. */
class Crowd {
  private readonly several: boolean;
  private count = 0;
  private readonly queries = new Int32Array(WINDOW);
  private readonly categories = new Int32Array(WINDOW);

  /** `several`: whether more than one query speaks. */
  constructor(several: boolean) {
    this.several = several;
  }

  /** Begins a new stretch. */
  disperse(): void {
    this.count = 0;
  }

  admits(query: number, category: number): boolean {
    const { several, count, queries, categories } = this;
    let ofQuery = 0;
    let ofCategory = 0;
    for (let i = 0; i < count; i++) {
      if (queries[i] === query) ofQuery++;
      if (categories[i] === category) ofCategory++;
    }
    if (several && ofQuery >= QUERY_SHARE * WINDOW) return false;
    if (category >= 0 && ofCategory >= CATEGORY_SHARE * WINDOW) return false;
    queries[count] = query;
    categories[count] = category;
    this.count = (count + 1) % WINDOW;
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
