/** Long lists in parts: the next ones begin while the first is waited for, so that no worker rests between two of them. */

/** Parts under way at once: one that is written, one that is computed, one that is fetched. */
const AHEAD = 3;

export interface PartDone<Item, Found> {
  readonly part: readonly Item[];
  readonly found: Found;
}

/**
 * Yields what `look` found in each part of `size` items, in order; at most three are under way, which bounds memory. When
 * `signal` aborts no further part begins, and those that have begun are yielded: a stop loses nothing that was computed.
 */
export async function* partsAhead<Item, Found>(
  items: readonly Item[],
  size: number,
  look: (part: readonly Item[]) => Promise<Found>,
  signal?: AbortSignal,
): AsyncGenerator<PartDone<Item, Found>> {
  const ahead: { part: readonly Item[]; found: Promise<Found> }[] = [];
  for (let next = 0; ;) {
    for (; next < items.length && ahead.length < AHEAD && !signal?.aborted; next += size) {
      const part = items.slice(next, next + size);
      const found = look(part);
      found.catch(() => undefined);
      ahead.push({ part, found });
    }
    const first = ahead.shift();
    if (!first) return;
    yield { part: first.part, found: await first.found };
  }
}
