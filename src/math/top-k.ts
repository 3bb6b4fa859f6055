/**
 * Bounded selection of the best `k`: score down, then id up (the tie rule of the whole project; `id` is the pin index).
 * A binary heap whose root is the worst kept item. Scores must not be NaN.
 */
interface TopK {
  readonly ids: Int32Array;
  readonly scores: Float64Array;
}

/**
 * Takes offers one by one and holds `capacity` of them; capacity 0 keeps nothing. Throws RangeError for a capacity below 0 or
 * not whole.
 */
export class TopKHeap {
  private readonly capacity: number;
  private readonly ids: Int32Array;
  private readonly scores: Float64Array;
  private count = 0;

  constructor(capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 0) throw new RangeError(`k: expected a whole number >= 0, got ${capacity}`);
    this.capacity = capacity;
    this.ids = new Int32Array(capacity);
    this.scores = new Float64Array(capacity);
  }

  /** What a score must at least reach to be kept: the worst kept one once the heap is full, before that minus infinity. */
  get threshold(): number {
    return this.count < this.capacity || this.capacity === 0 ? Number.NEGATIVE_INFINITY : this.scores[0];
  }

  /** Offers one item; kept if it is among the best so far. Throws RangeError for a NaN score. */
  offer(id: number, score: number): void {
    if (score !== score) throw new RangeError(`score of id ${id} is NaN`);
    if (this.count < this.capacity) {
      this.place(this.count++, id, score);
    } else if (this.capacity > 0 && this.worse(this.scores[0], this.ids[0], score, id)) {
      this.sink(id, score);
    }
  }

  /** The kept items, best first; the heap is empty afterwards. */
  drain(): TopK {
    const ids = new Int32Array(this.count);
    const scores = new Float64Array(this.count);
    while (this.count > 0) {
      const last = --this.count;
      ids[last] = this.ids[0];
      scores[last] = this.scores[0];
      if (last > 0) this.sink(this.ids[last], this.scores[last]);
    }
    return { ids, scores };
  }

  private worse(scoreA: number, idA: number, scoreB: number, idB: number): boolean {
    return scoreA < scoreB || (scoreA === scoreB && idA > idB);
  }

  private place(slot: number, id: number, score: number): void {
    let at = slot;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.worse(score, id, this.scores[parent], this.ids[parent])) break;
      this.ids[at] = this.ids[parent];
      this.scores[at] = this.scores[parent];
      at = parent;
    }
    this.ids[at] = id;
    this.scores[at] = score;
  }

  private sink(id: number, score: number): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.count) break;
      const right = child + 1;
      if (right < this.count && this.worse(this.scores[right], this.ids[right], this.scores[child], this.ids[child])) child = right;
      if (!this.worse(this.scores[child], this.ids[child], score, id)) break;
      this.ids[at] = this.ids[child];
      this.scores[at] = this.scores[child];
      at = child;
    }
    this.ids[at] = id;
    this.scores[at] = score;
  }
}

/** The best `k` of parallel arrays, best first; all of them when there are fewer. */
export function topK(ids: ArrayLike<number>, scores: ArrayLike<number>, k: number): TopK {
  const heap = new TopKHeap(Math.min(k, ids.length));
  for (let i = 0; i < ids.length; i++) heap.offer(ids[i], scores[i]);
  return heap.drain();
}
