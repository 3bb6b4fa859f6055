/**
 * Bootstrap intervals over queries: lists are redrawn with replacement, percentiles of the redrawn means (Efron 1979). Lists that
 * share their truth are redrawn together (Field and Welsh, JRSS B 2007, "cluster bootstrap"): apart they would count one witness
 * several times.
 */
import { seededRandom } from './random.ts';

/** A mean (or lift) over queries, or over whatever was drawn, with its 95 % interval. */
export interface Interval {
  readonly mean: number;
  /** NaN, as `high`: everything is of one cluster, which can't be redrawn. */
  readonly low: number;
  readonly high: number;
  /** Values that it rests on. */
  readonly queries: number;
}

const RESAMPLES = 1000;

/** The cluster of each value, by name. Absent: every value is a cluster of its own. */
export type Clusters = ArrayLike<string | number>;

/** Mean and 95 % interval of one value per query; zeros without values. Throws RangeError where clusters differ in number. */
export function bootstrapMean(values: ArrayLike<number>, seed: number, clusters?: Clusters): Interval {
  return bootstrap([values], seed, clusters, ([sum], count) => (count > 0 ? sum / count : 0));
}

/** Mean difference a - b of paired values, and its interval. Throws RangeError where they differ in number. */
export function bootstrapDifference(a: ArrayLike<number>, b: ArrayLike<number>, seed: number, clusters?: Clusters): Interval {
  if (a.length !== b.length) throw new RangeError(`values: ${a.length} and ${b.length} of them`);
  return bootstrapMean(
    Float64Array.from(a, (value, item) => value - b[item]),
    seed,
    clusters,
  );
}

/** Relative lift mean(a) / mean(b) - 1 of paired values; 0 where b is 0 throughout. Throws RangeError where they differ in number. */
export function bootstrapLift(a: ArrayLike<number>, b: ArrayLike<number>, seed: number, clusters?: Clusters): Interval {
  if (a.length !== b.length) throw new RangeError(`values: ${a.length} and ${b.length} of them`);
  return bootstrap([a, b], seed, clusters, ([sumA, sumB]) => (sumB > 0 ? sumA / sumB - 1 : 0));
}

/** `(0.1000 .. 0.1500)`, or that there is none. From JSON, no number has become null. */
export function intervalText({ low, high }: { readonly low: number | null; readonly high: number | null }, digits = 4): string {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return '(one cluster: no interval)';
  return `(${low?.toFixed(digits)} .. ${high?.toFixed(digits)})`;
}

/** A figure of the sums over all values and their number. */
type Statistic = (sums: readonly number[], count: number) => number;

/** A statistic of the sums of several series of paired values, which are redrawn together, and its interval. */
export function bootstrap(
  series: readonly ArrayLike<number>[],
  seed: number,
  clusters: Clusters | undefined,
  statistic: Statistic,
): Interval {
  const values = series[0].length;
  const { sums, counts } = clustered(series, clusters);
  const random = seededRandom(seed);
  const units = counts.length;
  const whole = series.map((_, s) => sums[s].reduce((sum, value) => sum + value, 0));
  const mean = statistic(whole, values);
  if (units === 1) return { mean, low: Number.NaN, high: Number.NaN, queries: values };
  const drawn = Float64Array.from({ length: RESAMPLES }, () => {
    const total = series.map(() => 0);
    let count = 0;
    for (let draw = 0; draw < units; draw++) {
      const unit = random.integer(units);
      count += counts[unit];
      for (let s = 0; s < total.length; s++) total[s] += sums[s][unit];
    }
    return statistic(total, count);
  }).sort();
  const at = (share: number): number => drawn[Math.min(RESAMPLES - 1, Math.floor(share * RESAMPLES))];
  return { mean, low: at(0.025), high: at(0.975), queries: values };
}

/** Sums of each series and numbers of values by cluster, in the order in which clusters are met. */
function clustered(series: readonly ArrayLike<number>[], clusters: Clusters | undefined) {
  const values = series[0].length;
  if (clusters !== undefined && clusters.length !== values)
    throw new RangeError(`clusters: expected ${values} of them, got ${clusters.length}`);
  const places = new Map<string | number, number>();
  const placeOf = (name: string | number): number => {
    const place = places.get(name) ?? places.size;
    places.set(name, place);
    return place;
  };
  const unitOf = Int32Array.from({ length: values }, (_, item) => placeOf(clusters?.[item] ?? item));
  const counts = new Float64Array(places.size);
  const sums = series.map(() => new Float64Array(places.size));
  unitOf.forEach((unit, item) => {
    counts[unit]++;
    for (let s = 0; s < sums.length; s++) sums[s][unit] += series[s][item];
  });
  return { sums, counts };
}
