import type { ServedItems, ServedList } from '../catalog/served-list.ts';
import { zeroMatrix } from '../math/matrix.ts';
import { deriveSeed, seededRandom } from '../math/random.ts';
import type { RankedList } from './ranked-list.ts';

/** What the log keeps of a list: its page, and a few candidates that are not on it, chosen by the recommendation id. */
export function servedRecord(list: RankedList, unservedRows: number, latencyMs: number): ServedList {
  const { options } = list;
  return {
    recommendationId: options.recommendationId,
    at: options.now,
    surface: list.surface,
    queryPinIndex: list.queryPinIndex,
    userId: options.userId,
    arm: options.arm,
    modelVersion: list.ranker.name,
    treatment: JSON.stringify(options.treatment),
    forced: options.forced,
    shuffled: list.shuffled,
    latencyMs,
    degraded: list.degraded.map(({ code }) => code),
    items: servedItems(list, unservedRows),
  };
}

function servedItems(list: RankedList, unservedRows: number): ServedItems {
  const { page, candidates, rows } = list;
  const others = unservedOf(list, unservedRows);
  const count = page.length + others.length;
  const sources = candidates.sourceNames.length;
  const items = {
    count,
    sourceNames: candidates.sourceNames,
    pinIndexes: new Int32Array(count),
    positions: new Uint16Array(count),
    scores: new Float64Array(count),
    propensities: new Float32Array(count),
    retrievedRanks: new Int32Array(count),
    sourceScores: new Float32Array(count * sources),
    rows: zeroMatrix(count, rows.names),
  };
  for (let i = 0; i < count; i++) {
    const onPage = i < page.length;
    const row = onPage ? page[i] : others[i - page.length];
    items.pinIndexes[i] = candidates.pinIndexes[row];
    items.positions[i] = onPage ? list.firstPosition + i : 0;
    items.scores[i] = list.scores[row];
    items.propensities[i] = onPage ? list.propensities[i] : 0;
    items.retrievedRanks[i] = row;
    items.sourceScores.set(candidates.sourceScores.subarray(row * sources, (row + 1) * sources), i * sources);
    items.rows.data.set(rows.data.subarray(row * rows.columns, (row + 1) * rows.columns), i * rows.columns);
  }
  return items;
}

function unservedOf({ page, candidates, options }: RankedList, wanted: number): readonly number[] {
  const left = candidates.count - page.length;
  if (wanted <= 0 || left <= 0) return [];
  const taken = new Set<number>(page);
  const chosen: number[] = [];
  const random = seededRandom(deriveSeed(wanted, options.recommendationId));
  while (chosen.length < Math.min(wanted, left)) {
    const row = random.integer(candidates.count);
    if (taken.has(row)) continue;
    taken.add(row);
    chosen.push(row);
  }
  return chosen;
}
