/**
 * How likely a position is looked at (examination), and pair weights that undo it.
 *
 * From the randomized slice: lists whose order was drawn at random show the same mix of items at every position, so
 *   p_k / p_1 = engagement rate at k / engagement rate at 1.
 * From rankers that put the same (query, item) at different positions (intervention harvesting; Agarwal, Zaitsev, Wang, Li,
 * Najork and Joachims, WSDM 2019, section 4): with w(q, d, k) the impressions of d at k, S_kk' the (q, d) seen at both,
 *   c_kk' = sum over impressions at k with (q, d) in S_kk' of engaged / w(q, d, k);  p_k / p_1 = c_k1 / c_1k (pivot).
 * Pairs (engaged i, other j) are then weighted 1 / p(position of i), clipped (Joachims, Swaminathan and Schnabel, WSDM 2017).
 */
import type { LogData } from './log-data.ts';

/** Ends at the last position that was seen. */
export interface ExaminationCurve {
  /** By position from 1 (`curve[0]`), relative to the first; never above 1, never rising. */
  readonly curve: readonly number[];
  /** 95 % intervals of the curve before it was made to fall. */
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly impressions: readonly number[];
  readonly method: 'randomized' | 'harvested';
}

/** Pseudo-counts that keep a position without engagement from an infinite weight. */
const PRIOR_IMPRESSIONS = 1;

/** From lists served shuffled; null when there are none, or nobody engaged at the first position. */
export function examinationFromShuffled(data: LogData, positions = 50): ExaminationCurve | null {
  const shown = new Float64Array(positions);
  const engaged = new Float64Array(positions);
  data.lists.forEach(({ shuffled }, list) => {
    if (!shuffled) return;
    for (let row = data.listStart[list]; row < data.listStart[list + 1]; row++) {
      const at = data.positions[row] - 1;
      if (at < 0 || at >= positions) continue;
      shown[at]++;
      if (data.grades[row] > 0) engaged[at]++;
    }
  });
  return curveOf(engaged, shown, 'randomized');
}

/** From (query, item) pairs met at several positions, against position 1; null without such pairs. */
export function examinationFromInterventions(data: LogData, positions = 50): ExaminationCurve | null {
  const pairs = impressionsByPair(data, positions);
  const atPivot = new Float64Array(positions);
  const atOwn = new Float64Array(positions);
  const weight = new Float64Array(positions);
  for (const places of pairs.values()) {
    const pivot = places.get(0);
    if (!pivot) continue;
    for (const [at, { shown, engaged }] of places) {
      atOwn[at] += engaged / shown;
      atPivot[at] += pivot.engaged / pivot.shown;
      weight[at] += shown;
    }
  }
  if (weight[0] === 0 || atPivot[0] === 0) return null;
  const ratio = Array.from(atOwn, (own, at) => (atPivot[at] > 0 ? own / atPivot[at] : Number.NaN));
  // The relative error of a ratio of two counts: both are about Poisson.
  const error = ratio.map((value, at) => value * Math.sqrt(1 / Math.max(1, atOwn[at]) + 1 / Math.max(1, atPivot[at])));
  return finish(ratio, error, Array.from(weight), 'harvested');
}

interface Place {
  shown: number;
  engaged: number;
}

function impressionsByPair(data: LogData, positions: number): ReadonlyMap<string, ReadonlyMap<number, Place>> {
  const pairs = new Map<string, Map<number, Place>>();
  data.lists.forEach(({ queryPinIndex }, list) => {
    if (queryPinIndex < 0) return;
    for (let row = data.listStart[list]; row < data.listStart[list + 1]; row++) {
      const at = data.positions[row] - 1;
      if (at < 0 || at >= positions) continue;
      const key = `${queryPinIndex} ${data.pinIndexes[row]}`;
      const places = pairs.get(key) ?? new Map<number, Place>();
      const place = places.get(at) ?? { shown: 0, engaged: 0 };
      place.shown++;
      if (data.grades[row] > 0) place.engaged++;
      pairs.set(key, places.set(at, place));
    }
  });
  return pairs;
}

function curveOf(engaged: Float64Array, shown: Float64Array, method: 'randomized'): ExaminationCurve | null {
  if (shown[0] === 0 || engaged[0] === 0) return null;
  const all = engaged.reduce((sum, count) => sum + count, 0) / shown.reduce((sum, count) => sum + count, 0);
  const rate = (at: number): number => (engaged[at] + all * PRIOR_IMPRESSIONS) / (shown[at] + PRIOR_IMPRESSIONS);
  const ratio = Array.from(shown, (count, at) => (count > 0 ? rate(at) / rate(0) : Number.NaN));
  const error = ratio.map((value, at) => value * Math.sqrt(1 / Math.max(1, engaged[at]) + 1 / engaged[0]));
  return finish(ratio, error, Array.from(shown), method);
}

/** Cuts the curve at the last position seen; averages what rises (pool adjacent violators), because looking only falls. */
function finish(
  ratio: readonly number[],
  error: readonly number[],
  impressions: readonly number[],
  method: ExaminationCurve['method'],
): ExaminationCurve {
  const end = ratio.findLastIndex((value) => !Number.isNaN(value)) + 1;
  const seen = ratio.slice(0, end).map((value, at, all) => (Number.isNaN(value) ? (all[at - 1] ?? 1) : value));
  const curve = falling(seen, impressions).map((value) => Math.min(1, value));
  // The first position is compared with itself.
  const spread = seen.map((_, at) => (at === 0 ? 0 : 1.96 * (error[at] || 0)));
  return {
    curve: curve.map((value) => value / curve[0]),
    low: seen.map((value, at) => value - spread[at]),
    high: seen.map((value, at) => value + spread[at]),
    impressions: impressions.slice(0, end),
    method,
  };
}

/** The nearest falling sequence in weighted squares. */
function falling(values: readonly number[], weights: readonly number[]): number[] {
  const blocks: { sum: number; weight: number; length: number }[] = [];
  values.forEach((value, at) => {
    const weight = Math.max(weights[at], 1e-9);
    let block = { sum: value * weight, weight, length: 1 };
    for (let last = blocks.at(-1); last && last.sum / last.weight < block.sum / block.weight; last = blocks.at(-1)) {
      block = { sum: last.sum + block.sum, weight: last.weight + block.weight, length: last.length + block.length };
      blocks.pop();
    }
    blocks.push(block);
  });
  return blocks.flatMap(({ sum, weight, length }) => new Array<number>(length).fill(sum / weight));
}

/** Inverse propensities of engaged rows, clipped, and how many were. */
interface PropensityWeights {
  readonly better: Float64Array;
  readonly clipped: number;
  readonly clip: number;
}

/**
 * Weights of rows as the better side of a pair: 1 / examination of their position, `clip` at most. Positions behind the
 * curve's end have its last value. Throws RangeError for a clip under 1.
 */
export function propensityWeights(data: LogData, examination: ExaminationCurve, clip: number): PropensityWeights {
  if (!(clip >= 1)) throw new RangeError(`clip: expected 1 or more, got ${clip}`);
  const { curve } = examination;
  let clipped = 0;
  const better = Float64Array.from(data.positions, (position) => {
    const weight = 1 / curve[Math.min(position, curve.length) - 1];
    if (weight > clip) clipped++;
    return Math.min(clip, weight);
  });
  return { better, clipped, clip };
}
