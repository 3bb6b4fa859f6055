/** A user's recent pins in sums: what the user-pin affinity features read. */
import type { PinColumns } from '../../catalog/pins/pin-columns.ts';
import type { VisualFeatures } from '../../features/visual-features.ts';
import { majorityCode } from './majority-code.ts';
import type { SummedWeights, UserHistory } from './ranking-feature.ts';

/** Weight i is that of pin i. Whoever keeps one makes another when pins or their features change: it is summed up once. */
export interface WeightedPins {
  readonly pinIndexes: ArrayLike<number>;
  /** Above 0: recency x strength of the action. */
  readonly weights: ArrayLike<number>;
}

/** `cooccurrence`: pins that share boards with these, with their summed weights; null when not looked up. Without pins: zeros, no code. */
export function summarizeHistory(
  history: WeightedPins,
  pins: PinColumns,
  visual: VisualFeatures | null,
  cooccurrence: SummedWeights | null = null,
): UserHistory {
  let sums = summed.get(history);
  if (sums?.visual !== visual || sums.pins !== pins) {
    sums = { pins, visual, categories: categoryMix(history, pins), code: visual ? majorityCode(history, visual.image) : null };
    summed.set(history, sums);
  }
  return { categories: sums.categories, cooccurrence, code: sums.code };
}

interface Sums extends Pick<UserHistory, 'categories' | 'code'> {
  readonly pins: PinColumns;
  readonly visual: VisualFeatures | null;
}

const summed = new WeakMap<WeightedPins, Sums>();

function categoryMix({ pinIndexes, weights }: WeightedPins, pins: PinColumns): Float32Array {
  const mix = new Float64Array(pins.categoryNames.length);
  const { start, length, ordinals, weights: shares } = pins.categories;
  for (let i = 0; i < pinIndexes.length; i++) {
    const pin = pinIndexes[i];
    for (let e = start[pin], end = e + length[pin]; e < end; e++) mix[ordinals[e]] += weights[i] * shares[e];
  }
  let squares = 0;
  for (const weight of mix) squares += weight * weight;
  const norm = Math.sqrt(squares);
  const unit = new Float32Array(mix.length);
  if (norm > 0) for (let c = 0; c < mix.length; c++) unit[c] = mix[c] / norm;
  return unit;
}
