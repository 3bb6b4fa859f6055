/** The inverted index of annotations (annotation-neighbors.ts), built all at once or a few milliseconds at a time. */
import type { PinColumns, SparseRows } from '../../catalog/pins/pin-columns.ts';

export interface Postings {
  /** Pins 0 .. `pins` are in it. */
  readonly pins: number;
  readonly idf: Float64Array;
  /** The postings of term t lie at start[t] .. end[t]. */
  readonly start: Uint32Array;
  readonly end: Uint32Array;
  readonly posted: Uint32Array;
  /** The term's entry in the pin's unit vector. */
  readonly entries: Float32Array;
}

/** Pins between two looks at the clock. */
const PAGE = 2048;

/**
 * Counts the pins of each term, then writes them term by term. Pins that change meanwhile are left out (`skip`): room that
 * was counted for them stays empty behind the term's postings, and readers ask the columns about them.
 */
export class PostingsBuild {
  private readonly columns: PinColumns;
  private readonly pins: number;
  private readonly counts: Uint32Array;
  private readonly skippedPins = new Set<number>();
  /** Where the room of each term ends. */
  private room = new Uint32Array(0);
  private counted = 0;
  private written = 0;
  private postings: Postings | null = null;

  constructor(columns: PinColumns) {
    this.columns = columns;
    this.pins = columns.count;
    this.counts = new Uint32Array(columns.annotationTerms.length);
  }

  /** Pins that are not in it as they are now. */
  get skipped(): ReadonlySet<number> {
    return this.skippedPins;
  }

  skip(pinIndex: number): void {
    this.skippedPins.add(pinIndex);
  }

  /** Works for about `budgetMs`; true when done. */
  goOn(budgetMs: number): boolean {
    const until = performance.now() + budgetMs;
    do {
      if (this.counted < this.pins) this.countPage();
      else this.writePage((this.postings ??= this.allocated()));
    } while (this.written < this.pins && performance.now() < until);
    return this.written === this.pins;
  }

  /** The index; what is left is done at once. */
  finish(): Postings {
    this.goOn(Number.POSITIVE_INFINITY);
    return (this.postings ??= this.allocated());
  }

  private countPage(): void {
    const { start, length, ordinals } = this.columns.annotations;
    const { counts } = this;
    const to = Math.min(this.pins, this.counted + PAGE);
    for (; this.counted < to; this.counted++) {
      if (this.skippedPins.has(this.counted)) continue;
      for (let at = start[this.counted], end = at + length[this.counted]; at < end; at++) counts[ordinals[at]]++;
    }
  }

  private allocated(): Postings {
    const { counts, pins } = this;
    const start = new Uint32Array(counts.length);
    const idf = new Float64Array(counts.length);
    let total = 0;
    for (let term = 0; term < counts.length; term++) {
      start[term] = total;
      total += counts[term];
      idf[term] = Math.log((1 + pins) / (1 + counts[term])) + 1;
    }
    this.room = Uint32Array.from(start, (first, term) => first + counts[term]);
    return { pins, idf, start, end: start.slice(), posted: new Uint32Array(total), entries: new Float32Array(total) };
  }

  /** False for a pin that changed since it was counted and nobody said so. */
  private hasRoomFor(pin: number, next: Uint32Array): boolean {
    const { start, length, ordinals } = this.columns.annotations;
    for (let at = start[pin], end = at + length[pin]; at < end; at++) {
      if (!(next[ordinals[at]] < this.room[ordinals[at]])) return false;
    }
    return true;
  }

  private writePage({ idf, end, posted, entries }: Postings): void {
    const { start, length, ordinals, weights } = this.columns.annotations;
    const to = Math.min(this.pins, this.written + PAGE);
    for (; this.written < to; this.written++) {
      const pin = this.written;
      if (this.skippedPins.has(pin)) continue;
      if (!this.hasRoomFor(pin, end)) {
        this.skip(pin);
        continue;
      }
      const norm = tfIdfNorm(this.columns, idf, pin);
      for (let at = start[pin], last = at + length[pin]; at < last; at++) {
        const slot = end[ordinals[at]]++;
        posted[slot] = pin;
        entries[slot] = (weights[at] * idf[ordinals[at]]) / norm;
      }
    }
  }
}

/** Length of a pin's tf-idf vector; 1 for an empty one. */
export function tfIdfNorm({ annotations }: PinColumns, idf: Float64Array, pin: number): number {
  const from = annotations.start[pin];
  return entriesNorm(annotations, idf, from, from + annotations.length[pin]);
}

/** The same of the entries of a pin, where it is known where they are. */
export function entriesNorm({ ordinals, weights }: SparseRows, idf: Float64Array, from: number, to: number): number {
  let squares = 0;
  for (let at = from; at < to; at++) squares += (weights[at] * (idf[ordinals[at]] ?? 1)) ** 2;
  return Math.sqrt(squares) || 1;
}
