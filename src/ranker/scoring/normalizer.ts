/**
 * One column's normalization: fitted on training rows, stored with the model, applied the same way in serving.
 *
 *   none            x
 *   standard        (x - mean) * (1 / deviation): the mean becomes 0, one deviation above it 1
 *   min-max         (x - min) * (1 / (max - min)): the least training value becomes 0, the greatest 1; not clipped
 *   log1p           ln(1 + max(x, 0)): 0 becomes 0, 20 becomes 3.04
 *   query-min-max   min-max over the rows of the list at hand; 0 where all are equal
 */
import type { Matrix } from '../../math/matrix.ts';

/** As fitted: the kind with its numbers. */
export type Normalization =
  | { readonly kind: 'none' }
  | { readonly kind: 'standard'; readonly mean: number; readonly deviation: number }
  | { readonly kind: 'min-max'; readonly min: number; readonly max: number }
  | { readonly kind: 'log1p' }
  | { readonly kind: 'query-min-max' };

export const NORMALIZATION_KINDS = ['none', 'standard', 'min-max', 'log1p', 'query-min-max'] as const;
export type NormalizationKind = (typeof NORMALIZATION_KINDS)[number];

/** value -> normalized value for one column; per-query kinds look at the list's rows first. */
export function normalizeWith(normalization: Normalization, list: Matrix, column: number): (value: number) => number {
  switch (normalization.kind) {
    case 'none':
      return (value) => value;
    case 'log1p':
      return (value) => Math.log1p(Math.max(0, value));
    case 'standard': {
      const { mean } = normalization;
      const scale = 1 / normalization.deviation;
      return (value) => (value - mean) * scale;
    }
    case 'min-max': {
      const { min } = normalization;
      const scale = 1 / (normalization.max - min);
      return (value) => (value - min) * scale;
    }
    case 'query-min-max':
      return withinList(list, column);
  }
}

function withinList(list: Matrix, column: number): (value: number) => number {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let at = column; at < list.rows * list.columns; at += list.columns) {
    min = Math.min(min, list.data[at]);
    max = Math.max(max, list.data[at]);
  }
  const scale = max > min ? 1 / (max - min) : 0;
  return (value) => (value - min) * scale;
}

/** What `ColumnStatistics` has counted. Without rows `min` and `max` mean nothing. */
export interface ColumnSums {
  readonly count: number;
  readonly mean: number;
  /** Sum of squared differences from the mean. */
  readonly squares: number;
  readonly min: number;
  readonly max: number;
}

/** Count, mean, spread and range of one column of training rows, added row by row (Welford 1962). */
export class ColumnStatistics {
  count = 0;
  mean = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  private squares = 0;

  add(value: number): void {
    this.count++;
    const delta = value - this.mean;
    this.mean += delta / this.count;
    this.squares += delta * (value - this.mean);
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
  }

  /** Adds `count` zeros at once: what sparse rows leave out. */
  addZeros(count: number): void {
    if (count <= 0) return;
    const all = this.count + count;
    this.squares += (this.mean * this.mean * this.count * count) / all;
    this.mean *= this.count / all;
    this.count = all;
    this.min = Math.min(this.min, 0);
    this.max = Math.max(this.max, 0);
  }

  sums(): ColumnSums {
    const { count, mean, squares, min, max } = this;
    return { count, mean, squares, min, max };
  }

  /** Adds what others counted of rows of their own (Chan, Golub and LeVeque 1979). */
  join({ count, mean, squares, min, max }: ColumnSums): void {
    if (count === 0) return;
    const all = this.count + count;
    const delta = mean - this.mean;
    this.squares += squares + (delta * delta * this.count * count) / all;
    this.mean += (delta * count) / all;
    this.count = all;
    this.min = Math.min(this.min, min);
    this.max = Math.max(this.max, max);
  }

  /** Standard deviation of the rows themselves (divided by n); 0 without rows. */
  get deviation(): number {
    return this.count > 0 ? Math.sqrt(this.squares / this.count) : 0;
  }

  /** The normalization of `kind` for this column; a column that never varies is left as it is. */
  fitted(kind: NormalizationKind): Normalization {
    if (kind === 'standard') return this.deviation > 0 ? { kind, mean: this.mean, deviation: this.deviation } : { kind: 'none' };
    if (kind === 'min-max') return this.max > this.min ? { kind, min: this.min, max: this.max } : { kind: 'none' };
    return { kind };
  }
}

/** Reads a normalization from a file; returns the problem as text when it is none. */
export function readNormalization(given: unknown): Normalization | string {
  if (typeof given !== 'object' || given === null) return 'normalization must be a record';
  const record = given as Record<string, unknown>;
  const finite = (name: string): boolean => typeof record[name] === 'number' && Number.isFinite(record[name]);
  switch (record.kind) {
    case 'none':
    case 'log1p':
    case 'query-min-max':
      return { kind: record.kind };
    case 'standard':
      return finite('mean') && finite('deviation') && (record.deviation as number) > 0
        ? { kind: 'standard', mean: record.mean as number, deviation: record.deviation as number }
        : 'a standard normalization needs a mean and a deviation above 0';
    case 'min-max':
      return finite('min') && finite('max') && record.max !== record.min
        ? { kind: 'min-max', min: record.min as number, max: record.max as number }
        : 'a min-max normalization needs a min and a max that differ';
    default:
      return `unknown normalization ${JSON.stringify(record.kind)}`;
  }
}
