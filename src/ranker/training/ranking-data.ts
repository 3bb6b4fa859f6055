/**
 * Graded rows in lists: what a ranker is trained and measured on, from a LETOR file or from the log. Arrays lie in shared
 * memory, so that worker threads read the same copy.
 */
import type { Matrix } from '../../math/matrix.ts';
import { type DesignMatrix, denseDesign, sparseDesign } from './design-matrix.ts';
import { ColumnStatistics, type Normalization, normalizeWith } from '../scoring/normalizer.ts';
import { type PreferenceLists, preferenceLists } from './preference-sums.ts';

/** Row-major values of every column. */
interface DenseRows {
  readonly kind: 'dense';
  readonly data: Float32Array;
}

/** Row r holds `indexes[start[r] .. start[r + 1])` with `values`; a column that is absent is 0. */
interface CompressedRows {
  readonly kind: 'sparse';
  readonly start: Float64Array;
  readonly indexes: Uint32Array;
  readonly values: Float32Array;
}

export interface RankingData {
  /** Names of the columns. */
  readonly names: readonly string[];
  readonly rows: DenseRows | CompressedRows;
  readonly grades: Float32Array;
  /** List q is rows `listStart[q] .. listStart[q + 1])`. */
  readonly listStart: Int32Array;
}

export function listCount(data: RankingData): number {
  return data.listStart.length - 1;
}

export function rowCount(data: RankingData): number {
  return data.grades.length;
}

/** Lists `from .. to` of the data, over the same memory. */
export function sliceLists(data: RankingData, from: number, to: number): RankingData {
  const first = data.listStart[from];
  const last = data.listStart[to];
  const listStart = data.listStart.slice(from, to + 1).map((start) => start - first);
  const rows: DenseRows | CompressedRows =
    data.rows.kind === 'dense'
      ? { kind: 'dense', data: data.rows.data.subarray(first * data.names.length, last * data.names.length) }
      : { ...data.rows, start: data.rows.start.subarray(first, last + 1) };
  return { names: data.names, rows, grades: data.grades.subarray(first, last), listStart };
}

/** The rows of one list as a dense matrix. */
export function listMatrix(data: RankingData, list: number): Matrix {
  const columns = data.names.length;
  const first = data.listStart[list];
  const rows = data.listStart[list + 1] - first;
  if (data.rows.kind === 'dense')
    return {
      rows,
      columns,
      names: data.names,
      data: data.rows.data.subarray(first * columns, (first + rows) * columns),
    };
  const { start, indexes, values } = data.rows;
  const dense = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let k = start[first + row]; k < start[first + row + 1]; k++) dense[row * columns + indexes[k]] = values[k];
  }
  return { rows, columns, names: data.names, data: dense };
}

/** Statistics of every column over all rows; in sparse rows what is absent counts as the 0 it stands for. */
export function columnStatistics(data: RankingData): readonly ColumnStatistics[] {
  const columns = data.names.length;
  const statistics = data.names.map(() => new ColumnStatistics());
  if (data.rows.kind === 'dense') {
    const values = data.rows.data;
    for (let at = 0, column = 0; at < values.length; at++, column = column + 1 === columns ? 0 : column + 1)
      statistics[column].add(values[at]);
    return statistics;
  }
  const { start, indexes, values } = data.rows;
  for (let k = start[0]; k < start[start.length - 1]; k++) statistics[indexes[k]].add(values[k]);
  for (const column of statistics) column.addZeros(rowCount(data) - column.count);
  return statistics;
}

/** Values that are not 0, by column. */
export function nonZeroCounts({ rows, names, listStart, grades }: RankingData): Float64Array {
  const counts = new Float64Array(names.length);
  if (rows.kind === 'dense') {
    for (let at = 0; at < rows.data.length; at++) if (rows.data[at] !== 0) counts[at % names.length]++;
  } else {
    for (let k = rows.start[listStart[0]]; k < rows.start[grades.length]; k++) if (rows.values[k] !== 0) counts[rows.indexes[k]]++;
  }
  return counts;
}

/**
 * The normalized rows for the solver. Standard and min-max only scale columns, because shifts cancel in differences within
 * a list; log1p and per-query min-max make a normalized copy.
 */
export function designOf(data: RankingData, normalizations: readonly Normalization[]): DesignMatrix {
  const columns = data.names.length;
  const scale = Float64Array.from(normalizations, (normalization) => scaleOf(normalization) ?? 1);
  const bent = normalizations.some(({ kind }) => kind === 'log1p' || kind === 'query-min-max');
  if (data.rows.kind === 'sparse' && !bent) {
    const { start, indexes, values } = data.rows;
    return sparseDesign(start, indexes, values, columns, scale);
  }
  if (data.rows.kind === 'dense' && !bent) return denseDesign(data.rows.data, columns, scale);
  return denseDesign(normalizedCopy(data, normalizations), columns);
}

/** Normalized units per raw unit; null for normalizations that bend or look at the list. */
export function scaleOf(normalization: Normalization): number | null {
  if (normalization.kind === 'none') return 1;
  if (normalization.kind === 'standard') return 1 / normalization.deviation;
  return normalization.kind === 'min-max' ? 1 / (normalization.max - normalization.min) : null;
}

function normalizedCopy(data: RankingData, normalizations: readonly Normalization[]): Float32Array {
  const columns = data.names.length;
  const copy = new Float32Array(rowCount(data) * columns);
  for (let list = 0; list < listCount(data); list++) {
    const matrix = listMatrix(data, list);
    const first = data.listStart[list] * columns;
    for (let column = 0; column < columns; column++) {
      const normalize = normalizeWith(normalizations[column], matrix, column);
      for (let at = column; at < matrix.data.length; at += columns) copy[first + at] = normalize(matrix.data[at]);
    }
  }
  return copy;
}

/** Lists and grades as the solver sees them. */
export function preferencesOf(data: RankingData): PreferenceLists {
  const lengths = Array.from({ length: listCount(data) }, (_, list) => data.listStart[list + 1] - data.listStart[list]);
  return preferenceLists(data.grades, lengths);
}

/** A typed array of zeros in shared memory. */
export function sharedArray<T>(kind: { new (buffer: SharedArrayBuffer): T; BYTES_PER_ELEMENT: number }, length: number): T {
  return new kind(new SharedArrayBuffer(length * kind.BYTES_PER_ELEMENT));
}
