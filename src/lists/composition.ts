/**
 * The composition of a page: items are placed one by one. Each place goes to the item with the most of
 *
 *   score / deviation + weight x what is new about it beside the items in the window before it
 *
 * where the deviation is the standard deviation of the scores of all candidates of the first page. New is, by `ssd`, what the
 * item adds to the volume of the window (sliding-volume.ts), and by `mmr` 1 - its likeness to the most similar item there
 * (maximal marginal relevance, Carbonell and Goldstein, SIGIR 1998). By `none` the scores alone decide. Limits come first: an
 * item that would be the third of its domain in eight waits as long as there is another one.
 */
import type { PinColumns } from '../catalog/pins/pin-columns.ts';
import { ColumnStatistics } from '../ranker/scoring/normalizer.ts';
import type { Composition } from '../treatment.ts';
import type { Likeness } from './likeness.ts';
import { allRows } from './row-order.ts';
import { SlidingVolume } from './sliding-volume.ts';

/** What a page is made of. Rows are those of the candidates. */
export interface Placeable {
  readonly scores: Float64Array;
  readonly pinIndexes: Int32Array;
  readonly pins: Pick<PinColumns, 'domain' | 'categories'>;
  readonly likeness: Likeness;
}

/** Where the pages before left off; null: this is the first. */
export interface PagesBefore {
  /** Pins placed last, in their order. */
  readonly tail: readonly number[];
  /** Null: not known. */
  readonly deviation: number | null;
  /** Items on the pages before. */
  readonly shown: number;
}

/** Why an item does not stand where its score alone would put it. Positions from 1, over all pages. */
export interface Placing {
  /** By score among the items that were left for this page. */
  readonly instead: number;
  /** The limit that it would have broken there. */
  readonly limit?: LimitName;
  /** The item before it that it resembles most, of an item that waited. */
  readonly like?: { readonly position: number; readonly pinIndex: number; readonly likeness: number };
}

export interface Composed {
  readonly rows: Int32Array;
  /** By place on the page; null for an item that stands where its score puts it. */
  readonly placings: readonly (Placing | null)[];
  /** For the page after this one. */
  readonly tail: readonly number[];
  readonly deviation: number;
}

const LIMIT_NAMES = ['domain', 'category'] as const;
type LimitName = (typeof LIMIT_NAMES)[number];

/** The first `count` items of the list that goes on from `before`. */
export function compose(items: Placeable, composition: Composition, count: number, before: PagesBefore | null): Composed {
  const order = allRows(items.scores, items.pinIndexes);
  const deviation = before?.deviation ?? deviationOf(items.scores);
  const page = new Page(items, composition, deviation, before?.tail ?? []);
  const waiting = Array.from(order);
  const rows = new Int32Array(Math.min(count, order.length));
  for (let place = 0; place < rows.length; place++) rows[place] = page.place(waiting);
  const placings = placingsOf(items, composition, { order, rows, tail: before?.tail ?? [], shown: before?.shown ?? 0 });
  return { rows, placings, tail: page.tail(), deviation };
}

/** 1 where all scores are the same: then what is new decides. */
function deviationOf(scores: Float64Array): number {
  const spread = new ColumnStatistics();
  for (const score of scores) spread.add(score);
  return spread.deviation || 1;
}

/** Items that stand before a place and still matter to it. */
export function windowOf({ window, limits }: Composition): number {
  return Math.max(window, limits.domain?.of ?? 1, limits.category?.of ?? 1) - 1;
}

class Page {
  private readonly items: Placeable;
  private readonly composition: Composition;
  private readonly deviation: number;
  private readonly volume: SlidingVolume;
  private readonly likeness: Likeness;
  /** Pins placed so far, those of pages before first. */
  private readonly placed: number[] = [];

  constructor(items: Placeable, composition: Composition, deviation: number, tail: readonly number[]) {
    this.items = items;
    this.composition = composition;
    this.deviation = deviation;
    this.likeness = remembered(items.likeness);
    this.volume = new SlidingVolume(composition.window - 1, this.likeness);
    for (const pin of tail) this.put(pin);
  }

  private put(pin: number): void {
    this.placed.push(pin);
    if (this.composition.method === 'ssd') this.volume.push(pin);
  }

  tail(): readonly number[] {
    const most = windowOf(this.composition);
    return most === 0 ? [] : this.placed.slice(-most);
  }

  /** Takes the best row out of those that wait, best score first. What is new is at most 1: most rows need no second look. */
  place(waiting: number[]): number {
    const { scores, pinIndexes } = this.items;
    const weight = this.composition.method === 'none' ? 0 : this.composition.weight;
    const broken = new LimitsBroken(this.items.pins, this.composition.limits, this.placed);
    let [best, value, fewest] = [-1, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let at = 0; at < waiting.length; at++) {
      const row = waiting[at];
      const relevance = scores[row] / this.deviation;
      if (fewest === 0 && relevance + weight <= value) break;
      const breaks = broken.by(pinIndexes[row]).length;
      if (breaks > fewest) continue;
      const worth = weight === 0 ? relevance : relevance + weight * this.newness(pinIndexes[row]);
      if (breaks === fewest && worth <= value) continue;
      [best, value, fewest] = [at, worth, breaks];
    }
    const [row] = waiting.splice(best, 1);
    this.put(pinIndexes[row]);
    return row;
  }

  private newness(pin: number): number {
    const { method, window } = this.composition;
    if (method === 'ssd') return this.volume.uprightOf(pin);
    let most = 0;
    for (const other of this.placed.slice(Math.max(0, this.placed.length - window + 1))) most = Math.max(most, this.likeness(pin, other));
    return 1 - most;
  }
}

/** The same, worked out once for each pin beside each placed one: pins that wait are asked at every place. */
function remembered(likeness: Likeness): Likeness {
  const known = new Map<number, Map<number, number>>();
  return (pin, placed) => {
    let beside = known.get(placed);
    if (!beside) known.set(placed, (beside = new Map()));
    let value = beside.get(pin);
    if (value === undefined) beside.set(pin, (value = likeness(pin, placed)));
    return value;
  };
}

/** Which limits an item would break at the next place. */
class LimitsBroken {
  private readonly pins: Placeable['pins'];
  private readonly limits: Composition['limits'];
  private readonly full: Partial<Record<LimitName, ReadonlySet<number>>> = {};

  constructor(pins: Placeable['pins'], limits: Composition['limits'], placed: readonly number[]) {
    this.pins = pins;
    this.limits = limits;
    for (const name of LIMIT_NAMES) {
      const limit = limits[name];
      if (limit)
        this.full[name] = fullGroups(placed.slice(Math.max(0, placed.length - limit.of + 1)), (pin) => this.groupOf(name, pin), limit.most);
    }
  }

  by(pin: number): readonly LimitName[] {
    return LIMIT_NAMES.filter((name) => this.limits[name] && this.full[name]?.has(this.groupOf(name, pin)));
  }

  /** -1: of no group, which no limit is about. */
  private groupOf(name: LimitName, pin: number): number {
    return name === 'domain' ? this.pins.domain[pin] : strongestCategory(this.pins, pin);
  }
}

function fullGroups(pins: readonly number[], groupOf: (pin: number) => number, most: number): ReadonlySet<number> {
  const counts = new Map<number, number>();
  for (const pin of pins) counts.set(groupOf(pin), (counts.get(groupOf(pin)) ?? 0) + 1);
  return new Set([...counts].filter(([group, count]) => group >= 0 && count >= most).map(([group]) => group));
}

function strongestCategory({ categories }: Pick<PinColumns, 'categories'>, pin: number): number {
  const { start, length, ordinals, weights } = categories;
  let [best, weight] = [-1, 0];
  for (let at = start[pin], end = at + length[pin]; at < end; at++) if (weights[at] > weight) [best, weight] = [ordinals[at], weights[at]];
  return best;
}

interface PlacedPage extends Pick<PagesBefore, 'tail' | 'shown'> {
  /** All rows by score. */
  readonly order: Int32Array;
  readonly rows: Int32Array;
}

function placingsOf(items: Placeable, composition: Composition, { order, rows, tail, shown }: PlacedPage): (Placing | null)[] {
  const byScore = new Map(Array.from(order, (row, at) => [row, at] as const));
  const placed = [...tail, ...Array.from(rows, (row) => items.pinIndexes[row])];
  return Array.from(rows, (row, place): Placing | null => {
    const wanted = byScore.get(row) ?? place;
    if (wanted === place) return null;
    const instead = shown + wanted + 1;
    if (wanted > place) return { instead };
    const pin = items.pinIndexes[row];
    const before = placed.slice(0, tail.length + wanted);
    const [limit] = new LimitsBroken(items.pins, composition.limits, before).by(pin);
    const from = Math.max(0, tail.length + wanted - composition.window + 1);
    const like = mostAlike(items.likeness, pin, placed.slice(from, tail.length + place));
    if (limit || !like) return { instead, ...(limit ? { limit } : {}) };
    return { instead, like: { ...like, position: shown - tail.length + from + like.at + 1 } };
  });
}

function mostAlike(likeness: Likeness, pin: number, others: readonly number[]) {
  let found: { at: number; pinIndex: number; likeness: number } | null = null;
  others.forEach((other, at) => {
    const value = likeness(pin, other);
    if (!found || value > found.likeness) found = { at, pinIndex: other, likeness: value };
  });
  return found as { at: number; pinIndex: number; likeness: number } | null;
}
