/**
 * Latencies in 128 log-spaced bins (eighths of an octave of v + 1), addable like the other statistics. A quantile read
 * from it is off by at most one bin, 9 %.
 */
import { normalQuantile } from '../../math/distributions.ts';

export const HISTOGRAM_BINS = 128;

/** floor(8 log2(v + 1)), at most 127: 0 ms is bin 0, 100 ms bin 53; the last takes all from 60,096 ms. Below 0 counts as 0. */
export function binOf(value: number): number {
  return Math.min(HISTOGRAM_BINS - 1, Math.floor(Math.log2(Math.max(0, value) + 1) * 8));
}

/** The value below which a share q of the counts lies, interpolated inside its bin; NaN when empty. */
export function quantileOf(counts: ArrayLike<number>, q: number): number {
  let total = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i];
  if (total === 0) return Number.NaN;
  let below = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    if (below + counts[bin] >= q * total && counts[bin] > 0) {
      const low = 2 ** (bin / 8) - 1;
      return low + ((q * total - below) / counts[bin]) * (2 ** ((bin + 1) / 8) - 1 - low);
    }
    below += counts[bin];
  }
  return 2 ** (counts.length / 8) - 1;
}

/**
 * The quantile and its variance: the binomial interval of the rank turned into values (Woodruff 1952), the rank's
 * variance multiplied by `designEffect` because a unit's lists are alike.
 */
export function quantileEstimate(
  counts: ArrayLike<number>,
  q: number,
  units: number,
  designEffect: number,
): { units: number; value: number; variance: number } {
  let total = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i];
  const z = normalQuantile(0.975);
  const half = z * Math.sqrt((Math.max(1, designEffect) * q * (1 - q)) / total);
  const width = quantileOf(counts, Math.min(1, q + half)) - quantileOf(counts, Math.max(0, q - half));
  return { units, value: quantileOf(counts, q), variance: (width / (2 * z)) ** 2 };
}
