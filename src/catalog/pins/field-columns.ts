/**
 * Columns of the fields that requests filter by, resident while they are asked for: a list weighs thousands of candidates,
 * and a scan every pin. A column is built at its first use, a part at a time, and kept up with changed pins.
 */
import { LRUCache } from 'lru-cache';
import type { CatalogStore } from './catalog-store.ts';
import { FieldNames } from '../readers/field-names.ts';
import { type FieldFilter, isOrdered, meets } from './field-filter.ts';
import { OWN_FIELDS, PinFieldStore } from './pin-field-store.ts';
import type { FieldValue } from './records.ts';

/** Columns that stay: four bytes a pin each, beside their distinct values. */
const COLUMNS_MAX = 16;
/** Pins read between two turns of the event loop. */
const PINS_PER_TURN = 2000;

interface FieldColumn {
  /** By pin: the place of its value in `values`, -1 without one. */
  ordinals: Int32Array;
  readonly values: FieldValue[];
  readonly places: Map<FieldValue, number>;
  /** Pins whose value is text. */
  texts: number;
  /** Settles when every pin was read. */
  built: Promise<void>;
}

export type PinTest = (pinIndex: number) => boolean;

interface FilterTest {
  readonly test: PinTest;
  /** Names that no pin has ever had. */
  readonly unknown: readonly string[];
  /** Fields that are asked for an order and are text on so many pins, with one such text. */
  readonly unordered: readonly { readonly name: string; readonly pins: number; readonly example: string }[];
}

/** A field that is no part of the record, such as what was found in the picture. A field of the record of that name goes before. */
interface FoundField {
  readonly name: string;
  /** Null: nobody looked for it. */
  test(filter: FieldFilter): PinTest | null;
}

export class FieldColumns {
  private readonly catalog: CatalogStore;
  private readonly fields: PinFieldStore;
  private readonly found: FoundField | null;
  private readonly columns = new LRUCache<string, FieldColumn>({ max: COLUMNS_MAX });

  constructor(catalog: CatalogStore, found: FoundField | null = null) {
    this.catalog = catalog;
    this.found = found;
    this.fields = new PinFieldStore(catalog);
  }

  /** A test of pins that all filters must pass. A name that is no field may be another spelling of one: `inStock` is `buyable`. */
  async test(asked: readonly FieldFilter[]): Promise<FilterTest> {
    const known = new Set<string>([...OWN_FIELDS, ...this.catalog.pins.fieldNames()]);
    const spellings = new FieldNames('pins');
    const tests: PinTest[] = [];
    const ofRecord = asked.filter((filter) => {
      const test = filter.name === this.found?.name && !known.has(filter.name) ? this.found.test(filter) : null;
      if (test) tests.push(test);
      return test === null;
    });
    const filters = ofRecord.map((one) => (known.has(one.name) ? one : { ...one, name: spellings.of([one.name])[0] }));
    const unknown = filters.map(({ name }) => name).filter((name) => !known.has(name));
    if (unknown.length > 0) return { test: () => false, unknown, unordered: [] };
    const unordered: FilterTest['unordered'][number][] = [];
    for (const filter of filters) {
      const column = this.columnOf(filter.name);
      await column.built;
      if (isOrdered(filter) && column.texts > 0) unordered.push({ name: filter.name, pins: column.texts, example: textIn(column) });
      tests.push((pinIndex) => {
        const at = pinIndex < column.ordinals.length ? column.ordinals[pinIndex] : -1;
        return at >= 0 && meets(column.values[at], filter);
      });
    }
    return { test: (pinIndex) => tests.every((test) => test(pinIndex)), unknown, unordered };
  }

  /** Reads changed pins again. A column that holds mostly values of the past is dropped, and built when it is asked for. */
  refresh(pinIndexes: readonly number[]): void {
    for (const [name, column] of [...this.columns.entries()]) {
      for (const pinIndex of pinIndexes) this.put(column, pinIndex, name);
      if (column.values.length > 2 * column.ordinals.length) this.columns.delete(name);
    }
  }

  private columnOf(name: string): FieldColumn {
    const known = this.columns.get(name);
    if (known) return known;
    const column: FieldColumn = { ordinals: new Int32Array(0), values: [], places: new Map(), texts: 0, built: Promise.resolve() };
    this.columns.set(name, column);
    column.built = this.build(column, name);
    column.built.catch(() => this.columns.delete(name));
    return column;
  }

  private async build(column: FieldColumn, name: string): Promise<void> {
    const count = this.catalog.pins.count();
    for (let from = 0; from < count; from += PINS_PER_TURN) {
      for (let pin = from; pin < Math.min(count, from + PINS_PER_TURN); pin++) this.put(column, pin, name);
      await new Promise((turn) => setImmediate(turn));
    }
  }

  private put(column: FieldColumn, pinIndex: number, name: string): void {
    if (pinIndex >= column.ordinals.length) column.ordinals = grown(column.ordinals, pinIndex + 1);
    const value = this.fields.valueOf(pinIndex, name);
    const before = column.ordinals[pinIndex];
    if (before >= 0 && typeof column.values[before] === 'string') column.texts--;
    if (typeof value === 'string') column.texts++;
    column.ordinals[pinIndex] = value === undefined ? -1 : placeOf(column, value);
  }
}

/** A text that some pin has. */
function textIn({ ordinals, values }: FieldColumn): string {
  return String(values[ordinals.find((place) => place >= 0 && typeof values[place] === 'string') ?? 0]);
}

function placeOf({ values, places }: FieldColumn, value: FieldValue): number {
  let place = places.get(value);
  if (place === undefined) {
    place = values.push(value) - 1;
    places.set(value, place);
  }
  return place;
}

function grown(ordinals: Int32Array, length: number): Int32Array {
  const longer = new Int32Array(Math.max(1024, 2 * ordinals.length, length)).fill(-1);
  longer.set(ordinals);
  return longer;
}
