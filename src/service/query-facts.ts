import type { PinColumns } from '../catalog/pins/pin-columns.ts';
import type { QueryFacts } from '../experiments/assignment.ts';
import type { VisualFeatures } from '../features/visual-features.ts';

/** Nothing is known of the query. */
export const NO_FACTS: QueryFacts = {
  surface: '',
  queryPinId: null,
  popularityRank: null,
  categories: [],
  hasDominantObject: false,
};

/** Of a query pin; of none (below 0: an upload, a home feed) the surface alone. */
export function queryFacts(
  pins: PinColumns,
  visual: VisualFeatures | null,
  { surface, pinIndex }: { readonly surface: string; readonly pinIndex: number },
): QueryFacts {
  if (pinIndex < 0) return { ...NO_FACTS, surface };
  const { start, length, ordinals } = pins.categories;
  const own = ordinals.subarray(start[pinIndex], start[pinIndex] + length[pinIndex]);
  return {
    surface,
    queryPinId: pins.idOf(pinIndex),
    popularityRank: popularityRanks(pins)[pinIndex],
    categories: Array.from(own, (ordinal) => pins.categoryNames[ordinal]),
    hasDominantObject: visual !== null && visual.objectOf(pinIndex) !== null,
  };
}

const RANKS_KEPT_MS = 60_000;
const ranked = new WeakMap<PinColumns, { readonly at: number; readonly count: number; readonly ranks: Uint32Array }>();

/** Rank of each pin by saves (ties by pin index), counted again once a minute and when pins arrive. */
function popularityRanks(pins: PinColumns): Uint32Array {
  const known = ranked.get(pins);
  const now = performance.now();
  if (known && known.count === pins.count && now - known.at < RANKS_KEPT_MS) return known.ranks;
  const order = new Uint32Array(pins.count);
  for (let pin = 0; pin < order.length; pin++) order[pin] = pin;
  const saves = pins.saves.slice(0, pins.count);
  order.sort((a, b) => saves[b] - saves[a] || a - b);
  const ranks = new Uint32Array(pins.count);
  order.forEach((pin, rank) => {
    ranks[pin] = rank;
  });
  ranked.set(pins, { at: now, count: pins.count, ranks });
  return ranks;
}
