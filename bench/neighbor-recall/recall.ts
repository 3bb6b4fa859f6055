import type { Neighbors } from '../../src/candidates/visual/neighbor-index.ts';

/** Share of the true neighbours that were found, over several queries. */
export function recallOf(found: readonly Neighbors[], truth: readonly Neighbors[]): number {
  let hits = 0;
  let wanted = 0;
  for (let q = 0; q < truth.length; q++) {
    const ids = new Set(found[q].pinIndexes);
    for (const id of truth[q].pinIndexes) if (ids.has(id)) hits++;
    wanted += truth[q].pinIndexes.length;
  }
  return wanted === 0 ? 1 : hits / wanted;
}
