/**
 * Trains a linear ranker from preference pairs (Rank-SVM, squared hinge, primal):
 *
 *   min_w  f(w) = 1/2 |w - w0|^2 + C * sum over pairs (i, j) of p_ij max(0, 1 - w.(x_i - x_j))^2
 *   subject to  w_c >= 0 where sign_c = 1, w_c <= 0 where sign_c = -1
 *
 * by Newton's method: directions from conjugate gradients on the generalized Hessian, a backtracking line search. Weights
 * at their bound whose gradient points outwards rest while the others move (two-metric projection).
 * With s = Xw, L+ and G+(u) the sums of preference-sums.ts as better side, L- and G-(u) as worse side, L = L+ + L-:
 *   f(w)     = 1/2 |w - w0|^2 + C { sum_i s_i [L_i s_i - G_i(s) - 2 (L+_i - L-_i)] + sum_i L+_i }
 *   gradient = w - w0 + 2C X^T [L s - G(s) - (L+ - L-)]
 *   H v      = v + 2C X^T [L u - G(u)],  u = Xv, the violated pairs frozen at w
 *
 * Given    X       n x d rows of lists that lie together, normalized
 *          lists   where each list starts, and the level of each row's grade
 *          C > 0   weight of the pair loss; weights: factors of p_ij, 1 when absent
 *          prior   w0, 0 when absent: little data moves little, and a column without evidence keeps its prior weight
 *          signs   1, -1 or 0 (free) per column
 *          fixed   columns that keep the weight of the prior
 *          warm    a w to start from, instead of the prior
 * Returns  w, length d, in the column order of X; objective and norm of the projected gradient after each iteration; the
 *          columns whose sign held them back.
 * Throws   RANKER_NO_PAIRS if no list has two different grades.
 * Same input, same bits out.
 * Source   Joachims, KDD 2002, optimization problem 1 (there with the plain hinge); squared hinge and sums instead of pairs:
 *          Lee and Lin, Neural Computation 26(4), 2014, equations 4, 10 and 11; bounds: Bertsekas, SIAM Journal on Control
 *          and Optimization 20(2), 1982.
 */
import { ServiceError } from '../../errors.ts';
import { dot, norm } from '../../math/vector.ts';
import type { DesignMatrix } from './design-matrix.ts';
import { countPairs, type PairWeights, type PreferenceLists, PreferenceSums } from './preference-sums.ts';

/** Absent: tolerance 1e-5, at most 100 iterations, all weights 1, no prior, no signs. */
interface RankSvmSettings {
  readonly c: number;
  /** Stops when |projected gradient| <= tolerance * |projected gradient at the prior|. */
  readonly tolerance?: number;
  readonly prior?: Float64Array;
  readonly signs?: Int8Array;
  /** Per column 1 where the weight stays at the prior. */
  readonly fixed?: Uint8Array;
  readonly iterationsMax?: number;
  readonly weights?: PairWeights;
  readonly warm?: Float64Array;
  readonly onIteration?: (iteration: number, objective: number, gradientNorm: number) => void;
}

/** `trace[0]` is where it began, `trace[i]` where iteration i ended; `pairs` counts preference pairs whatever their weight. */
export interface RankSvmResult {
  readonly w: Float64Array;
  readonly objective: number;
  readonly gradientNorm: number;
  readonly iterations: number;
  readonly converged: boolean;
  readonly pairs: number;
  /** Columns whose weight is 0 because its sign lets it go no further. */
  readonly held: readonly number[];
  readonly trace: readonly { readonly objective: number; readonly gradientNorm: number }[];
}

const TOLERANCE = 1e-5;
const ITERATIONS_MAX = 100;
/** Conjugate gradients stop at this share of the gradient, as in LIBLINEAR's trust region. */
const DIRECTION_TOLERANCE = 0.1;
const SUFFICIENT_DECREASE = 1e-4;
const STEPS_MAX = 40;

/** As above. Throws RangeError for a C that is not above 0, or where rows and grades differ in number. */
export function trainRankSvm(x: DesignMatrix, lists: PreferenceLists, settings: RankSvmSettings): RankSvmResult {
  if (!(settings.c > 0)) throw new RangeError(`C: expected a number above 0, got ${settings.c}`);
  if (x.rows !== lists.levels.length) throw new RangeError(`rows: ${x.rows} rows, but ${lists.levels.length} grades`);
  const pairs = countPairs(lists);
  if (pairs === 0) throw new ServiceError('RANKER_NO_PAIRS', { reason: 'no list holds two items that people treated differently' });
  const problem = new Problem(x, lists, settings);
  const atPrior = problem.at(problem.projected(problem.prior));
  const limit = (settings.tolerance ?? TOLERANCE) * atPrior.gradientNorm;
  let point = settings.warm ? problem.at(problem.projected(settings.warm)) : atPrior;
  const trace = [{ objective: point.objective, gradientNorm: point.gradientNorm }];
  let iteration = 0;
  while (point.gradientNorm > limit && iteration < (settings.iterationsMax ?? ITERATIONS_MAX)) {
    const next = problem.stepFrom(point);
    if (!next) break;
    point = next;
    iteration++;
    trace.push({ objective: point.objective, gradientNorm: point.gradientNorm });
    settings.onIteration?.(iteration, point.objective, point.gradientNorm);
  }
  const { w, objective, gradientNorm } = point;
  return { w, objective, gradientNorm, iterations: iteration, converged: gradientNorm <= limit, pairs, held: problem.heldAt(point), trace };
}

interface Point {
  readonly w: Float64Array;
  readonly scores: Float64Array;
  readonly objective: number;
  readonly gradient: Float64Array;
  /** 1 where the weight is fixed, or at its bound with a gradient that points outwards. */
  readonly resting: Uint8Array;
  /** Of the gradient without resting columns. */
  readonly gradientNorm: number;
}

class Problem {
  /** w0. */
  readonly prior: Float64Array;
  private readonly signs: Int8Array | null;
  private readonly fixed: Uint8Array | null;
  private readonly x: DesignMatrix;
  private readonly c: number;
  private readonly sums: PreferenceSums;
  private readonly better: Float64Array;
  private readonly worse: Float64Array;
  private readonly g: Float64Array;
  private readonly part: Float64Array;
  private readonly slope: Float64Array;

  constructor(x: DesignMatrix, lists: PreferenceLists, settings: RankSvmSettings) {
    this.x = x;
    this.c = settings.c;
    this.signs = settings.signs ?? null;
    this.fixed = settings.fixed ?? null;
    this.prior = settings.prior ?? new Float64Array(x.columns);
    this.sums = new PreferenceSums(lists, settings.weights);
    this.better = new Float64Array(x.rows);
    this.worse = new Float64Array(x.rows);
    this.g = new Float64Array(x.rows);
    this.part = new Float64Array(x.rows);
    this.slope = new Float64Array(x.rows);
  }

  /** A copy of w with every weight of the wrong sign at 0, and fixed ones at the prior. */
  projected(w: Float64Array): Float64Array {
    const { signs, fixed, prior } = this;
    return w.map((value, c) => (fixed?.[c] ? prior[c] : signs && signs[c] * value < 0 ? 0 : value));
  }

  heldAt({ resting }: Point): number[] {
    return Array.from(resting, (rests, c) => (rests && !this.fixed?.[c] ? c : -1)).filter((c) => c >= 0);
  }

  /** Objective and gradient at w; leaves the violated pairs frozen there. */
  at(w: Float64Array, scores = this.scoresOf(w)): Point {
    return this.withGradient(w, scores, this.objectiveAt(w, scores));
  }

  /** The point whose objective was just computed: L+, L- and G(s) are still those of `scores`. */
  private withGradient(w: Float64Array, scores: Float64Array, objective: number): Point {
    const { better, worse, g, slope } = this;
    for (let i = 0; i < slope.length; i++) slope[i] = (better[i] + worse[i]) * scores[i] - g[i] - (better[i] - worse[i]);
    const gradient = new Float64Array(this.x.columns);
    this.x.transposeTimes(slope, gradient);
    for (let c = 0; c < gradient.length; c++) gradient[c] = w[c] - this.prior[c] + 2 * this.c * gradient[c];
    const { signs, fixed } = this;
    const resting = Uint8Array.from(gradient, (value, c) => (fixed?.[c] || (signs && w[c] === 0 && signs[c] * value > 0) ? 1 : 0));
    const gradientNorm = norm(gradient.map((value, c) => (resting[c] ? 0 : value)));
    return { w, scores, objective, gradient, resting, gradientNorm };
  }

  /** f(w); afterwards `better`, `worse` and `g` hold L+, L- and G(s). */
  private objectiveAt(w: Float64Array, scores: Float64Array): number {
    const { better, worse, g } = this;
    this.sums.freeze(scores);
    this.sums.better(null, better);
    this.sums.worse(null, worse);
    this.pairSums(scores, g);
    let loss = 0;
    for (let i = 0; i < scores.length; i++) {
      loss += scores[i] * ((better[i] + worse[i]) * scores[i] - g[i] - 2 * (better[i] - worse[i])) + better[i];
    }
    const moved = w.map((value, c) => value - this.prior[c]);
    return dot(moved, moved) / 2 + this.c * loss;
  }

  /** G(u) = G+(u) + G-(u) over the frozen pairs. */
  private pairSums(u: Float64Array, out: Float64Array): void {
    this.sums.better(u, out);
    this.sums.worse(u, this.part);
    for (let i = 0; i < out.length; i++) out[i] += this.part[i];
  }

  private scoresOf(w: Float64Array): Float64Array {
    const scores = new Float64Array(this.x.rows);
    this.x.times(w, scores);
    return scores;
  }

  /** H v with the pairs frozen at the current point. */
  private hessianTimes(v: Float64Array, u: Float64Array, out: Float64Array): void {
    this.x.times(v, u);
    this.pairSums(u, this.slope);
    for (let i = 0; i < u.length; i++) this.slope[i] = (this.better[i] + this.worse[i]) * u[i] - this.slope[i];
    this.x.transposeTimes(this.slope, out);
    for (let c = 0; c < out.length; c++) out[c] = v[c] + 2 * this.c * out[c];
  }

  /** One Newton step with line search; null when no step lowers the objective any more (rounding). */
  stepFrom(point: Point): Point | null {
    const direction = this.direction(point);
    const moved = this.scoresOf(direction);
    for (let step = 1, tried = 0; tried < STEPS_MAX; step /= 2, tried++) {
      const straight = point.w.map((value, c) => value + step * direction[c]);
      const w = this.projected(straight);
      const bent = w.some((value, c) => value !== straight[c]);
      const scores = bent ? this.scoresOf(w) : point.scores.map((value, i) => value + step * moved[i]);
      const objective = this.objectiveAt(w, scores);
      const descent = w.reduce((sum, value, c) => sum + (value - point.w[c]) * point.gradient[c], 0);
      if (objective <= point.objective + SUFFICIENT_DECREASE * descent) {
        return objective < point.objective ? this.withGradient(w, scores, objective) : null;
      }
    }
    return null;
  }

  /** Solves H d = -gradient over the columns that do not rest, by conjugate gradients to a tenth of the gradient. */
  private direction(point: Point): Float64Array {
    const d = new Float64Array(this.x.columns);
    const residual = point.gradient.map((value, c) => (point.resting[c] ? 0 : -value));
    const p = Float64Array.from(residual);
    const hp = new Float64Array(this.x.columns);
    const u = new Float64Array(this.x.rows);
    let square = dot(residual, residual);
    const enough = (DIRECTION_TOLERANCE * point.gradientNorm) ** 2;
    for (let round = 0; round < 2 * this.x.columns + 10 && square > enough; round++) {
      this.hessianTimes(p, u, hp);
      for (let c = 0; c < hp.length; c++) if (point.resting[c]) hp[c] = 0;
      const alpha = square / dot(p, hp);
      for (let c = 0; c < d.length; c++) {
        d[c] += alpha * p[c];
        residual[c] -= alpha * hp[c];
      }
      const next = dot(residual, residual);
      for (let c = 0; c < d.length; c++) p[c] = residual[c] + (next / square) * p[c];
      square = next;
    }
    return d;
  }
}
