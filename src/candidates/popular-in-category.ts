import { PIN_REMOVED, type PinColumns } from '../catalog/pins/pin-columns.ts';
import { TopKHeap } from '../math/top-k.ts';
import { type CandidateQuery, type CandidateSource, NO_PINS, type ScoredPins } from './candidate.ts';

/** Pins kept per category. */
const PER_CATEGORY = 1000;
/** Category mixes whose list is kept. */
const MIXES_KEPT = 2000;

/**
 * Pins that many people saved in the categories of the query:
 *
 *   score of j = sum over categories c of weight_query(c) x weight_j(c) x ln(1 + saves of j)
 *
 * over the best thousand pins of each category. A query without categories gets what is popular everywhere. The lists
 * are made by `rebuild`; popularity moves slowly, once in minutes is enough.
 */
export class PopularInCategory implements CandidateSource {
  readonly name = 'popular-in-category';
  private readonly columns: PinColumns;
  private lists: ScoredPins[] = [];
  private everywhere: ScoredPins = NO_PINS;
  private readonly mixes = new Map<string, ScoredPins>();

  constructor(columns: PinColumns) {
    this.columns = columns;
    this.rebuild();
  }

  rebuild(): void {
    const { count, saves, flags, categories, categoryNames } = this.columns;
    this.mixes.clear();
    const heaps = categoryNames.map(() => new TopKHeap(PER_CATEGORY));
    const all = new TopKHeap(PER_CATEGORY);
    for (let pin = 0; pin < count; pin++) {
      if (saves[pin] === 0 || (flags[pin] & PIN_REMOVED) !== 0) continue;
      const popularity = Math.log(1 + saves[pin]);
      all.offer(pin, popularity);
      for (let at = categories.start[pin]; at < categories.start[pin] + categories.length[pin]; at++)
        heaps[categories.ordinals[at]].offer(pin, categories.weights[at] * popularity);
    }
    this.lists = heaps.map(drained);
    this.everywhere = drained(all);
  }

  /** The most saved pins of the whole catalogue. */
  popular(limit: number): ScoredPins {
    const { pinIndexes, scores } = this.everywhere;
    return { pinIndexes: pinIndexes.subarray(0, limit), scores: scores.subarray(0, limit) };
  }

  propose(query: CandidateQuery, limit: number): ScoredPins {
    const { categories, count } = this.columns;
    const pin = query.pinIndex;
    if (pin < 0 || pin >= count || categories.length[pin] === 0) return this.without(pin, this.popular(limit + 1), limit);
    return this.without(pin, this.mixed(pin, limit + 1), limit);
  }

  /** The list of a category mix; pins of one mix share it until the next rebuild. */
  private mixed(pin: number, limit: number): ScoredPins {
    const { categories } = this.columns;
    const [from, to] = [categories.start[pin], categories.start[pin] + categories.length[pin]];
    const key = `${limit} ${categories.ordinals.subarray(from, to).join()} ${categories.weights.subarray(from, to).join()}`;
    const known = this.mixes.get(key);
    if (known) return known;
    const made = this.mix(pin, limit);
    if (this.mixes.size >= MIXES_KEPT) this.mixes.clear();
    this.mixes.set(key, made);
    return made;
  }

  private mix(pin: number, limit: number): ScoredPins {
    const { categories } = this.columns;
    const sums = new Map<number, number>();
    for (let at = categories.start[pin]; at < categories.start[pin] + categories.length[pin]; at++) {
      const list = this.lists[categories.ordinals[at]] ?? NO_PINS;
      for (let p = 0; p < list.pinIndexes.length; p++) {
        const other = list.pinIndexes[p];
        sums.set(other, (sums.get(other) ?? 0) + categories.weights[at] * list.scores[p]);
      }
    }
    const heap = new TopKHeap(Math.min(limit, sums.size));
    for (const [other, sum] of sums) heap.offer(other, sum);
    return drained(heap);
  }

  private without(pin: number, list: ScoredPins, limit: number): ScoredPins {
    const kept = list.pinIndexes.findIndex((other) => other === pin);
    if (kept < 0) return { pinIndexes: list.pinIndexes.subarray(0, limit), scores: list.scores.subarray(0, limit) };
    const others = (_: number, at: number): boolean => at !== kept;
    return { pinIndexes: list.pinIndexes.filter(others), scores: list.scores.filter(others) };
  }
}

function drained(heap: TopKHeap): ScoredPins {
  const { ids, scores } = heap.drain();
  return { pinIndexes: ids, scores: Float32Array.from(scores) };
}
