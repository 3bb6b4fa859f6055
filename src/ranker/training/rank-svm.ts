/**
 * Trains a linear ranker from preference pairs (Rank-SVM, squared hinge, primal):
 *
 *   min_w  f(w) = 1/2 |w - w0|^2 + C * sum over pairs (i, j) of p_ij max(0, 1 - w.(x_i - x_j))^2
 *   subject to  w_c >= 0 where sign_c = 1, w_c <= 0 where sign_c = -1
 *
 * by Newton's method: directions from conjugate gradients on the generalized Hessian, a backtracking line search. Weights
 * at their bound whose gradient points outwards rest while the others move (two-metric projection).
 * The solver asks for the sum over pairs at some weights, with its gradient and curvature, and never sees a row: the rows may lie
 * here (pair-loss.ts) or with many machines (training-shards.ts), and the steps are the same.
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
import { type LossAt, PairLoss } from './pair-loss.ts';
import { countPairs, type PairWeights, type PreferenceLists } from './preference-sums.ts';

/** Absent: tolerance 1e-5, at most 100 iterations, no prior, no signs. */
export interface NewtonSettings {
  readonly c: number;
  /** Stops when |projected gradient| <= tolerance * |projected gradient at the prior|. */
  readonly tolerance?: number;
  readonly prior?: Float64Array;
  readonly signs?: Int8Array;
  /** Per column 1 where the weight stays at the prior. */
  readonly fixed?: Uint8Array;
  readonly iterationsMax?: number;
  readonly warm?: Float64Array;
  readonly onIteration?: (iteration: number, objective: number, gradientNorm: number) => void;
}

interface RankSvmSettings extends NewtonSettings {
  /** Absent: all 1. */
  readonly weights?: PairWeights;
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
  const loss = new PairLoss(x, lists, settings.weights);
  const search = newton({ columns: x.columns, pairs: countPairs(lists) }, settings);
  let step = search.next();
  while (!step.done) step = search.next(loss.at(step.value));
  return step.value;
}

/** Of the rows, wherever they lie. */
interface Sizes {
  readonly columns: number;
  /** Preference pairs, whatever their weight. */
  readonly pairs: number;
}

/** The search itself: yields every w at which it must know the loss, and is resumed with it. Throws RangeError for a C that is not above 0, RANKER_NO_PAIRS. */
export function* newton({ columns, pairs }: Sizes, settings: NewtonSettings): Generator<Float64Array, RankSvmResult, LossAt> {
  if (!(settings.c > 0)) throw new RangeError(`C: expected a number above 0, got ${settings.c}`);
  if (pairs === 0) throw new ServiceError('RANKER_NO_PAIRS', { reason: 'no list holds two items that people treated differently' });
  const problem = new Problem(columns, settings);
  const atPrior = yield* problem.evaluated(problem.projected(problem.prior));
  const limit = (settings.tolerance ?? TOLERANCE) * atPrior.gradientNorm;
  let point = settings.warm ? yield* problem.evaluated(problem.projected(settings.warm)) : atPrior;
  const trace = [{ objective: point.objective, gradientNorm: point.gradientNorm }];
  let iteration = 0;
  while (point.gradientNorm > limit && iteration < (settings.iterationsMax ?? ITERATIONS_MAX)) {
    const next: Point | null = yield* problem.stepFrom(point);
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
  readonly loss: LossAt;
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
  private readonly c: number;

  constructor(columns: number, settings: NewtonSettings) {
    this.c = settings.c;
    this.signs = settings.signs ?? null;
    this.fixed = settings.fixed ?? null;
    this.prior = settings.prior ?? new Float64Array(columns);
  }

  /** A copy of w with every weight of the wrong sign at 0, and fixed ones at the prior. */
  projected(w: Float64Array): Float64Array {
    const { signs, fixed, prior } = this;
    return w.map((value, c) => (fixed?.[c] ? prior[c] : signs && signs[c] * value < 0 ? 0 : value));
  }

  heldAt({ resting }: Point): number[] {
    return Array.from(resting, (rests, c) => (rests && !this.fixed?.[c] ? c : -1)).filter((c) => c >= 0);
  }

  *evaluated(w: Float64Array): Generator<Float64Array, Point, LossAt> {
    const loss = yield w;
    return this.pointAt(w, loss, this.objectiveAt(w, loss));
  }

  private pointAt(w: Float64Array, loss: LossAt, objective: number): Point {
    const { signs, fixed, prior, c: weight } = this;
    const gradient = loss.gradient().map((value, c) => w[c] - prior[c] + weight * value);
    const resting = Uint8Array.from(gradient, (value, c) => (fixed?.[c] || (signs && w[c] === 0 && signs[c] * value > 0) ? 1 : 0));
    const gradientNorm = norm(gradient.map((value, c) => (resting[c] ? 0 : value)));
    return { w, loss, objective, gradient, resting, gradientNorm };
  }

  /** f(w). */
  private objectiveAt(w: Float64Array, { value }: LossAt): number {
    const moved = w.map((weight, c) => weight - this.prior[c]);
    return dot(moved, moved) / 2 + this.c * value;
  }

  /** One Newton step with line search; null when no step lowers the objective any more (rounding). */
  *stepFrom(point: Point): Generator<Float64Array, Point | null, LossAt> {
    const direction = this.direction(point);
    for (let step = 1, tried = 0; tried < STEPS_MAX; step /= 2, tried++) {
      const w = this.projected(point.w.map((value, c) => value + step * direction[c]));
      const loss = yield w;
      const objective = this.objectiveAt(w, loss);
      const descent = w.reduce((sum, value, c) => sum + (value - point.w[c]) * point.gradient[c], 0);
      if (objective <= point.objective + SUFFICIENT_DECREASE * descent)
        return objective < point.objective ? this.pointAt(w, loss, objective) : null;
    }
    return null;
  }

  /** Solves H d = -gradient over the columns that do not rest, H = 1 + C K, by conjugate gradients to a tenth of the gradient. */
  private direction({ gradient, resting, gradientNorm, loss }: Point): Float64Array {
    const d = new Float64Array(gradient.length);
    const residual = gradient.map((value, c) => (resting[c] ? 0 : -value));
    const p = Float64Array.from(residual);
    const hp = new Float64Array(gradient.length);
    let square = dot(residual, residual);
    const enough = (DIRECTION_TOLERANCE * gradientNorm) ** 2;
    for (let round = 0; round < 2 * gradient.length + 10 && square > enough; round++) {
      loss.curvatureTimes(p, hp);
      for (let c = 0; c < hp.length; c++) hp[c] = resting[c] ? 0 : p[c] + this.c * hp[c];
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
