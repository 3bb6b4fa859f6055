/** The stored detections of a set of detectors, read as one: per pin what each of them found, in united words. */
import { join } from 'node:path';
import { type Database, type DatabaseOptions, openDatabase } from '../catalog/database.ts';
import type { ImageDetections } from './detection.ts';
import { DetectionStore } from './detection-store.ts';
import { type DetectorSet, uniteDetections } from './detector-set.ts';

export class SetDetections {
  private readonly database: Database;
  private readonly stores: readonly { readonly name: string; readonly store: DetectionStore }[];

  constructor(database: Database, set: DetectorSet) {
    this.database = database;
    this.stores = set.detectors.map(({ name, net }) => ({ name, store: new DetectionStore(database, net) }));
  }

  /** The rows of one detector of the set. */
  of(name: string): DetectionStore {
    const found = this.stores.find((one) => one.name === name);
    if (!found) throw new RangeError(`detector: expected one of ${this.stores.map((one) => one.name).join(', ')}, got ${name}`);
    return found.store;
  }

  /** What the detectors that have seen a pin's image found; null when none has, or all refused it. */
  read(pinIndex: number): ImageDetections | null {
    return uniteDetections(
      this.stores.flatMap(({ name, store }) => {
        const found = store.read(pinIndex);
        return found ? [{ name, found }] : [];
      }),
    );
  }

  /** Every pin that a detector has seen, in the order of pins. */
  *all(): IterableIterator<{ readonly pinIndex: number; readonly found: ImageDetections }> {
    const walks = this.stores.map(({ name, store }) => {
      const rows = store.all();
      return { name, rows, next: rows.next() };
    });
    for (;;) {
      const at = Math.min(...walks.map(({ next }) => (next.done ? Number.POSITIVE_INFINITY : next.value.pinIndex)));
      if (at === Number.POSITIVE_INFINITY) return;
      const parts: { name: string; found: ImageDetections }[] = [];
      for (const walk of walks) {
        if (walk.next.done || walk.next.value.pinIndex !== at) continue;
        parts.push({ name: walk.name, found: walk.next.value.found });
        walk.next = walk.rows.next();
      }
      const found = uniteDetections(parts);
      if (found) yield { pinIndex: at, found };
    }
  }

  close(): void {
    this.database.close();
  }
}

/** Opens the detections of a set in a data folder. */
export function openSetDetections(dataFolder: string, set: DetectorSet, options: DatabaseOptions = {}): SetDetections {
  return new SetDetections(openDatabase(join(dataFolder, 'detections.sqlite'), options), set);
}
