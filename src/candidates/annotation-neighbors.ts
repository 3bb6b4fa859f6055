import type { PinColumns } from '../catalog/pin-columns.ts';
import { TopKHeap } from '../math/top-k.ts';
import { type CandidateQuery, type CandidateSource, NO_PINS, type ScoredPins } from './candidate.ts';

/** Postings visited for one query: rare terms come first, and what is left out weighs least. */
const POSTINGS_MAX = 200_000;

/**
 * Pins that share annotations with the query, by the cosine of tf-idf vectors:
 *
 *   idf_t = ln((1 + pins) / (1 + pins with t)) + 1,   entry = annotation weight x idf_t,   unit length
 *
 * An inverted index over the resident columns. Pins that came or changed after it was built are compared one by one,
 * with the idf of the build, until `rebuild`.
 */
export class AnnotationNeighbors implements CandidateSource {
  readonly name = 'annotations';
  private readonly columns: PinColumns;
  private builtPins = 0;
  private idf = new Float64Array(0);
  private start = new Uint32Array(1);
  private pins = new Uint32Array(0);
  private entries = new Float32Array(0);
  private sums = new Float64Array(0);
  private readonly changed = new Set<number>();

  constructor(columns: PinColumns) {
    this.columns = columns;
    this.rebuild();
  }

  rebuild(): void {
    const { count, annotations, annotationTerms } = this.columns;
    this.changed.clear();
    this.builtPins = count;
    this.start = new Uint32Array(annotationTerms.length + 1);
    eachEntry(annotations, count, (_pin, term) => this.start[term + 1]++);
    this.idf = new Float64Array(annotationTerms.length);
    for (let t = 0; t < this.idf.length; t++) {
      this.idf[t] = Math.log((1 + count) / (1 + this.start[t + 1])) + 1;
      this.start[t + 1] += this.start[t];
    }
    const next = this.start.slice();
    this.pins = new Uint32Array(this.start[this.idf.length]);
    this.entries = new Float32Array(this.pins.length);
    for (let pin = 0; pin < count; pin++) {
      const norm = this.normOf(pin);
      for (let at = annotations.start[pin]; at < annotations.start[pin] + annotations.length[pin]; at++) {
        const slot = next[annotations.ordinals[at]]++;
        this.pins[slot] = pin;
        this.entries[slot] = (annotations.weights[at] * this.idf[annotations.ordinals[at]]) / norm;
      }
    }
    this.sums = new Float64Array(count);
  }

  /** Notes pins whose annotations are new; rebuilds when they are more than a tenth. */
  refresh(pinIndexes: Iterable<number>): void {
    for (const pinIndex of pinIndexes) this.changed.add(pinIndex);
    if (this.changed.size > 1000 + this.builtPins / 10) this.rebuild();
  }

  propose(query: CandidateQuery, limit: number): ScoredPins {
    const { annotations, count } = this.columns;
    const pin = query.pinIndex;
    if (pin < 0 || pin >= count || annotations.length[pin] === 0) return NO_PINS;
    const terms: [number, number][] = [];
    const norm = this.normOf(pin);
    for (let at = annotations.start[pin]; at < annotations.start[pin] + annotations.length[pin]; at++) {
      const term = annotations.ordinals[at];
      if (term < this.idf.length) terms.push([term, (annotations.weights[at] * this.idf[term]) / norm]);
    }
    return this.nearest(pin, terms, limit);
  }

  private nearest(query: number, terms: [number, number][], limit: number): ScoredPins {
    terms.sort((a, b) => this.postingsOf(a[0]) - this.postingsOf(b[0]) || a[0] - b[0]);
    const touched: number[] = [];
    let visited = 0;
    for (const [term, weight] of terms) {
      visited += this.postingsOf(term);
      if (visited > POSTINGS_MAX && touched.length > 0) break;
      for (let at = this.start[term]; at < this.start[term + 1]; at++) {
        const pin = this.pins[at];
        if (this.sums[pin] === 0) touched.push(pin);
        this.sums[pin] += weight * this.entries[at];
      }
    }
    const heap = new TopKHeap(limit);
    for (const pin of touched) {
      if (pin !== query && !this.changed.has(pin) && this.sums[pin] > 0) heap.offer(pin, this.sums[pin]);
      this.sums[pin] = 0;
    }
    this.offerChanged(query, terms, heap);
    const { ids, scores } = heap.drain();
    return { pinIndexes: ids, scores: Float32Array.from(scores) };
  }

  private offerChanged(query: number, terms: readonly [number, number][], heap: TopKHeap): void {
    if (this.changed.size === 0) return;
    const weights = new Map(terms);
    const { annotations } = this.columns;
    for (const pin of this.changed) {
      let sum = 0;
      for (let at = annotations.start[pin]; at < annotations.start[pin] + annotations.length[pin]; at++) {
        const term = annotations.ordinals[at];
        sum += (weights.get(term) ?? 0) * annotations.weights[at] * (this.idf[term] ?? 1);
      }
      if (pin !== query && sum > 0) heap.offer(pin, sum / this.normOf(pin));
    }
  }

  private postingsOf(term: number): number {
    return this.start[term + 1] - this.start[term];
  }

  /** Length of the tf-idf vector. */
  private normOf(pin: number): number {
    const { annotations } = this.columns;
    let squares = 0;
    for (let at = annotations.start[pin]; at < annotations.start[pin] + annotations.length[pin]; at++)
      squares += (annotations.weights[at] * (this.idf[annotations.ordinals[at]] ?? 1)) ** 2;
    return Math.sqrt(squares) || 1;
  }
}

function eachEntry(
  rows: PinColumns['annotations'],
  count: number,
  take: (pin: number, term: number) => void,
): void {
  for (let pin = 0; pin < count; pin++)
    for (let at = rows.start[pin]; at < rows.start[pin] + rows.length[pin]; at++) take(pin, rows.ordinals[at]);
}
