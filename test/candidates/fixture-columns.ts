import { CatalogStore } from '../../src/catalog/pins/catalog-store.ts';
import { openDatabase } from '../../src/catalog/database.ts';
import { loadPinColumns, type ResidentPinColumns } from '../../src/catalog/pins/pin-columns.ts';
import type { Upserted } from '../../src/catalog/pins/stored-records.ts';
import type { BoardId, PinId } from '../../src/catalog/pins/records.ts';
import type { SaveRow } from '../../src/catalog/pins/save-store.ts';

export interface FixturePin {
  readonly id: string;
  readonly annotations?: Readonly<Record<string, number>>;
  readonly categories?: Readonly<Record<string, number>>;
}

/** A catalogue in memory; pin p is on the boards that list p. */
export function fixtureCatalog(pins: readonly FixturePin[], boards: readonly (readonly number[])[] = []): CatalogStore {
  const store = new CatalogStore(openDatabase(':memory:'));
  upsertPins(store, pins);
  store.boards.upsert(boards.map((_, b) => ({ id: `board-${b}` as BoardId })));
  saveAll(
    store,
    boards.flatMap((board, boardIndex) => board.map((pinIndex) => ({ boardIndex, pinIndex }))),
  );
  return store;
}

export function upsertPins(store: CatalogStore, pins: readonly FixturePin[]): Upserted {
  return store.pins.upsert(
    pins.map(({ id, annotations, categories }) => ({
      id: id as PinId,
      annotations: annotations && new Map(Object.entries(annotations)),
      categories: categories && new Map(Object.entries(categories)),
    })),
  );
}

export function saveAll(store: CatalogStore, pairs: readonly { boardIndex: number; pinIndex: number }[]): void {
  const rows: SaveRow[] = pairs.map((pair) => ({ ...pair, userIndex: -1, at: 0 }));
  store.saves.upsert(rows, 0);
}

export function fixtureColumns(store: CatalogStore): ResidentPinColumns {
  return loadPinColumns(store);
}

export function numberedPins(count: number): FixturePin[] {
  return Array.from({ length: count }, (_, p) => ({ id: `pin-${p}` }));
}
