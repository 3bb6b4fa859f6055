/** The stored object crops of a catalogue as serving reads them: the index of objects, kept up with what jobs write. */
import { countCompany, type LabelCompany } from './label-company.ts';
import { ObjectIndex } from './object-index.ts';
import type { ObjectStore, PinObjectsRow } from './object-store.ts';

/** Rows taken in at a time; between two parts requests are answered. */
const PART = 2000;

/** Filled part by part: whole once `refresh` says that nothing is left. `bits`: length of the net's codes. */
export class ResidentObjects {
  readonly index: ObjectIndex;
  private readonly store: ObjectStore;
  /** Rows up to this write of the store are in. */
  private sequence = 0;
  private counted: { readonly sequence: number; readonly company: LabelCompany } | null = null;

  constructor(store: ObjectStore, bits: number) {
    this.store = store;
    this.index = new ObjectIndex(bits);
  }

  /** Takes in a part of what was written since the last look; false when nothing is left. */
  refresh(): boolean {
    const rows = this.store.changedSince(this.sequence, PART);
    for (const { pinIndex, objects, sequence } of rows) {
      this.index.setPin(
        pinIndex,
        objects.map((object) => ({ ...object, pinIndex })),
      );
      this.sequence = sequence;
    }
    return rows.length === PART;
  }

  /** A pin's objects with their codes and signals; null when no job has looked at it. */
  of(pinIndex: number): PinObjectsRow | null {
    return this.store.read(pinIndex);
  }

  /** Which kinds of object stand together in the catalogue's pictures. */
  get company(): LabelCompany {
    if (this.counted?.sequence !== this.sequence)
      this.counted = { sequence: this.sequence, company: countCompany(this.index.labelledPins()) };
    return this.counted.company;
  }

  close(): void {
    this.store.close();
  }
}
