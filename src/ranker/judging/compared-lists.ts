/**
 * Logged lists under two models: for every logged candidate, shown or not, where either model puts it among all candidates
 * of its list, and what people did with it. A row is a few numbers, so that tens of thousands of lists fit into memory.
 */
import { type JudgedList, truthOf } from '../../catalog/log/judged-list.ts';
import { isReplayed } from '../../catalog/log/replayed-list.ts';
import { normalQuantile } from '../../math/distributions.ts';

/** Scores of the logged candidates of a list, one per row. */
export type ScoreLogged = (list: JudgedList) => ArrayLike<number> | Promise<ArrayLike<number>>;

/** What is said of a list as a whole. */
interface ComparedList {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly shuffled: boolean;
  /** Made by a replay of saves, not by people. */
  readonly replayed: boolean;
  /** Lists of one cluster share their truth. */
  readonly cluster: string;
}

/** List l is rows `start[l] .. start[l + 1])`; `a` and `b` are normal scores over all candidates: 0 the middle, 2 the best 2 %. */
export interface ComparedLists {
  readonly lists: readonly ComparedList[];
  readonly start: Int32Array;
  readonly a: Float64Array;
  readonly b: Float64Array;
  /** From 1; 0: not shown. */
  readonly positions: Uint16Array;
  /** 0: nothing was done with it, or it was hidden. */
  readonly grades: Float32Array;
  /** How many candidates of the list a row stands for: 1 for those shown, more for the few drawn from the rest. */
  readonly weights: Float64Array;
}

/** Reads lists in the order given. Beyond `listsMax` it takes only those that were served shuffled: they say more, and are few. */
export async function compareLists(
  judged: Iterable<JudgedList>,
  scores: { readonly a: ScoreLogged; readonly b: ScoreLogged },
  listsMax: number,
): Promise<ComparedLists> {
  const lists: ComparedList[] = [];
  const start = [0];
  const columns = { a: [] as number[], b: [] as number[], positions: [] as number[], grades: [] as number[], weights: [] as number[] };
  for (const list of judged) {
    if (lists.length >= listsMax && !list.shuffled) continue;
    const { count, positions } = list.items;
    const weights = weightsOf(list);
    pushCentered(columns.a, await scores.a(list), weights);
    pushCentered(columns.b, await scores.b(list), weights);
    for (let row = 0; row < count; row++) {
      columns.positions.push(positions[row]);
      columns.grades.push(positions[row] > 0 ? Math.max(0, list.grades[row]) : 0);
      columns.weights.push(weights[row]);
    }
    start.push(columns.weights.length);
    lists.push({ at: list.at, shuffled: list.shuffled, replayed: isReplayed(list), cluster: truthOf(list) });
  }
  const weights = Float64Array.from(columns.weights);
  return {
    lists,
    start: Int32Array.from(start),
    a: normalScores(columns.a, weights),
    b: normalScores(columns.b, weights),
    positions: Uint16Array.from(columns.positions),
    grades: Float32Array.from(columns.grades),
    weights,
  };
}

/**
 * The rows that were not shown were drawn evenly from the rest, so that each stands for its share of it. How many there were
 * is not logged; with u drawn, the greatest rank of these is on average u / (u + 1) of the number of candidates.
 */
function weightsOf({ items: { count, positions, retrievedRanks } }: JudgedList): Float64Array {
  let [shown, greatest, greatestDrawn] = [0, 0, 0];
  for (let row = 0; row < count; row++) {
    greatest = Math.max(greatest, retrievedRanks[row] + 1);
    if (positions[row] > 0) shown++;
    else greatestDrawn = Math.max(greatestDrawn, retrievedRanks[row] + 1);
  }
  const drawn = count - shown;
  const candidates = drawn === 0 ? shown : Math.max(count, greatest, (greatestDrawn * (drawn + 1)) / drawn - 1);
  return Float64Array.from({ length: count }, (_, row) => (positions[row] > 0 ? 1 : (candidates - shown) / drawn));
}

/** Scores less the mean over the list's candidates: what is the same for all of them orders nothing. */
function pushCentered(into: number[], scores: ArrayLike<number>, weights: Float64Array): void {
  let [sum, total] = [0, 0];
  for (let row = 0; row < weights.length; row++) {
    sum += weights[row] * scores[row];
    total += weights[row];
  }
  for (let row = 0; row < weights.length; row++) into.push(scores[row] - sum / total);
}

/** The normal quantile of each value's share of the candidates of all lists that score lower, half of the equal ones included. */
function normalScores(values: readonly number[], weights: Float64Array): Float64Array {
  const order = Uint32Array.from(values, (_, row) => row).sort((x, y) => values[x] - values[y]);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const out = new Float64Array(values.length);
  let below = 0;
  for (let from = 0; from < order.length;) {
    let to = from;
    let same = 0;
    while (to < order.length && values[order[to]] === values[order[from]]) same += weights[order[to++]];
    const score = normalQuantile(Math.min(1 - 1e-6, Math.max(1e-6, (below + same / 2) / total)));
    for (let at = from; at < to; at++) out[order[at]] = score;
    below += same;
    from = to;
  }
  return out;
}
