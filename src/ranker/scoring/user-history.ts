/** A user's recent pins in sums: what the user-pin affinity features read. */
import type { PinColumns } from '../../catalog/pins/pin-columns.ts';
import type { VisualFeatures } from '../../features/visual-features.ts';
import type { SummedWeights, UserHistory } from './ranking-feature.ts';

/** Weight i is that of pin i. */
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
  return {
    categories: categoryMix(history, pins),
    cooccurrence,
    code: visual ? majorityCode(history, visual) : null,
  };
}

function categoryMix({ pinIndexes, weights }: WeightedPins, pins: PinColumns): Float32Array {
  const mix = new Float64Array(pins.categoryNames.length);
  const { start, length, ordinals, weights: shares } = pins.categories;
  for (let i = 0; i < pinIndexes.length; i++) {
    const pin = pinIndexes[i];
    for (let e = start[pin], end = e + length[pin]; e < end; e++) mix[ordinals[e]] += weights[i] * shares[e];
  }
  const norm = Math.sqrt(mix.reduce((sum, weight) => sum + weight * weight, 0));
  return Float32Array.from(mix, (weight) => (norm > 0 ? weight / norm : 0));
}

/** A bit is 1 when pins of more than half of the weight have it. */
function majorityCode({ pinIndexes, weights }: WeightedPins, { image }: VisualFeatures): Uint32Array | null {
  const { words, bits, codes, has } = image;
  const ones = new Float64Array(words * 32);
  const added = new Float64Array(2);
  let total = 0;
  for (let i = 0; i < pinIndexes.length; i++) {
    const pin = pinIndexes[i];
    if (has[pin] !== 1) continue;
    total += weights[i];
    // What is added by bit, so that no branch depends on bits that nobody can foresee.
    added[1] = weights[i];
    for (let word = 0, bit = 0; word < words; word++) {
      const code = codes[pin * words + word];
      for (let b = 0; b < 32; b++) ones[bit++] += added[(code >>> b) & 1];
    }
  }
  if (total === 0) return null;
  const code = new Uint32Array(words);
  for (let bit = 0; bit < bits; bit++) if (ones[bit] > total / 2) code[bit >>> 5] |= 1 << (bit & 31);
  return code;
}
