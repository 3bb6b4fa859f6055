/** The found marks as the service shows them and filters by them. It follows what teach-mark and find-marks write. */
import type { FieldFilter } from '../catalog/pins/field-filter.ts';
import type { FoundMark } from './mark-matching.ts';
import { hasMarks, type MarkStore, openMarkStore } from './mark-store.ts';

export class ServedMarks {
  /** The field of filters: `mark=Acme`. */
  readonly name = 'mark';
  private readonly dataFolder: string;
  private store: MarkStore | null = null;
  private known: { readonly version: number; readonly labelsOf: ReadonlyMap<number, ReadonlySet<string>> } | null = null;

  constructor(dataFolder: string) {
    this.dataFolder = dataFolder;
  }

  /** The marks of a pin's picture, surest first; null where no mark was ever taught. @throws CATALOG_FILE_UNREADABLE */
  of(pinIndex: number): readonly FoundMark[] | null {
    return this.opened()?.marksOf(pinIndex) ?? null;
  }

  /** All labels in order, taught or found, each with how many of the pins that `isShown` accepts show it. */
  counted(isShown: (pinIndex: number) => boolean): { readonly label: string; readonly pins: number }[] {
    const store = this.opened();
    if (store === null) return [];
    const counts = new Map(store.labels().map(({ label }) => [label, 0]));
    for (const [pinIndex, labels] of this.labels(store))
      if (isShown(pinIndex)) for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
    return [...counts].map(([label, pins]) => ({ label, pins })).sort((a, b) => (a.label < b.label ? -1 : 1));
  }

  /** A test of pins; null where no mark was ever taught. `!=` asks for another mark; pins without any never pass, as with other fields. */
  test({ operator, value }: FieldFilter): ((pinIndex: number) => boolean) | null {
    const store = this.opened();
    if (store === null) return null;
    const labelsOf = this.labels(store);
    if (operator === '=') return (pinIndex) => labelsOf.get(pinIndex)?.has(value) === true;
    if (operator === '!=') return (pinIndex) => labelsOf.get(pinIndex)?.has(value) === false;
    return () => false;
  }

  private labels(store: MarkStore): ReadonlyMap<number, ReadonlySet<string>> {
    const { version } = store;
    if (this.known?.version === version) return this.known.labelsOf;
    const labelsOf = new Map<number, Set<string>>();
    for (const { pinIndex, label } of store.found()) labelsOf.set(pinIndex, (labelsOf.get(pinIndex) ?? new Set()).add(label));
    this.known = { version, labelsOf };
    return labelsOf;
  }

  private opened(): MarkStore | null {
    if (this.store === null && hasMarks(this.dataFolder)) this.store = openMarkStore(this.dataFolder, { readonly: true });
    return this.store;
  }

  close(): void {
    this.store?.close();
  }
}
