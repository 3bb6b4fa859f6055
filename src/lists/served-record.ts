import { blankItems } from '../catalog/log/served-list-codec.ts';
import type { ServedItems, ServedList } from '../catalog/log/served-list.ts';
import { mixedSeed, seededRandom, SERVING_STREAMS } from '../math/random.ts';
import { treatmentText } from '../treatment.ts';
import type { ListOptions, RankedList } from './ranked-list.ts';
import type { Degradation } from './serving-parts.ts';

/** What the log keeps of a ranked list: its page, and the few candidates drawn from the rest. */
export function servedRecord(list: RankedList, latencyMs: number): ServedList {
  const { options, surface, queryPinIndex, ranker, shuffled, degraded } = list;
  return recordOf(options, { surface, queryPinIndex, modelVersion: ranker.name, shuffled, latencyMs, degraded, items: servedItems(list) });
}

/** What a list was, besides what was asked. */
interface Served extends Pick<ServedList, 'surface' | 'queryPinIndex' | 'modelVersion' | 'shuffled' | 'latencyMs' | 'items' | 'region'> {
  readonly degraded: readonly Degradation[];
}

/** The log's record of any list that was sent, whatever made it. */
export function recordOf(options: ListOptions, served: Served): ServedList {
  const { recommendationId, now: at, userId, sessionId = null, labels, arm, treatment, forced } = options;
  const { surface, queryPinIndex, modelVersion, shuffled, latencyMs, items, region } = served;
  const asked = { recommendationId, at, userId, sessionId, labels, arm, treatment: treatmentText(treatment), forced };
  const degraded = served.degraded.map(({ code }) => code);
  return { ...asked, surface, queryPinIndex, modelVersion, shuffled, latencyMs, degraded, items, region };
}

/** The logged candidates as columns: those of the page, then the unserved. */
export function servedItems(list: RankedList): ServedItems {
  const { page, unserved, candidates, rows } = list;
  const count = page.length + unserved.length;
  const sources = candidates.sourceNames.length;
  const items = blankItems(count, candidates.sourceNames, rows);
  for (let i = 0; i < count; i++) {
    const onPage = i < page.length;
    const row = onPage ? page[i] : unserved[i - page.length];
    items.pinIndexes[i] = candidates.pinIndexes[row];
    items.positions[i] = onPage ? list.firstPosition + i : 0;
    items.scores[i] = list.scores[row];
    items.propensities[i] = onPage ? list.propensities[i] : 0;
    items.retrievedRanks[i] = row;
    for (let s = 0; s < sources; s++) items.sourceScores[i * sources + s] = candidates.sourceScores[row * sources + s];
  }
  return items;
}

/** Up to `wanted` of `count` rows that are not on the page, drawn by the recommendation id, so that the log shows which they were. */
export function drawUnserved(page: Int32Array, count: number, wanted: number, recommendationId: string): Int32Array {
  const left = Math.min(wanted, count - page.length);
  if (left <= 0) return new Int32Array(0);
  const taken = new Set<number>(page);
  const chosen: number[] = [];
  const random = seededRandom(mixedSeed(SERVING_STREAMS.unservedRows, recommendationId));
  while (chosen.length < left) {
    const row = random.integer(count);
    if (taken.has(row)) continue;
    taken.add(row);
    chosen.push(row);
  }
  return Int32Array.from(chosen);
}
