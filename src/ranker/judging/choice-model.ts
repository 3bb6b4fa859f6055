/**
 * What people choose from a list: by where an item stands, and by the scores of two models. Multinomial logit, conditional on
 * the number of actions, so that lists with much and with little on them weigh by what was done (McFadden 1974):
 *
 *   P(the action falls on item i of a list) = exp(x_i . w) / sum over the shown items j of exp(x_j . w)
 *   x_i = (score by a, score by b, place terms);  log P gets the grade of the action as its weight
 *
 * The place terms are a line in log2(position) that may bend at 2, 4, 8 and 16: how much less a place is looked at. They come
 * from lists that were served shuffled, where a place says nothing about the item on it. On other lists they stay as they are
 * (inverse propensities: log P less what the place explains), and what is not known about them widens the error.
 * Because both scores are in the model, it does not matter that the shown items were picked by one of them: a regression is
 * not biased by a choice that its own regressors made. Newton's method; the variance is the sandwich over the
 * clusters, with their number less that of the weights for a divisor.
 */
import type { ComparedLists } from './compared-lists.ts';

/** Bends of the line, in log2(position). */
const BENDS = [1, 2, 3, 4];
const SCORES = 2;
const WIDTH = SCORES + 1 + BENDS.length;
/** So small that it only decides where the data say nothing, as on lists all of one order. */
const RIDGE = 1e-3;
const STEPS_MAX = 30;

/** Weights of the two scores, and the covariance of both. */
export interface ChoiceFit {
  readonly a: number;
  readonly b: number;
  readonly varianceA: number;
  readonly varianceB: number;
  readonly covariance: number;
  /** Lists with an action on a shown item. */
  readonly lists: number;
  readonly clusters: number;
}

/**
 * Fits the place terms on the lists that `places` takes, then the scores on those that `taken` takes; the same lists may be in
 * both. `places` null: nobody looked, and a place changes nothing. Null where
 * either has no more clusters with an action than there are weights.
 */
export function fitChoices(
  compared: ComparedLists,
  places: ((list: number) => boolean) | null,
  taken: (list: number) => boolean,
): ChoiceFit | null {
  const first = places && choicesOf(compared, places);
  const second = choicesOf(compared, taken);
  const clusters = clustersOf(second);
  if (clusters <= WIDTH || (first && clustersOf(first) <= WIDTH)) return null;
  const zeros = new Float64Array(WIDTH);
  const ofPlaces = first && optimum(first, zeros, WIDTH);
  const ofScores = optimum(second, ofPlaces?.w ?? zeros, SCORES);
  const influences = influencesOf(ofPlaces?.at ?? null, ofScores.at);
  const sums = [0, 0, 0];
  for (const [onA, onB] of influences) {
    sums[0] += onA * onA;
    sums[1] += onB * onB;
    sums[2] += onA * onB;
  }
  const [varianceA, varianceB, covariance] = sums.map((sum) => (sum * clusters) / (clusters - WIDTH));
  const [a, b] = ofScores.w;
  return { a, b, varianceA, varianceB, covariance, lists: second.length, clusters };
}

const clustersOf = (choices: readonly Choice[]): number => new Set(choices.map(({ cluster }) => cluster)).size;

/** The weights with the greatest likelihood; those from `free` on stay as they were given. */
function optimum(choices: readonly Choice[], from: Float64Array, free: number): { readonly w: Float64Array; readonly at: Likelihood } {
  let w = from;
  let at = likelihood(choices, w);
  for (let step = 0; step < STEPS_MAX; step++) {
    const move = new Float64Array(WIDTH);
    move.set(solve(corner(at.curvature, free), at.slope.subarray(0, free)));
    let [length, to, next] = [1, w, at];
    // Half the step until it gains: far from the optimum the whole one may leap over it.
    do {
      to = w.map((value, k) => value + length * move[k]);
      next = likelihood(choices, to);
      length /= 2;
    } while (next.value < at.value && length > 1e-6);
    [w, at] = [to, next];
    if (Math.max(...move.map(Math.abs)) < 1e-7) break;
  }
  return { w, at };
}

/**
 * What each cluster does to the two score weights: its own slope in the second fit, less what its slope in the first does to
 * the place terms and these to the scores.
 */
function influencesOf(first: Likelihood | null, second: Likelihood): readonly (readonly [number, number])[] {
  const inverse = corner(second.curvature, SCORES);
  const clusters = new Set([...(first?.byCluster.keys() ?? []), ...second.byCluster.keys()]);
  return [...clusters].map((cluster) => {
    const own = (second.byCluster.get(cluster) ?? new Float64Array(WIDTH)).slice(0, SCORES);
    const slope = first?.byCluster.get(cluster);
    const moved = first && slope ? solve(first.curvature, slope) : new Float64Array(WIDTH);
    for (let k = 0; k < SCORES; k++)
      for (let place = SCORES; place < WIDTH; place++) own[k] -= second.curvature[k * WIDTH + place] * moved[place];
    const [onA, onB] = solve(inverse, own);
    return [onA, onB] as const;
  });
}

/** The shown items of one list: `x` is items x WIDTH, row-major. */
interface Choice {
  readonly cluster: string;
  readonly x: Float64Array;
  readonly grades: Float64Array;
}

function choicesOf({ lists, start, a, b, positions, grades }: ComparedLists, taken: (list: number) => boolean): Choice[] {
  const choices: Choice[] = [];
  for (let list = 0; list < lists.length; list++) {
    if (!taken(list)) continue;
    const shown: number[] = [];
    let acted = false;
    for (let row = start[list]; row < start[list + 1]; row++) {
      if (positions[row] === 0) continue;
      shown.push(row);
      acted ||= grades[row] > 0;
    }
    if (!acted || shown.length < 2) continue;
    const x = new Float64Array(shown.length * WIDTH);
    shown.forEach((row, item) => {
      const place = Math.log2(positions[row]);
      x.set([a[row], b[row], place, ...BENDS.map((bend) => Math.max(0, place - bend))], item * WIDTH);
    });
    choices.push({ cluster: lists[list].cluster, x, grades: Float64Array.from(shown, (row) => grades[row]) });
  }
  return choices;
}

interface Likelihood {
  readonly value: number;
  readonly slope: Float64Array;
  /** WIDTH x WIDTH, row-major; positive definite. */
  readonly curvature: Float64Array;
  readonly byCluster: ReadonlyMap<string, Float64Array>;
}

function likelihood(choices: readonly Choice[], w: Float64Array): Likelihood {
  const slope = w.map((value) => -RIDGE * value);
  const curvature = new Float64Array(WIDTH * WIDTH);
  for (let k = 0; k < WIDTH; k++) curvature[k * WIDTH + k] = RIDGE;
  const byCluster = new Map<string, Float64Array>();
  let value = (-RIDGE / 2) * dot(w, w);
  for (const choice of choices) {
    let own = byCluster.get(choice.cluster);
    if (!own) byCluster.set(choice.cluster, (own = new Float64Array(WIDTH)));
    value += addChoice(choice, w, own, curvature);
  }
  for (const own of byCluster.values()) for (let k = 0; k < WIDTH; k++) slope[k] += own[k];
  return { value, slope, curvature, byCluster };
}

/** Adds a list's slope and curvature; gives its log-likelihood. */
function addChoice({ x, grades }: Choice, w: Float64Array, slope: Float64Array, curvature: Float64Array): number {
  const items = grades.length;
  const chance = new Float64Array(items);
  const mean = new Float64Array(WIDTH);
  let [most, sum, total, value] = [-Infinity, 0, 0, 0];
  for (let i = 0; i < items; i++) {
    for (let k = 0; k < WIDTH; k++) chance[i] += w[k] * x[i * WIDTH + k];
    most = Math.max(most, chance[i]);
  }
  for (let i = 0; i < items; i++) {
    value += grades[i] * (chance[i] - most);
    total += grades[i];
    chance[i] = Math.exp(chance[i] - most);
    sum += chance[i];
  }
  for (let i = 0; i < items; i++) for (let k = 0; k < WIDTH; k++) mean[k] += (chance[i] / sum) * x[i * WIDTH + k];
  const off = new Float64Array(WIDTH);
  for (let i = 0; i < items; i++) {
    for (let k = 0; k < WIDTH; k++) off[k] = x[i * WIDTH + k] - mean[k];
    const weight = (total * chance[i]) / sum;
    for (let k = 0; k < WIDTH; k++) {
      slope[k] += grades[i] * off[k];
      for (let l = 0; l < WIDTH; l++) curvature[k * WIDTH + l] += weight * off[k] * off[l];
    }
  }
  return value - total * Math.log(sum);
}

/** The first `size` rows and columns. */
function corner(matrix: Float64Array, size: number): Float64Array {
  return Float64Array.from({ length: size * size }, (_, at) => matrix[Math.floor(at / size) * WIDTH + (at % size)]);
}

function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < x.length; k++) sum += x[k] * y[k];
  return sum;
}

/** Solves M z = y for a positive definite M by Cholesky. */
function solve(matrix: Float64Array, y: Float64Array): Float64Array {
  const n = y.length;
  const lower = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * n + j];
      for (let k = 0; k < j; k++) sum -= lower[i * n + k] * lower[j * n + k];
      lower[i * n + j] = i === j ? Math.sqrt(sum) : sum / lower[j * n + j];
    }
  const z = y.slice();
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) z[i] -= lower[i * n + k] * z[k];
    z[i] /= lower[i * n + i];
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) z[i] -= lower[k * n + i] * z[k];
    z[i] /= lower[i * n + i];
  }
  return z;
}
