/** Bootstrap intervals over queries: lists are redrawn with replacement, percentiles of the redrawn means (Efron 1979). */
import { seededRandom } from '../../math/random.ts';
import type { Interval } from '../registry/model-artifact.ts';

const RESAMPLES = 1000;

/** Mean and 95 % interval of one value per query; zeros without values. */
export function bootstrapMean(values: ArrayLike<number>, seed: number, resamples = RESAMPLES): Interval {
  const means = redraw(values.length, seed, resamples, (sum, item) => sum + values[item]);
  return interval(meanOf(values), means, values.length);
}

/** Mean difference a - b of paired values, and its interval. Throws RangeError where they differ in number. */
export function bootstrapDifference(a: ArrayLike<number>, b: ArrayLike<number>, seed: number): Interval {
  if (a.length !== b.length) throw new RangeError(`values: ${a.length} and ${b.length} of them`);
  return bootstrapMean(
    Float64Array.from(a, (value, item) => value - b[item]),
    seed,
  );
}

/** Relative lift mean(a) / mean(b) - 1 of paired values; 0 where b is 0 throughout. Throws RangeError where they differ in number. */
export function bootstrapLift(a: ArrayLike<number>, b: ArrayLike<number>, seed: number): Interval {
  if (a.length !== b.length) throw new RangeError(`values: ${a.length} and ${b.length} of them`);
  const random = seededRandom(seed);
  const lift = (sumA: number, sumB: number): number => (sumB > 0 ? sumA / sumB - 1 : 0);
  const lifts = Float64Array.from({ length: RESAMPLES }, () => {
    let sumA = 0;
    let sumB = 0;
    for (let draw = 0; draw < a.length; draw++) {
      const item = random.integer(a.length);
      sumA += a[item];
      sumB += b[item];
    }
    return lift(sumA, sumB);
  });
  return interval(lift(meanOf(a), meanOf(b)), lifts, a.length);
}

function redraw(count: number, seed: number, resamples: number, add: (sum: number, item: number) => number): Float64Array {
  const random = seededRandom(seed);
  return Float64Array.from({ length: resamples }, () => {
    let sum = 0;
    for (let draw = 0; draw < count; draw++) sum = add(sum, random.integer(count));
    return count > 0 ? sum / count : 0;
  });
}

function interval(mean: number, drawn: Float64Array, queries: number): Interval {
  drawn.sort();
  const at = (share: number): number => drawn[Math.min(drawn.length - 1, Math.floor(share * drawn.length))];
  return { mean, low: at(0.025), high: at(0.975), queries };
}

function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let item = 0; item < values.length; item++) sum += values[item];
  return values.length > 0 ? sum / values.length : 0;
}
