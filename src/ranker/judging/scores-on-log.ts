import type { JudgedList } from '../../catalog/log/judged-list.ts';
import { type Matrix, zeroMatrix } from '../../math/matrix.ts';
import { AS_RETRIEVED } from '../measures/baselines.ts';
import type { ModelRegistry } from '../registry/model-registry.ts';
import { loadRanker } from '../registry/serving-models.ts';
import { FEATURE_COLUMNS } from '../scoring/feature-table.ts';
import type { ScoringInputs } from '../scoring/ranker.ts';
import type { ScoreLogged } from './compared-lists.ts';

/**
 * Scores logged candidates by a stored model, from the rows as they were logged. Throws RANKER_MODEL_UNKNOWN or
 * RANKER_MODEL_REFUSED.
 */
export async function scoresOnLog(registry: ModelRegistry, name: string): Promise<ScoreLogged> {
  if (name === AS_RETRIEVED) return ({ items }) => Float64Array.from(items.retrievedRanks.subarray(0, items.count), (rank) => -rank);
  const ranker = await loadRanker(registry, name);
  const align = aligner();
  return ({ items }: JudgedList) => ranker.score({ rows: align(items.rows) } as ScoringInputs);
}

/** A log of an older table lacks some columns, which are 0. */
function aligner(): (rows: Matrix) => Matrix {
  let known: readonly string[] | null = null;
  let from = new Int32Array(0);
  return (rows) => {
    if (rows.names !== known) {
      known = rows.names;
      from = Int32Array.from(FEATURE_COLUMNS, (name) => rows.names.indexOf(name));
    }
    if (from.length === rows.columns && from.every((column, at) => column === at)) return rows;
    const aligned = zeroMatrix(rows.rows, FEATURE_COLUMNS);
    for (let row = 0; row < rows.rows; row++)
      for (let column = 0; column < from.length; column++)
        if (from[column] >= 0) aligned.data[row * from.length + column] = rows.data[row * rows.columns + from[column]];
    return aligned;
  };
}
