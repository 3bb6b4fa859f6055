/**
 * What the ranking features want to know of the candidates' pins, looked up once for all of them and laid side by side.
 *
 * The pins lie anywhere in memory, and waiting for them is the cost. So it is done in passes of independent loads, of which
 * a processor has ten and more under way at a time: a record per pin, then the first of its sparse entries, then the work.
 */
import type { PinColumns, SparseRows } from '../../catalog/pins/pin-columns.ts';
import {
  ANNOTATION_COUNT,
  CATEGORY_COUNT,
  DOMAIN,
  FIRST_ENTRY,
  GROUP,
  type PinRecords,
  SAVES,
  TITLE_COUNT,
} from '../../catalog/pins/pin-records.ts';
import { SparseQuery, SPREAD } from './sparse-query.ts';

/** Values of candidate i at i, until the next request. */
export class CandidatePins {
  createdAt = new Float64Array(0);
  saves = new Int32Array(0);
  domain = new Int32Array(0);
  group = new Int32Array(0);
  /** Dot products with the query's row; of no meaning where `has...` is false. */
  categoryDots = new Float64Array(0);
  annotationDots = new Float64Array(0);
  titleDots = new Float64Array(0);
  /** Dot products of the categories with those of the user's history; of no meaning without a user. */
  userDots = new Float64Array(0);
  /** Sum of the squared category weights. */
  categorySquares = new Float64Array(0);
  /** Whether the query has entries of a kind. */
  hasCategories = false;
  hasAnnotations = false;
  hasTitle = false;
  /** Category weights of the query and of the user's history by ordinal; 0 for categories that they lack. */
  private queryCategories = new Float32Array(0);
  private userCategories = new Float32Array(0);
  private readonly annotations = new SparseQuery();
  private readonly titleTerms = new SparseQuery();
  /** Where the entries of each kind begin, and where the last kind ends. */
  private categoriesAt = new Int32Array(0);
  private annotationsAt = new Int32Array(0);
  private titleAt = new Int32Array(0);
  private titleEnd = new Int32Array(0);
  /** Of no meaning: it keeps the touching loads from being dropped as useless. */
  touched = 0;

  /** Looks up `count` pins for a query pin (-1: none). `user`: category weights of a history, by ordinal; null: there is none. */
  take(pins: PinColumns, queryPin: number, pinIndexes: Int32Array, count: number, user: Float32Array | null = null): void {
    if (count > this.saves.length) this.makeRoom(2 * count);
    this.takeCategories(pins, queryPin, user);
    this.annotations.take(pins.annotations, queryPin);
    this.titleTerms.take(pins.titleTerms, queryPin);
    this.hasAnnotations = this.annotations.size > 0;
    this.hasTitle = this.titleTerms.size > 0;
    if (pins.records) this.fromRecords(pins, pins.records, pinIndexes, count);
    else this.fromColumns(pins, pinIndexes, count);
  }

  private takeCategories({ categories, categoryNames }: PinColumns, queryPin: number, user: Float32Array | null): void {
    const { start, length, ordinals, weights } = categories;
    if (this.queryCategories.length !== categoryNames.length) {
      this.queryCategories = new Float32Array(categoryNames.length);
      this.userCategories = new Float32Array(categoryNames.length);
    }
    this.queryCategories.fill(0);
    this.userCategories.fill(0);
    const size = queryPin < 0 ? 0 : length[queryPin];
    for (let e = size === 0 ? 0 : start[queryPin], end = e + size; e < end; e++) this.queryCategories[ordinals[e]] = weights[e];
    if (user) this.userCategories.set(user);
    this.hasCategories = size > 0;
  }

  private fromRecords({ categories: entries }: PinColumns, records: PinRecords, pinIndexes: Int32Array, count: number): void {
    const { ordinals, weights } = entries;
    this.copyRecords(records, pinIndexes, count);
    this.touch(ordinals, weights, count);
    const { categoriesAt, annotationsAt, titleAt, titleEnd, queryCategories, userCategories } = this;
    const { categoryDots, annotationDots, titleDots, userDots, categorySquares } = this;
    for (let i = 0; i < count; i++) {
      let squares = 0;
      let ofQuery = 0;
      let ofUser = 0;
      for (let e = categoriesAt[i], end = annotationsAt[i]; e < end; e++) {
        const weight = weights[e];
        squares += weight * weight;
        ofQuery += weight * queryCategories[ordinals[e]];
        ofUser += weight * userCategories[ordinals[e]];
      }
      categorySquares[i] = squares;
      categoryDots[i] = ofQuery;
      userDots[i] = ofUser;
    }
    dotsInto(annotationDots, this.annotations, entries, annotationsAt, titleAt, count);
    dotsInto(titleDots, this.titleTerms, entries, titleAt, titleEnd, count);
  }

  private copyRecords({ reals, words, halves }: PinRecords, pinIndexes: Int32Array, count: number): void {
    const { createdAt, saves, domain, group, categoriesAt, annotationsAt, titleAt, titleEnd } = this;
    for (let i = 0; i < count; i++) {
      const pin = pinIndexes[i];
      createdAt[i] = reals[pin * 4];
      saves[i] = words[pin * 8 + SAVES];
      domain[i] = words[pin * 8 + DOMAIN];
      group[i] = words[pin * 8 + GROUP];
      let at = words[pin * 8 + FIRST_ENTRY];
      categoriesAt[i] = at;
      annotationsAt[i] = at += halves[pin * 16 + CATEGORY_COUNT];
      titleAt[i] = at += halves[pin * 16 + ANNOTATION_COUNT];
      titleEnd[i] = at + halves[pin * 16 + TITLE_COUNT];
    }
  }

  /** The first and the last entry of each pin: they are often on two lines. A pin without entries touches its neighbour's. */
  private touch(ordinals: Uint32Array, weights: Float32Array, count: number): void {
    const { categoriesAt, titleEnd } = this;
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const first = categoriesAt[i];
      const last = Math.max(first, titleEnd[i] - 1);
      sum += ordinals[first] + ordinals[last] + weights[first] + weights[last];
    }
    this.touched = sum;
  }

  /** The plain twin: column by column, row by row. */
  private fromColumns(pins: PinColumns, pinIndexes: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const pin = pinIndexes[i];
      this.createdAt[i] = pins.createdAt[pin];
      this.saves[i] = pins.saves[pin];
      this.domain[i] = pins.domain[pin];
      this.group[i] = pins.group[pin];
      const { start, length, ordinals, weights } = pins.categories;
      this.categorySquares[i] = squaresOf(weights, start[pin], start[pin] + length[pin]);
      this.categoryDots[i] = denseDot(this.queryCategories, ordinals, weights, start[pin], start[pin] + length[pin]);
      this.userDots[i] = denseDot(this.userCategories, ordinals, weights, start[pin], start[pin] + length[pin]);
      this.annotationDots[i] = rowDot(this.annotations, pins.annotations, pin);
      this.titleDots[i] = rowDot(this.titleTerms, pins.titleTerms, pin);
    }
  }

  private makeRoom(rows: number): void {
    this.createdAt = new Float64Array(rows);
    for (const name of ['saves', 'domain', 'group', 'categoriesAt', 'annotationsAt', 'titleAt', 'titleEnd'] as const)
      this[name] = new Int32Array(rows);
    for (const name of ['categoryDots', 'annotationDots', 'titleDots', 'userDots', 'categorySquares'] as const)
      this[name] = new Float64Array(rows);
  }
}

/** For each candidate the sum over its entries that the query has too, in their order. */
function dotsInto(
  out: Float64Array,
  query: SparseQuery,
  { ordinals, weights }: SparseRows,
  from: Int32Array,
  to: Int32Array,
  count: number,
): void {
  if (query.size === 0) return void out.fill(0, 0, count);
  const { keys, shift } = query;
  for (let i = 0; i < count; i++) {
    let sum = 0;
    for (let e = from[i], end = to[i]; e < end; e++) {
      // A free first slot says no, which is the usual answer.
      const ordinal = ordinals[e];
      if (keys[Math.imul(ordinal, SPREAD) >>> shift] === -1) continue;
      const slot = query.slotOf(ordinal);
      if (keys[slot] !== -1) sum += weights[e] * query.weights[slot];
    }
    out[i] = sum;
  }
}

/** The same of one row. */
function rowDot(query: SparseQuery, { start, length, ordinals, weights }: SparseRows, row: number): number {
  let sum = 0;
  for (let e = start[row], end = e + length[row]; e < end; e++) {
    const slot = query.slotOf(ordinals[e]);
    if (query.keys[slot] !== -1) sum += weights[e] * query.weights[slot];
  }
  return sum;
}

/** The dot product with a row that has a weight for every ordinal. */
function denseDot(of: Float32Array, ordinals: Uint32Array, weights: Float32Array, from: number, to: number): number {
  let sum = 0;
  for (let e = from; e < to; e++) sum += weights[e] * of[ordinals[e]];
  return sum;
}

function squaresOf(weights: Float32Array, from: number, to: number): number {
  let squares = 0;
  for (let e = from; e < to; e++) squares += weights[e] * weights[e];
  return squares;
}
