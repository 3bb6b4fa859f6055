/** What a model's file says about its making beside the weights: the program's version, and the features it saw. */
import { readFileSync } from 'node:fs';
import { projectRoot } from '../../worker-url.ts';
import type { FeatureDistribution } from './model-artifact.ts';
import { columnStatistics, type RankingData, rowCount } from '../training/ranking-data.ts';

/** The version that package.json states. */
export function codeVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('package.json', projectRoot()), 'utf8')) as { version: string };
  return version;
}

/** Mean, spread, range and share of non-zero values of every column. */
export function distributionsOf(data: RankingData): Readonly<Record<string, FeatureDistribution>> {
  const nonZero = nonZeroCounts(data);
  return Object.fromEntries(
    columnStatistics(data).map(({ mean, deviation, min, max }, column) => [
      data.names[column],
      { mean, deviation, min, max, nonZeroShare: nonZero[column] / Math.max(1, rowCount(data)) },
    ]),
  );
}

function nonZeroCounts({ rows, names, listStart, grades }: RankingData): Float64Array {
  const counts = new Float64Array(names.length);
  if (rows.kind === 'dense') {
    for (let at = 0; at < rows.data.length; at++) if (rows.data[at] !== 0) counts[at % names.length]++;
  } else {
    for (let k = rows.start[listStart[0]]; k < rows.start[grades.length]; k++) if (rows.values[k] !== 0) counts[rows.indexes[k]]++;
  }
  return counts;
}
