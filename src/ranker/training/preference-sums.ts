/**
 * Sums over the violated preference pairs of all lists, without writing a pair out.
 *
 * For row i, over the rows j of its list with a lower grade and s_j > s_i - 1 (i should beat j and does not by enough):
 *   better_i = b_i * sum of c_j * G,   and with values u:  b_i * sum of c_j u_j * G
 * and over the rows with a higher grade and s_j < s_i + 1 likewise with b and c exchanged. One descending and one ascending
 * sweep over the rows sorted by score; an order-statistics structure over grades answers "sum of all lower (higher)
 * grades": O(n log n) to sort, O(n log k) for k grades.
 * Source   Lee and Lin, Large-scale linear RankSVM, Neural Computation 26(4), 2014, section 3.2 and algorithm 3; the pair
 *          weights q b_i c_j G(grade_i, grade_j) are ours.
 */

/** Lists of rows: list q is rows `start[q] .. start[q + 1])`. */
export interface PreferenceLists {
  readonly start: Int32Array;
  /** Grade of each row as a level 0..levelCount-1 (rank of its value among all values). */
  readonly levels: Uint16Array;
  readonly levelCount: number;
}

/** p_ij = list x better_i x worse_j x grades[level of i, level of j]; what is absent is 1. */
export interface PairWeights {
  /** Per row, as the better side: 1 / propensity of a clicked row, say. Absent: 1. */
  readonly better?: Float64Array;
  /** Per row, as the worse side. */
  readonly worse?: Float64Array;
  /** Per list: 1 / pairs of the list, say. */
  readonly list?: Float64Array;
  /** levelCount x levelCount, [better * levelCount + worse]; at most 16 levels. */
  readonly grades?: Float64Array;
}

/** The order-statistics structure: sums by level, "all lower" and "all higher" in O(log k) (Fenwick 1994). */
class LevelSums {
  private readonly tree: Float64Array;
  private readonly size: number;
  private total = 0;

  constructor(levels: number) {
    this.size = levels;
    this.tree = new Float64Array(levels + 1);
  }

  clear(): void {
    this.tree.fill(0);
    this.total = 0;
  }

  add(level: number, value: number): void {
    this.total += value;
    for (let at = level + 1; at <= this.size; at += at & -at) this.tree[at] += value;
  }

  /** Sum over levels below `level`. */
  below(level: number): number {
    let sum = 0;
    for (let at = level; at > 0; at -= at & -at) sum += this.tree[at];
    return sum;
  }

  above(level: number): number {
    return this.total - this.below(level + 1);
  }
}

/** The same with a weight per pair of levels: plain sums by level, O(k) a question. */
class WeightedLevelSums {
  private readonly sums: Float64Array;
  private readonly weights: Float64Array;

  constructor(levels: number, weights: Float64Array) {
    this.sums = new Float64Array(levels);
    this.weights = weights;
  }

  clear(): void {
    this.sums.fill(0);
  }

  add(level: number, value: number): void {
    this.sums[level] += value;
  }

  below(level: number): number {
    let sum = 0;
    for (let lower = 0; lower < level; lower++) sum += this.sums[lower] * this.weights[level * this.sums.length + lower];
    return sum;
  }

  above(level: number): number {
    let sum = 0;
    for (let higher = level + 1; higher < this.sums.length; higher++)
      sum += this.sums[higher] * this.weights[higher * this.sums.length + level];
    return sum;
  }
}

const MOST_WEIGHTED_LEVELS = 16;
const SHORT_LIST = 48;

/** `freeze` first, then any number of sums over the pairs violated there. Throws RangeError for grade weights of over 16 levels. */
export class PreferenceSums {
  private readonly lists: PreferenceLists;
  private readonly weights: PairWeights;
  private readonly order: Int32Array;
  private readonly sums: LevelSums | WeightedLevelSums;
  private scores: Float64Array;

  constructor(lists: PreferenceLists, weights: PairWeights = {}) {
    if (weights.grades && lists.levelCount > MOST_WEIGHTED_LEVELS)
      throw new RangeError(`grade weights: expected at most ${MOST_WEIGHTED_LEVELS} grades, got ${lists.levelCount}`);
    this.lists = lists;
    this.weights = weights;
    this.order = new Int32Array(lists.levels.length);
    for (let row = 0; row < this.order.length; row++) this.order[row] = row;
    this.sums = weights.grades ? new WeightedLevelSums(lists.levelCount, weights.grades) : new LevelSums(lists.levelCount);
    this.scores = new Float64Array(lists.levels.length);
  }

  /** Freezes the scores that decide which pairs are violated; sorts each list by them. */
  freeze(scores: Float64Array): void {
    this.scores = scores;
    const { start } = this.lists;
    for (let list = 0; list + 1 < start.length; list++) sortRange(this.order, scores, start[list], start[list + 1]);
  }

  /** As the better side: out_i += q b_i * sum of c_j u_j G over violated pairs; u null means 1. Lengths: one per row. */
  better(u: Float64Array | null, out: Float64Array): void {
    const { start, levels } = this.lists;
    const { order, scores, sums } = this;
    const { better, worse, list: listWeights } = this.weights;
    for (let list = 0; list + 1 < start.length; list++) {
      const q = listWeights ? listWeights[list] : 1;
      sums.clear();
      let next = start[list + 1] - 1;
      for (let at = start[list + 1] - 1; at >= start[list]; at--) {
        const i = order[at];
        while (next >= start[list] && scores[order[next]] > scores[i] - 1) {
          const j = order[next--];
          sums.add(levels[j], (u ? u[j] : 1) * (worse ? worse[j] : 1));
        }
        out[i] += q * (better ? better[i] : 1) * sums.below(levels[i]);
      }
    }
  }

  /** Every violated pair of a list and its weight, one by one: for short lists, or where each pair is worth a lot of work. */
  eachViolated(list: number, take: (better: number, worse: number, weight: number) => void): void {
    const { start, levels, levelCount } = this.lists;
    const { better, worse, list: listWeights, grades } = this.weights;
    const [from, to] = [start[list], start[list + 1]];
    for (let i = from; i < to; i++) {
      for (let j = from; j < to; j++) {
        if (levels[j] >= levels[i] || !(this.scores[j] > this.scores[i] - 1)) continue;
        const sides = (better ? better[i] : 1) * (worse ? worse[j] : 1) * (grades ? grades[levels[i] * levelCount + levels[j]] : 1);
        take(i, j, (listWeights ? listWeights[list] : 1) * sides);
      }
    }
  }

  /** As the worse side: out_j += q c_j * sum of b_i u_i G over violated pairs. */
  worse(u: Float64Array | null, out: Float64Array): void {
    const { start, levels } = this.lists;
    const { order, scores, sums } = this;
    const { better, worse, list: listWeights } = this.weights;
    for (let list = 0; list + 1 < start.length; list++) {
      const q = listWeights ? listWeights[list] : 1;
      sums.clear();
      let next = start[list];
      for (let at = start[list]; at < start[list + 1]; at++) {
        const j = order[at];
        while (next < start[list + 1] && scores[order[next]] < scores[j] + 1) {
          const i = order[next++];
          sums.add(levels[i], (u ? u[i] : 1) * (better ? better[i] : 1));
        }
        out[j] += q * (worse ? worse[j] : 1) * sums.above(levels[j]);
      }
    }
  }
}

/** Sorts `order[from, to)` by ascending score: insertion where lists are short or nearly sorted already, else a real sort. */
function sortRange(order: Int32Array, scores: Float64Array, from: number, to: number): void {
  if (to - from > SHORT_LIST) {
    order.subarray(from, to).sort((a, b) => scores[a] - scores[b]);
    return;
  }
  for (let at = from + 1; at < to; at++) {
    const row = order[at];
    const score = scores[row];
    let back = at - 1;
    while (back >= from && scores[order[back]] > score) {
      order[back + 1] = order[back];
      back--;
    }
    order[back + 1] = row;
  }
}

/** Preference pairs of all lists: for each list, pairs of rows with different grades. */
export function countPairs(lists: PreferenceLists): number {
  const counts = new Float64Array(lists.levelCount);
  let pairs = 0;
  for (let list = 0; list + 1 < lists.start.length; list++) {
    counts.fill(0);
    let size = 0;
    for (let row = lists.start[list]; row < lists.start[list + 1]; row++) {
      pairs += size - counts[lists.levels[row]];
      counts[lists.levels[row]]++;
      size++;
    }
  }
  return pairs;
}

/**
 * Grades as levels, and list starts, from a grade per row and a length per list. Throws RangeError where the lengths do not
 * add up to the rows, or for more than 65,535 different grades.
 */
export function preferenceLists(grades: ArrayLike<number>, lengths: readonly number[]): PreferenceLists {
  const distinct = [...new Set(Array.from(grades))].sort((a, b) => a - b);
  if (distinct.length > 65_535) throw new RangeError(`grades: expected at most 65,535 different ones, got ${distinct.length}`);
  const level = new Map(distinct.map((grade, at) => [grade, at]));
  const start = new Int32Array(lengths.length + 1);
  lengths.forEach((length, list) => {
    start[list + 1] = start[list] + length;
  });
  if (start[lengths.length] !== grades.length)
    throw new RangeError(`list lengths add up to ${start[lengths.length]}, but there are ${grades.length} grades`);
  return { start, levels: Uint16Array.from(grades, (grade) => level.get(grade) ?? 0), levelCount: distinct.length };
}
