import { openCatalog } from '../../src/catalog/pins/catalog-store.ts';
import { loadPinColumns, type PinColumns } from '../../src/catalog/pins/pin-columns.ts';
import { type PinRecord, readPin } from '../../src/catalog/pins/records.ts';

/** Columns of a small real catalogue; `groups` names near-duplicates by pin index. */
export function smallColumns(pins: readonly object[], groups?: readonly number[]): PinColumns {
  const store = openCatalog(':memory:');
  const now = Date.UTC(2026, 0, 1);
  store.pins.upsert(pins.map((pin, i) => readPin({ id: `p${i}`, ...pin }, now) as PinRecord));
  if (groups) store.groups.set(groups.entries());
  store.deriveCategories();
  return loadPinColumns(store);
}
