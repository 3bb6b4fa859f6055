import type { PinColumns } from '../../catalog/pins/pin-columns.ts';
import { ANNOTATION_COUNT, CATEGORY_COUNT, FIRST_ENTRY } from '../../catalog/pins/pin-records.ts';
import { TopKHeap } from '../../math/top-k.ts';
import { entriesNorm, type Postings, PostingsBuild, tfIdfNorm } from './annotation-postings.ts';
import { PinSums } from './pin-sums.ts';
import { type CandidateQuery, type CandidateSource, NO_PINS, type ScoredPins } from '../candidate.ts';

/** Postings visited for one query: rare terms come first, and what is left out weighs least. */
const POSTINGS_MAX = 200_000;

/** So many changed pins are compared one by one, and a tenth of the catalogue besides. */
const CHANGED_MIN = 1000;

/** A list so many times longer than what is wanted of it and what was found before is not gone through to its end. */
const STOP_EARLY = 4;

/**
 * Pins that share annotations with the query, by the cosine of tf-idf vectors:
 *
 *   idf_t = ln((1 + pins) / (1 + pins with t)) + 1,   entry = annotation weight x idf_t,   unit length
 *
 * An inverted index over the resident columns. Pins that came or changed after it was built are compared one by one,
 * with the idf of the build, until they are a tenth: then the index is built again, a few milliseconds at a time, and until
 * it is done the old one answers without those pins.
 */
export class AnnotationNeighbors implements CandidateSource {
  readonly name = 'annotations';
  private readonly columns: PinColumns;
  private index: Postings;
  /** Of the pins that the query at hand has met. */
  private readonly met = new PinSums();
  /** 1 for terms whose postings are in falling order. */
  private ordered: Uint8Array;
  /** Pins that the index holds as they were, or not at all. */
  private changed = new Set<number>();
  private building: PostingsBuild | null = null;

  constructor(columns: PinColumns) {
    this.columns = columns;
    this.index = new PostingsBuild(columns).finish();
    this.ordered = new Uint8Array(this.index.idf.length);
  }

  /** Builds the index again, all at once. */
  rebuild(): void {
    this.building = new PostingsBuild(this.columns);
    this.changed = new Set();
    this.catchUp();
  }

  /** Notes pins whose annotations are new; when they are more than a tenth, `catchUp` has work. */
  refresh(pinIndexes: Iterable<number>): void {
    for (const pinIndex of pinIndexes) {
      this.changed.add(pinIndex);
      this.building?.skip(pinIndex);
    }
    if (!this.building && this.changed.size > CHANGED_MIN + this.index.pins / 10) this.building = new PostingsBuild(this.columns);
  }

  get behind(): string | null {
    return this.building && 'Many annotations are new: their index is being built again, and the last one answers without them.';
  }

  /** Goes on building for about `budgetMs`; a finished index answers from then on. */
  catchUp(budgetMs = Number.POSITIVE_INFINITY): void {
    const { building } = this;
    if (!building?.goOn(budgetMs)) return;
    this.index = building.finish();
    this.ordered = new Uint8Array(this.index.idf.length);
    this.changed = new Set(building.skipped);
    this.building = null;
  }

  propose(query: CandidateQuery, limit: number): ScoredPins {
    const { annotations, count } = this.columns;
    const pin = query.pinIndex;
    if (pin < 0 || pin >= count || annotations.length[pin] === 0) return NO_PINS;
    const terms: [number, number][] = [];
    const norm = this.normOf(pin);
    for (let at = annotations.start[pin]; at < annotations.start[pin] + annotations.length[pin]; at++) {
      const term = annotations.ordinals[at];
      if (term < this.index.idf.length) terms.push([term, (annotations.weights[at] * this.index.idf[term]) / norm]);
    }
    return this.nearest(pin, terms, limit);
  }

  private nearest(query: number, terms: [number, number][], limit: number): ScoredPins {
    terms.sort((a, b) => this.postingsOf(a[0]) - this.postingsOf(b[0]) || a[0] - b[0]);
    const { changed, met } = this;
    met.begin();
    let visited = 0;
    let last: readonly [term: number, weight: number] | null = null;
    for (let t = 0; t < terms.length; t++) {
      const [term, weight] = terms[t];
      visited += this.postingsOf(term);
      if (visited > POSTINGS_MAX && met.count > 0) break;
      const isLast = t === terms.length - 1;
      if (isLast && this.postingsOf(term) > STOP_EARLY * (limit + met.count)) last = terms[t];
      else this.addAll(term, weight);
    }
    if (last !== null) this.addToMet(last[0], last[1]);
    const heap = new TopKHeap(Math.min(limit, met.count + changed.size));
    for (let row = 0; row < met.count; row++) {
      const pin = met.pins[row];
      const sum = met.sums[row];
      if (sum > 0 && sum >= heap.threshold && pin !== query && !(changed.size > 0 && changed.has(pin))) heap.offer(pin, sum);
    }
    this.offerChanged(query, terms, heap);
    const { ids, scores } = heap.drain();
    return last === null ? { pinIndexes: ids, scores: Float32Array.from(scores) } : this.joined(ids, scores, last, limit, query);
  }

  /** Adds a term to the sums of all pins that have it. */
  private addAll(term: number, weight: number): void {
    const { start, end, posted, entries } = this.index;
    const { met } = this;
    met.roomFor(this.postingsOf(term));
    for (let at = start[term]; at < end[term]; at++) met.add(posted[at], weight * entries[at]);
  }

  /** Adds a term to the sums of the pins that were met before. */
  private addToMet(term: number, weight: number): void {
    const { count, pins, sums } = this.met;
    for (let row = 0; row < count; row++) sums[row] += weight * this.entryOf(pins[row], term);
  }

  /**
   * Joins the best pins so far with those that share the last term alone, where far more pins have it than are wanted: its
   * postings in falling order are their order, so both lists are gone through once, side by side, until there are enough.
   */
  private joined(ids: Int32Array, sums: Float64Array, [term, weight]: readonly [number, number], limit: number, query: number): ScoredPins {
    this.order(term);
    const { changed, met } = this;
    const { start, end, posted, entries } = this.index;
    const pinIndexes = new Int32Array(limit);
    const scores = new Float32Array(limit);
    let count = 0;
    let next = 0;
    for (let at = start[term]; at < end[term] && count < limit; at++) {
      const pin = posted[at];
      if (met.has(pin) || pin === query || (changed.size > 0 && changed.has(pin))) continue;
      const score = weight * entries[at];
      for (; next < ids.length && count < limit && (sums[next] > score || (sums[next] === score && ids[next] < pin)); next++) {
        pinIndexes[count] = ids[next];
        scores[count++] = sums[next];
      }
      if (count === limit) break;
      pinIndexes[count] = pin;
      scores[count++] = score;
    }
    for (; next < ids.length && count < limit; next++) {
      pinIndexes[count] = ids[next];
      scores[count++] = sums[next];
    }
    return { pinIndexes: pinIndexes.subarray(0, count), scores: scores.subarray(0, count) };
  }

  /** The entry of a term in a pin's vector as the postings have it; 0 without it. */
  private entryOf(pin: number, term: number): number {
    const { annotations, records } = this.columns;
    const { ordinals, weights } = annotations;
    const { idf } = this.index;
    // Of a record, the merge will ask soon: start and length would be two more places to wait for.
    const from = records ? records.words[pin * 8 + FIRST_ENTRY] + records.halves[pin * 16 + CATEGORY_COUNT] : annotations.start[pin];
    const to = from + (records ? records.halves[pin * 16 + ANNOTATION_COUNT] : annotations.length[pin]);
    for (let at = from; at < to; at++) {
      if (ordinals[at] === term) return Math.fround((weights[at] * idf[term]) / entriesNorm(annotations, idf, from, to));
    }
    return 0;
  }

  /** Puts the postings of a term in falling order of their entries, then by pin; once, when first needed. */
  private order(term: number): void {
    if (this.ordered[term] === 1) return;
    this.ordered[term] = 1;
    const { start, end, posted, entries } = this.index;
    const pins = posted.slice(start[term], end[term]);
    const weights = entries.slice(start[term], end[term]);
    const order = Uint32Array.from(pins.keys()).sort((a, b) => weights[b] - weights[a] || pins[a] - pins[b]);
    for (let i = 0; i < order.length; i++) {
      posted[start[term] + i] = pins[order[i]];
      entries[start[term] + i] = weights[order[i]];
    }
  }

  private offerChanged(query: number, terms: readonly [number, number][], heap: TopKHeap): void {
    if (this.changed.size === 0 || this.building !== null) return;
    const weights = new Map(terms);
    const { annotations } = this.columns;
    for (const pin of this.changed) {
      let sum = 0;
      for (let at = annotations.start[pin]; at < annotations.start[pin] + annotations.length[pin]; at++) {
        const term = annotations.ordinals[at];
        sum += (weights.get(term) ?? 0) * annotations.weights[at] * (this.index.idf[term] ?? 1);
      }
      if (pin !== query && sum > 0) heap.offer(pin, sum / this.normOf(pin));
    }
  }

  private postingsOf(term: number): number {
    return this.index.end[term] - this.index.start[term];
  }

  private normOf(pin: number): number {
    return tfIdfNorm(this.columns, this.index.idf, pin);
  }
}
