/**
 * Which pictures hold which words of a vocabulary, and how like the words of a query are to those of each.
 *
 * Word i weighs w_i = ln(N / N_i): N pictures, N_i of them with the word, counted when the vocabulary was made, so that scores of pictures
 * that come later are comparable. With q_i = n_i w_i of the query and d_i of a picture, both divided by their sums, a picture's
 * distance is the L1 norm of q - d. Only words of both are looked at, because the norm is 2 + sum over those of |q_i - d_i| - q_i - d_i
 * (equation 5 of the paper with p = 1); the score is 1 - norm / 2: 0 nothing shared, 1 the same words.
 * Source   Nistér and Stewénius, Scalable Recognition with a Vocabulary Tree, CVPR 2006, sections 4 and 5. Only leaves are words.
 *
 * Postings lie flat, word after word. What comes later stands in a list of its own and is folded in when it has grown to a tenth.
 */
import { TopKHeap } from '../math/top-k.ts';

interface WordHit {
  readonly pinIndex: number;
  /** 0..1. */
  readonly score: number;
}

/** Postings in the order of their words: those of word w are start[w] .. start[w + 1]. */
export interface Postings {
  readonly start: Uint32Array<ArrayBuffer>;
  readonly slots: Uint32Array<ArrayBuffer>;
  readonly counts: Uint8Array<ArrayBuffer>;
}

/** As it is saved: of each slot its pin (GONE: none) and the sum its weights are divided by. */
interface SavedInvertedFile extends Postings {
  readonly weights: Float32Array<ArrayBuffer>;
  readonly pins: Uint32Array<ArrayBuffer>;
  readonly sums: Float64Array<ArrayBuffer>;
}

/** A word more often than this in a picture counts so often. */
const COUNT_MAX = 255;
const FOLD_SHARE = 0.1;
const FOLD_MIN = 100_000;
/** The slot of a picture that was replaced. */
const GONE = 0xffff_ffff;

/** How often each word is in a picture. */
function wordCounts(words: Uint32Array): Map<number, number> {
  const counts = new Map<number, number>();
  for (const word of words) counts.set(word, Math.min(COUNT_MAX, (counts.get(word) ?? 0) + 1));
  return counts;
}

export class InvertedFile {
  private weights: Float32Array<ArrayBuffer>;
  private base: Postings;
  /** By slot: the pin, or GONE. Slots are given in the order in which pictures come. */
  private pins: number[] = [];
  /** By slot: the sum that its weights are divided by. */
  private sums: number[] = [];
  private readonly slotOf = new Map<number, number>();
  private laterWords: number[] = [];
  private laterSlots: number[] = [];
  private laterCounts: number[] = [];
  /** By slot: what a weight is multiplied by, 1 / sum as of the last fold; 0 of a picture all of whose words weigh nothing. */
  private scales = new Float32Array(0);
  /** By slot: what it shares with the query. */
  private shared = new Float32Array(0);

  /** All words weigh 1 until `weigh`. */
  constructor(words: number) {
    this.weights = new Float32Array(words).fill(1);
    this.base = { start: new Uint32Array(words + 1), slots: new Uint32Array(0), counts: new Uint8Array(0) };
  }

  /** Weighs the words by the pictures of now: ln(N / N_i), of a word that no picture has as if one had it. */
  weigh(): void {
    this.fold();
    const { start, slots, counts } = this.base;
    this.weights = Float32Array.from(this.weights, (_, word) =>
      Math.log(Math.max(1, this.size) / Math.max(1, start[word + 1] - start[word])),
    );
    this.sums = this.sums.map(() => 0);
    for (let word = 0; word + 1 < start.length; word++) {
      for (let i = start[word]; i < start[word + 1]; i++) this.sums[slots[i]] += counts[i] * this.weights[word];
    }
    this.scale();
  }

  private scale(): void {
    this.scales = Float32Array.from(this.sums, (sum) => (sum > 0 ? 1 / sum : 0));
    this.shared = new Float32Array(this.sums.length);
  }

  /** Pictures that can be found. */
  get size(): number {
    return this.slotOf.size;
  }

  /** Bytes of postings and tables, about. */
  get bytes(): number {
    const { start, slots, counts } = this.base;
    return (
      start.byteLength +
      slots.byteLength +
      counts.byteLength +
      16 * this.pins.length +
      24 * this.laterWords.length +
      2 * this.shared.byteLength
    );
  }

  /** Adds a picture, or replaces what was there of its pin. A picture without words is not found. */
  set(pinIndex: number, words: Uint32Array): void {
    this.delete(pinIndex);
    if (words.length === 0) return;
    const slot = this.pins.length;
    let sum = 0;
    for (const [word, count] of wordCounts(words)) {
      sum += count * this.weights[word];
      this.laterWords.push(word);
      this.laterSlots.push(slot);
      this.laterCounts.push(count);
    }
    this.pins.push(pinIndex);
    this.sums.push(sum);
    this.slotOf.set(pinIndex, slot);
    if (this.laterWords.length > Math.max(FOLD_MIN, FOLD_SHARE * this.base.slots.length)) this.fold();
  }

  delete(pinIndex: number): void {
    const slot = this.slotOf.get(pinIndex);
    if (slot === undefined) return;
    this.pins[slot] = GONE;
    this.slotOf.delete(pinIndex);
  }

  /** The `k` pictures whose words are most like, best first, of equals the lower pin. */
  query(words: Uint32Array, k: number): WordHit[] {
    this.fold();
    const asked = [...wordCounts(words)].map(([word, count]) => ({ word, value: count * this.weights[word] }));
    const sum = asked.reduce((total, { value }) => total + value, 0);
    if (sum === 0) return [];
    const { shared } = this;
    shared.fill(0);
    for (const { word, value } of asked) this.addShared(word, value / sum);
    const heap = new TopKHeap(Math.min(k, this.pins.length));
    let least = 0;
    for (let slot = 0; slot < this.pins.length; slot++) {
      const value = shared[slot];
      if (value === 0 || value < least || this.pins[slot] === GONE) continue;
      heap.offer(this.pins[slot], value);
      least = heap.threshold;
    }
    const { ids, scores } = heap.drain();
    return Array.from(ids, (pinIndex, i) => ({ pinIndex, score: scores[i] }));
  }

  /** What each picture shares with one word of the query: (q + d - |q - d|) / 2 is the lesser of both. */
  private addShared(word: number, q: number): void {
    const { start, slots, counts } = this.base;
    const { shared, scales } = this;
    const weight = this.weights[word];
    for (let i = start[word]; i < start[word + 1]; i++) {
      const slot = slots[i];
      const d = counts[i] * weight * scales[slot];
      shared[slot] += q < d ? q : d;
    }
  }

  /** Takes the later postings into the flat ones, and leaves those of replaced pictures out. */
  fold(): void {
    if (this.laterWords.length === 0) return;
    const { start, slots, counts } = this.base;
    const next = new Uint32Array(start.length);
    const isThere = (slot: number): boolean => this.pins[slot] !== GONE;
    for (let word = 0; word + 1 < start.length; word++) {
      for (let i = start[word]; i < start[word + 1]; i++) if (isThere(slots[i])) next[word + 1]++;
    }
    for (let i = 0; i < this.laterWords.length; i++) if (isThere(this.laterSlots[i])) next[this.laterWords[i] + 1]++;
    for (let word = 0; word + 1 < next.length; word++) next[word + 1] += next[word];
    const total = next[next.length - 1];
    const folded = { start: next.slice(), slots: new Uint32Array(total), counts: new Uint8Array(total) };
    const put = (word: number, slot: number, count: number): void => {
      if (!isThere(slot)) return;
      folded.slots[next[word]] = slot;
      folded.counts[next[word]++] = count;
    };
    for (let word = 0; word + 1 < start.length; word++) for (let i = start[word]; i < start[word + 1]; i++) put(word, slots[i], counts[i]);
    for (let i = 0; i < this.laterWords.length; i++) put(this.laterWords[i], this.laterSlots[i], this.laterCounts[i]);
    this.base = folded;
    this.scale();
    [this.laterWords, this.laterSlots, this.laterCounts] = [[], [], []];
  }

  saved(): SavedInvertedFile {
    this.fold();
    const { weights, base, pins, sums } = this;
    return { weights, ...base, pins: Uint32Array.from(pins), sums: Float64Array.from(sums) };
  }

  /** An inverted file as it was saved. */
  static from({ weights, pins, sums, ...base }: SavedInvertedFile): InvertedFile {
    const file = new InvertedFile(weights.length);
    file.weights = weights;
    file.base = base;
    file.pins = Array.from(pins);
    file.sums = Array.from(sums);
    file.scale();
    pins.forEach((pinIndex, slot) => pinIndex !== GONE && file.slotOf.set(pinIndex, slot));
    return file;
  }
}

/** The plain twin of `InvertedFile.query`: the norm of equation 5 in full, for one picture. */
export function plainScore(weights: Float32Array, query: Uint32Array, picture: Uint32Array): number {
  const vectorOf = (words: Uint32Array): Float64Array => {
    const vector = new Float64Array(weights.length);
    for (const [word, count] of wordCounts(words)) vector[word] = count * weights[word];
    const sum = vector.reduce((total, value) => total + value, 0);
    return vector.map((value) => (sum === 0 ? 0 : value / sum));
  };
  const [q, d] = [vectorOf(query), vectorOf(picture)];
  return 1 - q.reduce((norm, value, i) => norm + Math.abs(value - d[i]), 0) / 2;
}
