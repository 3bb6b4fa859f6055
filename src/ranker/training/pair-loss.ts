/**
 * The pair loss of a Rank-SVM over rows that lie here, as its solver asks for it (rank-svm.ts):
 *
 *   loss(w)  = sum over pairs (i, j) of p_ij max(0, 1 - w.(x_i - x_j))^2
 *
 * With s = Xw, L+ and G+(u) the sums of preference-sums.ts as better side, L- and G-(u) as worse side, L = L+ + L-:
 *   loss(w)   = sum_i s_i [L_i s_i - G_i(s) - 2 (L+_i - L-_i)] + sum_i L+_i
 *   gradient  = 2 X^T [L s - G(s) - (L+ - L-)]
 *   curvature = the matrix K with K v = 2 X^T [L u - G(u)], u = Xv, the violated pairs frozen at w
 *
 * All three are sums over lists. So the loss of many parts of the lists is the sum of theirs: `sumsAt` and `addedLoss`.
 * Source   Lee and Lin, Neural Computation 26(4), 2014, equations 4, 10 and 11.
 */
import { dot } from '../../math/vector.ts';
import type { DesignMatrix } from './design-matrix.ts';
import { type PairWeights, type PreferenceLists, PreferenceSums } from './preference-sums.ts';

/** The loss at some weights. Only that of the last weights asked for may be used. */
export interface LossAt {
  readonly value: number;
  gradient(): Float64Array;
  /** out = K v; lengths d. */
  curvatureTimes(v: Float64Array, out: Float64Array): void;
}

/** The same written out, d columns: `curvature` is K, d x d, row by row. */
export interface LossSums {
  readonly value: number;
  readonly gradient: Float64Array;
  readonly curvature: Float64Array;
}

export class PairLoss {
  private readonly x: DesignMatrix;
  private readonly lists: PreferenceLists;
  private readonly room: { readonly x: Float64Array; readonly ax: Float64Array }[] = [];
  private readonly sums: PreferenceSums;
  private readonly better: Float64Array;
  private readonly worse: Float64Array;
  private readonly scores: Float64Array;
  private readonly g: Float64Array;
  private readonly slope: Float64Array;
  private readonly u: Float64Array;

  /** Throws RangeError where rows and grades differ in number. */
  constructor(x: DesignMatrix, lists: PreferenceLists, weights?: PairWeights) {
    if (x.rows !== lists.levels.length) throw new RangeError(`rows: ${x.rows} rows, but ${lists.levels.length} grades`);
    this.x = x;
    this.lists = lists;
    this.sums = new PreferenceSums(lists, weights);
    const perRow = (): Float64Array => new Float64Array(x.rows);
    [this.better, this.worse, this.scores, this.g, this.slope, this.u] = Array.from({ length: 6 }, perRow);
  }

  /** Freezes the violated pairs at w. */
  at(w: Float64Array): LossAt {
    const { better, worse, scores, g } = this;
    this.x.times(w, scores);
    this.sums.freeze(scores);
    this.sums.better(null, better.fill(0));
    this.sums.worse(null, worse.fill(0));
    this.pairSums(scores, g);
    let value = 0;
    for (let i = 0; i < scores.length; i++)
      value += scores[i] * ((better[i] + worse[i]) * scores[i] - g[i] - 2 * (better[i] - worse[i])) + better[i];
    return { value, gradient: () => this.gradient(), curvatureTimes: (v, out) => this.curvatureTimes(v, out) };
  }

  /**
   * Loss, gradient and curvature at w: what a part of the lists adds to the whole. The curvature of a list is X^T (A X), where row i of
   * A X is the sum of 2 p_ij (x_i - x_j) over the violated pairs of i: as served lists are short, pairs are few.
   */
  sumsAt(w: Float64Array): LossSums {
    const at = this.at(w);
    const { columns } = this.x;
    const curvature = new Float64Array(columns * columns);
    const { start } = this.lists;
    for (let list = 0; list + 1 < start.length; list++) this.addCurvature(list, curvature);
    for (let a = 0; a < columns; a++) for (let b = 0; b < a; b++) curvature[a * columns + b] = curvature[b * columns + a];
    return { value: at.value, gradient: at.gradient(), curvature };
  }

  /** Adds the upper half of a list's curvature. */
  private addCurvature(list: number, out: Float64Array): void {
    const { columns } = this.x;
    const first = this.lists.start[list];
    const rows = new Map<number, { readonly x: Float64Array; readonly ax: Float64Array }>();
    const rowOf = (row: number) => {
      let found = rows.get(row);
      if (!found) {
        found = this.scratch(row - first);
        this.x.row(row, found.x);
        found.ax.fill(0);
        rows.set(row, found);
      }
      return found;
    };
    this.sums.eachViolated(list, (better, worse, weight) => {
      const [{ x: xi, ax: axi }, { x: xj, ax: axj }] = [rowOf(better), rowOf(worse)];
      for (let c = 0; c < columns; c++) {
        const move = 2 * weight * (xi[c] - xj[c]);
        axi[c] += move;
        axj[c] -= move;
      }
    });
    for (const { x, ax } of rows.values()) {
      for (let a = 0; a < columns; a++) {
        const value = x[a];
        const row = a * columns;
        if (value !== 0) for (let b = a; b < columns; b++) out[row + b] += value * ax[b];
      }
    }
  }

  /** Room for the nth row of a list and its row of A X. */
  private scratch(n: number): { readonly x: Float64Array; readonly ax: Float64Array } {
    const { columns } = this.x;
    return (this.room[n] ??= { x: new Float64Array(columns), ax: new Float64Array(columns) });
  }

  private gradient(): Float64Array {
    const { better, worse, scores, g, slope } = this;
    for (let i = 0; i < slope.length; i++) slope[i] = (better[i] + worse[i]) * scores[i] - g[i] - (better[i] - worse[i]);
    const gradient = new Float64Array(this.x.columns);
    this.x.transposeTimes(slope, gradient);
    return gradient.map((value) => 2 * value);
  }

  private curvatureTimes(v: Float64Array, out: Float64Array): void {
    const { better, worse, slope, u } = this;
    this.x.times(v, u);
    this.pairSums(u, slope);
    for (let i = 0; i < u.length; i++) slope[i] = (better[i] + worse[i]) * u[i] - slope[i];
    this.x.transposeTimes(slope, out);
    for (let c = 0; c < out.length; c++) out[c] *= 2;
  }

  /** G(u) = G+(u) + G-(u) over the frozen pairs. */
  private pairSums(u: Float64Array, out: Float64Array): void {
    this.sums.better(u, out.fill(0));
    this.sums.worse(u, out);
  }
}

/** The loss of all parts from that of each, added in their order. Throws RangeError without any. */
export function addedLoss(parts: readonly LossSums[]): LossAt {
  if (parts.length === 0) throw new RangeError('parts: expected one or more');
  const sum = (of: (part: LossSums) => Float64Array): Float64Array => {
    const total = new Float64Array(of(parts[0]).length);
    for (const part of parts) of(part).forEach((value, at) => (total[at] += value));
    return total;
  };
  const gradient = sum((part) => part.gradient);
  const curvature = sum((part) => part.curvature);
  const columns = gradient.length;
  return {
    value: parts.reduce((total, part) => total + part.value, 0),
    gradient: () => gradient,
    curvatureTimes: (v, out) => {
      for (let c = 0; c < columns; c++) out[c] = dot(curvature.subarray(c * columns, (c + 1) * columns), v);
    },
  };
}
