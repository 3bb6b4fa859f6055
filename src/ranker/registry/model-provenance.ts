/** What a model's file says about its making beside the weights: the program's version, and the features it saw. */
import { readFileSync } from 'node:fs';
import { projectRoot } from '../../worker-url.ts';
import type { FeatureDistribution } from './model-artifact.ts';
import type { ColumnStatistics } from '../scoring/normalizer.ts';
import { columnStatistics, nonZeroCounts, type RankingData } from '../training/ranking-data.ts';

/** The version that package.json states. */
export function codeVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('package.json', projectRoot()), 'utf8')) as { version: string };
  return version;
}

/** Mean, spread, range and share of non-zero values of every column. */
export function distributionsOf(data: RankingData): Readonly<Record<string, FeatureDistribution>> {
  return distributionsFrom(data.names, columnStatistics(data), nonZeroCounts(data));
}

/** The same from what was counted; a value per column. */
export function distributionsFrom(
  names: readonly string[],
  statistics: readonly ColumnStatistics[],
  nonZero: ArrayLike<number>,
): Readonly<Record<string, FeatureDistribution>> {
  return Object.fromEntries(
    statistics.map(({ mean, deviation, min, max, count }, column) => [
      names[column],
      { mean, deviation, min, max, nonZeroShare: nonZero[column] / Math.max(1, count) },
    ]),
  );
}
