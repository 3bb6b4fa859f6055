/** How far the later lists have moved from those that were trained on, feature by feature. */
import type { RankingData } from '../training/ranking-data.ts';
import { listCount, listMatrix } from '../training/ranking-data.ts';

interface FeatureDrift {
  readonly name: string;
  readonly mean: { readonly training: number; readonly later: number };
  readonly nonZeroShare: { readonly training: number; readonly later: number };
  /** Shares of rows by bin: zero, then tenths of what was not zero in training. */
  readonly training: readonly number[];
  readonly later: readonly number[];
  /**
   * Population stability index: sum over bins of (later - training) ln(later / training). By custom under 0.1 is steady,
   * over 0.25 has moved.
   */
  readonly stability: number;
}

const TENTHS = 10;
/** Keeps the logarithm of an empty bin finite. */
const LEAST_SHARE = 1e-4;

/** For the columns of the training data, the most moved first; a column that the later data lack counts as 0 throughout. */
export function featureDrift(training: RankingData, later: RankingData): readonly FeatureDrift[] {
  const before = columnsOf(training, training.names);
  const after = columnsOf(later, training.names);
  const drifts = training.names.map((name, column) => driftOf(name, before[column], after[column]));
  return drifts.sort((a, b) => b.stability - a.stability || (a.name < b.name ? -1 : 1));
}

function driftOf(name: string, before: Float32Array, after: Float32Array): FeatureDrift {
  const edges = tenths(before.filter((value) => value !== 0));
  const [training, later] = [binShares(before, edges), binShares(after, edges)];
  const stability = training.reduce((sum, share, bin) => {
    const [p, q] = [Math.max(share, LEAST_SHARE), Math.max(later[bin], LEAST_SHARE)];
    return sum + (q - p) * Math.log(q / p);
  }, 0);
  return {
    name,
    training,
    later,
    stability,
    mean: { training: meanOf(before), later: meanOf(after) },
    nonZeroShare: { training: 1 - training[0], later: 1 - later[0] },
  };
}

/** Inner edges that part values into tenths; fewer where many values are equal. */
function tenths(values: Float32Array): readonly number[] {
  const sorted = values.slice().sort();
  const edges = Array.from({ length: TENTHS - 1 }, (_, at) => sorted[Math.floor(((at + 1) * sorted.length) / TENTHS)]);
  return [...new Set(edges)].filter((edge) => edge !== undefined);
}

function binShares(values: Float32Array, edges: readonly number[]): number[] {
  const counts = new Array<number>(edges.length + 2).fill(0);
  for (const value of values) {
    if (value === 0) counts[0]++;
    else {
      let bin = 0;
      while (bin < edges.length && value >= edges[bin]) bin++;
      counts[bin + 1]++;
    }
  }
  return counts.map((count) => count / Math.max(1, values.length));
}

function columnsOf(data: RankingData, names: readonly string[]): Float32Array[] {
  const from = names.map((name) => data.names.indexOf(name));
  const columns = names.map(() => new Float32Array(data.grades.length));
  for (let list = 0; list < listCount(data); list++) {
    const { data: values, rows, columns: width } = listMatrix(data, list);
    for (let row = 0; row < rows; row++)
      for (let c = 0; c < from.length; c++) if (from[c] >= 0) columns[c][data.listStart[list] + row] = values[row * width + from[c]];
  }
  return columns;
}

function meanOf(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return values.length > 0 ? sum / values.length : 0;
}
