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
import { RowTable, SPREAD } from '../candidates/cooccurrence/row-table.ts';
import type { Proposal } from '../candidates/merge.ts';
import type { Accept } from '../candidates/visual/neighbor-index.ts';
import type { PinColumns } from '../catalog/pins/pin-columns.ts';
import { BestFirst } from '../math/best-first.ts';
import type { SummedWeights } from '../ranker/scoring/ranking-feature.ts';
import type { WeightedPins } from '../ranker/scoring/user-history.ts';
import { wasmKernel } from '../worker-url.ts';

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

/** A slot of the table that no row has. */
const FREE = -1;
const PAGE_BYTES = 65_536;
type Kernel = (
  pins: number,
  scores: number,
  count: number,
  weight: number,
  query: number,
  ...table: readonly [
    slots: number,
    shift: number,
    rowPins: number,
    sums: number,
    best: number,
    bestQuery: number,
    first: number,
    rows: number,
  ]
) => number;

/**
 * What one source says of the pins it proposed for any query, a row each (`votes.wat` adds it up), and their order: by vote, but pins that
 * would crowd a stretch of the front are put back behind the others. Only what is asked for is put in order. Memory is kept from one list
 * to the next: made again each time, much of a feed would go into touching it.
 */
class Votes {
  private readonly memory: WebAssembly.Memory;
  private readonly kernel: Kernel;
  /** Rows by slot. */
  private slots = new Int32Array(0);
  private shift = 0;
  /** The pin of a row, its votes, and the query that gave most of them. */
  private rowPins = new Int32Array(0);
  private sums = new Float64Array(0);
  private bestQuery = new Int32Array(0);
  /** Rows before it are of pins that get no votes. */
  private first = 0;
  private rows = 0;
  private ordered: ScoredPins = NO_PINS;
  private readonly byVote = new BestFirst();
  private columns: PinColumns | null = null;
  private crowd = new Crowd(false);
  /** Pins that are in their places. */
  private placed = 0;
  /** Places by vote whose categories were touched. */
  private touchedThrough = 0;
  /** Of no meaning: it keeps the touching loads from being dropped as useless. */
  touched = 0;
  /** The places by vote from `next` to `left` are still to be placed, and after them the first `back`, which were put back. */
  private next = 0;
  private left = 0;
  private back = 0;

  constructor() {
    const { exports } = new WebAssembly.Instance(wasmKernel(import.meta.url, './votes.wasm'));
    this.memory = exports.memory as WebAssembly.Memory;
    this.kernel = exports.add as Kernel;
  }

  /** `lists[q]` is what the source proposes for query q. */
  begin(lists: readonly ScoredPins[], weights: ArrayLike<number>, { without, accept }: Refused, columns: PinColumns): void {
    this.addUp(lists, weights, without, accept);
    const { rowPins, sums, bestQuery, first, rows } = this;
    const count = rows - first;
    if (count > this.ordered.scores.length) this.ordered = { pinIndexes: new Int32Array(count), scores: new Float32Array(count) };
    this.byVote.begin(rowPins.subarray(first, rows), sums.subarray(first, rows), count);
    this.columns = columns;
    const several = bestQuery.subarray(first, rows).some((query) => query !== bestQuery[first]);
    this.crowd = new Crowd(several);
    this.placed = this.next = this.back = this.touchedThrough = 0;
    this.left = count;
  }

  /** In memory lie, in this order: sums, greatest votes, the table, the pins and the queries of the rows, and one list at a time. */
  private addUp(lists: readonly ScoredPins[], weights: ArrayLike<number>, without: readonly number[], accept: Accept | undefined): void {
    let [room, longest] = [without.length, without.length];
    for (const { pinIndexes } of lists) {
      room += pinIndexes.length;
      longest = Math.max(longest, pinIndexes.length);
    }
    const bits = Math.ceil(Math.log2(2 * room + 2));
    const missing = 24 * room + (4 << bits) + 8 * longest - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE_BYTES));
    const { buffer } = this.memory;
    this.sums = new Float64Array(buffer, 0, room);
    const best = 8 * room;
    this.slots = new Int32Array(buffer, 16 * room, 1 << bits).fill(FREE);
    this.shift = 32 - bits;
    this.rowPins = new Int32Array(buffer, 16 * room + (4 << bits), room);
    this.bestQuery = new Int32Array(buffer, 20 * room + (4 << bits), room);
    const pins = new Int32Array(buffer, 24 * room + (4 << bits), longest);
    const scores = new Float32Array(buffer, pins.byteOffset + pins.byteLength, longest);
    const { slots, shift, rowPins, sums, bestQuery } = this;
    const table = [slots.byteOffset, shift, rowPins.byteOffset, sums.byteOffset, best, bestQuery.byteOffset] as const;
    this.first = this.rows = 0;
    const add = (count: number, weight: number, query: number): void => {
      this.rows = this.kernel(pins.byteOffset, scores.byteOffset, count, weight, query, ...table, this.first, this.rows);
    };
    // A picture among them has no pin.
    const refused = without.filter((pin) => pin >= 0);
    pins.set(refused);
    add(refused.length, 0, 0);
    this.first = this.rows;
    for (let q = 0; q < lists.length; q++) add(copyOf(lists[q], accept, pins, scores), weights[q] ?? 1, q);
  }

  get pins(): ScoredPins {
    const { pinIndexes, scores } = this.ordered;
    const count = this.rows - this.first;
    return { pinIndexes: pinIndexes.subarray(0, count), scores: scores.subarray(0, count) };
  }

  readonly scoreOf = (pin: number): number | undefined => {
    const { slots, rowPins, shift } = this;
    const mask = 0xffff_ffff >>> shift;
    let at = Math.imul(pin, SPREAD) >>> shift;
    while (slots[at] !== FREE && rowPins[slots[at]] !== pin) at = (at + 1) & mask;
    // Free is before the first row, too.
    return slots[at] < this.first ? undefined : this.sums[slots[at]];
  };

  /** Puts the first `wanted` pins in their places. */
  readonly upTo = (wanted: number): void => {
    const { byVote, crowd, bestQuery, rowPins, sums, ordered, first } = this;
    const columns = this.columns as PinColumns;
    const end = Math.min(wanted, this.rows - first);
    while (this.placed < end) {
      if (this.next === this.left) {
        [this.next, this.left, this.back] = [0, this.back, 0];
        crowd.disperse();
      }
      byVote.upTo(this.next + end - this.placed);
      if (this.next === this.touchedThrough && this.placed < SPREAD_PINS) this.touchCategories(this.next + SPREAD_PINS);
      const at = byVote.rows[this.next++];
      const row = first + at;
      if (this.placed < SPREAD_PINS && !crowd.admits(bestQuery[row], strongestCategory(rowPins[row], columns))) {
        byVote.rows[this.back++] = at;
        continue;
      }
      ordered.pinIndexes[this.placed] = rowPins[row];
      ordered.scores[this.placed++] = sums[row];
    }
  };

  /** Categories lie anywhere in memory, and a processor waits for many of them at once where nothing hangs on one: first where they are, then they. */
  private touchCategories(wanted: number): void {
    const { rowPins, first, touchedThrough } = this;
    const { rows } = this.byVote;
    const { start, length, ordinals, weights } = (this.columns as PinColumns).categories;
    const end = Math.min(wanted, this.left);
    this.byVote.upTo(end);
    let sum = 0;
    for (let at = touchedThrough; at < end; at++) sum += start[rowPins[first + rows[at]]] + length[rowPins[first + rows[at]]];
    for (let at = touchedThrough; at < end; at++) {
      const entry = start[rowPins[first + rows[at]]];
      sum += ordinals[entry] + weights[entry];
    }
    this.touched = sum;
    this.touchedThrough = end;
  }
}

/** Copies what is accepted of a list; returns how much that is. */
function copyOf({ pinIndexes, scores }: ScoredPins, accept: Accept | undefined, toPins: Int32Array, toScores: Float32Array): number {
  if (accept === undefined) {
    toPins.set(pinIndexes);
    toScores.set(scores);
    return pinIndexes.length;
  }
  let count = 0;
  for (let p = 0; p < pinIndexes.length; p++) {
    if (!accept(pinIndexes[p])) continue;
    toPins[count] = pinIndexes[p];
    toScores[count++] = scores[p];
  }
  return count;
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
