import type { Database } from '../database.ts';

export interface Upserted {
  readonly written: number;
  readonly unchanged: number;
  readonly indexes: Int32Array;
  /** Indexes of the rows that were written, without repeats. */
  readonly changed: readonly number[];
}

/** How one kind of record is stored. */
interface Storing<Stored, Given> {
  /** The next ordinal. */
  readonly next: number;
  find(id: string): Stored | undefined;
  indexOf(stored: Stored): number;
  /** Whether it changed anything. */
  write(record: Given, before: Stored | undefined, index: number): boolean;
}

/**
 * Writes records in one transaction. A field that is absent keeps what is stored, null clears it; what changes nothing is not
 * written. `indexes[i]` is the ordinal of record i.
 */
export function upsertAll<Stored, Given extends { readonly id: string }>(
  database: Database,
  records: readonly Given[],
  { next, find, indexOf, write }: Storing<Stored, Given>,
): Upserted {
  return database
    .transaction(() => {
      const indexes = new Int32Array(records.length);
      const changed = new Set<number>();
      let free = next;
      let written = 0;
      records.forEach((record, i) => {
        const before = find(record.id);
        const index = before === undefined ? free++ : indexOf(before);
        indexes[i] = index;
        if (!write(record, before, index)) return;
        written++;
        changed.add(index);
      });
      return { written, unchanged: records.length - written, indexes, changed: [...changed] };
    })
    .immediate();
}
