/** Distance between two judgements of one thing: nominal (same or not), ordinal and interval (how far apart). */
type AgreementScale = 'nominal' | 'ordinal' | 'interval';

/** Value `value` was given to `unit` by somebody. */
export interface Rating {
  readonly unit: string;
  readonly value: number;
}

/**
 * Krippendorff's alpha = 1 - observed / expected disagreement (Krippendorff 2011, "Computing Krippendorff's
 * Alpha-Reliability"): any number of judges, judgements may be missing. 1 perfect, 0 as by chance, below 0 worse.
 * Units with one rating say nothing and are left out. null: fewer than two ratings of one unit, or all values equal.
 */
export function krippendorffAlpha(ratings: readonly Rating[], scale: AgreementScale): number | null {
  const values = [...new Set(ratings.map((each) => each.value))].sort((a, b) => a - b);
  const coincidences = coincidencesOf(ratings, values);
  const sums = coincidences.map((row) => row.reduce((a, b) => a + b, 0));
  const total = sums.reduce((a, b) => a + b, 0);
  let observed = 0;
  let expected = 0;
  for (let a = 0; a < values.length; a++)
    for (let b = 0; b < values.length; b++) {
      const distance = squaredDistance(values, sums, a, b, scale);
      observed += coincidences[a][b] * distance;
      expected += (sums[a] * sums[b] * distance) / (total - 1);
    }
  return total > 1 && expected > 0 ? 1 - observed / expected : null;
}

/** coincidences[a][b]: pairs of ratings (a, b) of one unit, each unit's pairs weighing its number of ratings in all. */
function coincidencesOf(ratings: readonly Rating[], values: readonly number[]): number[][] {
  const out = values.map(() => values.map(() => 0));
  const units = new Map<string, number[]>();
  for (const { unit, value } of ratings) units.set(unit, [...(units.get(unit) ?? []), values.indexOf(value)]);
  for (const given of units.values()) {
    if (given.length < 2) continue;
    for (let i = 0; i < given.length; i++)
      for (let j = 0; j < given.length; j++) if (i !== j) out[given[i]][given[j]] += 1 / (given.length - 1);
  }
  return out;
}

function squaredDistance(values: readonly number[], sums: readonly number[], a: number, b: number, scale: AgreementScale): number {
  if (a === b) return 0;
  if (scale === 'nominal') return 1;
  if (scale === 'interval') return (values[a] - values[b]) ** 2;
  const [low, high] = [Math.min(a, b), Math.max(a, b)];
  let between = 0;
  for (let g = low; g <= high; g++) between += sums[g];
  return (between - (sums[low] + sums[high]) / 2) ** 2;
}
