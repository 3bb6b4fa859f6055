/**
 * What is known before training: the weights of an earlier model as slopes on raw features, and the signs that weights keep.
 * A slope is the change of the score when the raw value rises by one: weight times the scale of the normalization.
 */
import type { ModelFeature } from '../scoring/linear-model.ts';
import { FEATURE_TABLE } from '../scoring/feature-table.ts';
import type { PreferenceLists } from './preference-sums.ts';
import { type RankingData, scaleOf } from './ranking-data.ts';

/** An earlier model that training starts from and is drawn to. */
export interface ModelPrior {
  readonly name: string;
  /** By feature name; features that are absent have slope 0. */
  readonly slopes: ReadonlyMap<string, number>;
}

/** Null when a feature with a weight has no slope, because its normalization is no straight line. */
export function priorOf(name: string, features: readonly ModelFeature[]): ModelPrior | null {
  const slopes = new Map<string, number>();
  for (const feature of features) {
    const scale = scaleOf(feature.normalization);
    if (scale === null && feature.weight !== 0) return null;
    slopes.set(feature.name, feature.weight * (scale ?? 0));
  }
  return { name, slopes };
}

const SIGNS = new Map(FEATURE_TABLE.flatMap(({ columns, signs }) => columns.map((name, c) => [name, signs?.[c] ?? 0] as const)));

/** Per column 1 where the table says that more of it can't speak against a candidate, else 0. */
export function signsOf(names: readonly string[]): Int8Array {
  return Int8Array.from(names, (name) => SIGNS.get(name) ?? 0);
}

/** Per column whether it differs between rows of one list that holds a preference: only then can the lists say anything about it. */
export function columnsWithEvidence({ rows, names }: RankingData, { start, levels }: PreferenceLists): Uint8Array {
  const evidence = new Uint8Array(names.length);
  if (rows.kind !== 'dense') return evidence.fill(1);
  for (let list = 0; list + 1 < start.length; list++) {
    const [first, end] = [start[list], start[list + 1]];
    if (levels.subarray(first, end).every((level) => level === levels[first])) continue;
    for (let column = 0; column < names.length; column++) {
      if (evidence[column] === 1) continue;
      const value = rows.data[first * names.length + column];
      for (let row = first + 1; row < end && evidence[column] === 0; row++)
        if (rows.data[row * names.length + column] !== value) evidence[column] = 1;
    }
  }
  return evidence;
}

/** Over the pairs of rows of which a list prefers one, every pair alike: the sum of squared differences of their scores. */
export interface PairSpread {
  readonly squares: number;
  readonly pairs: number;
}

export function pairSpread(scores: Float64Array, { start, levels }: PreferenceLists): PairSpread {
  let squares = 0;
  let pairs = 0;
  for (let list = 0; list + 1 < start.length; list++) {
    for (let i = start[list]; i < start[list + 1]; i++) {
      for (let j = start[list]; j < start[list + 1]; j++) {
        if (levels[i] <= levels[j]) continue;
        squares += (scores[i] - scores[j]) ** 2;
        pairs++;
      }
    }
  }
  return { squares, pairs };
}

/** The root mean square difference; 0 without pairs. */
export const spreadOf = ({ squares, pairs }: PairSpread): number => (pairs === 0 ? 0 : Math.sqrt(squares / pairs));
