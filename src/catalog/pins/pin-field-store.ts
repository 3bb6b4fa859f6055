/** The fields of pins that lists show and filter by: a few of the record, and all that are the caller's. */
import type { Database, Statement } from '../database.ts';
import { parseFields } from './pin-store.ts';
import type { FieldValue } from './records.ts';

/** Fields of the record itself that have a single value. `image` is the stored reference. */
export const OWN_FIELDS = ['title', 'image', 'link', 'description', 'buyable', 'createdAt'] as const;
type OwnField = (typeof OWN_FIELDS)[number];

/** Shown without being asked for: enough for a page of cards. The first of `OWN_FIELDS`. */
export const CARD_FIELDS: readonly string[] = OWN_FIELDS.slice(0, 3);

export type Fields = Record<string, FieldValue | null>;

type CardRow = [number, string | null, string | null, string | null];
type WholeRow = [...CardRow, string | null, number, number | null, string | null];

const CARD_COLUMNS = 'p.pinIndex, title, image, link';
const WHOLE_COLUMNS = `${CARD_COLUMNS}, description, buyable, createdAt, fields`;
/** One statement for all pins of a list: half the time of one for each. */
const OF_LIST = 'FROM json_each(?) asked JOIN pins p ON p.pinIndex = asked.value';

export class PinFieldStore {
  private readonly cards: Statement;
  private readonly whole: Statement;
  private readonly one: Statement;

  constructor(database: Database) {
    this.cards = database.prepare(`SELECT ${CARD_COLUMNS} ${OF_LIST}`).raw();
    this.whole = database.prepare(`SELECT ${WHOLE_COLUMNS} ${OF_LIST}`).raw();
    this.one = database.prepare(`SELECT ${WHOLE_COLUMNS} FROM pins p WHERE p.pinIndex = ?`).raw();
  }

  /** The values of `names` for each pin, null where it has none. */
  ofAll(pinIndexes: readonly number[], names: readonly string[]): Fields[] {
    const found = new Map<number, Fields>();
    const asked = `[${pinIndexes.join(',')}]`;
    if (names === CARD_FIELDS) {
      for (const [pinIndex, title, image, link] of this.cards.iterate(asked) as IterableIterator<CardRow>)
        found.set(pinIndex, { title, image, link });
    } else {
      for (const row of this.whole.iterate(asked) as IterableIterator<WholeRow>) found.set(row[0], named(valuesOf(row), names));
    }
    return pinIndexes.map((pinIndex) => found.get(pinIndex) ?? named(NO_VALUES, names));
  }

  /** The value of one field of one pin, undefined without one. */
  valueOf(pinIndex: number, name: string): FieldValue | undefined {
    const row = this.one.get(pinIndex) as WholeRow | undefined;
    return row && valuesOf(row).get(name);
  }
}

const NO_VALUES: ReadonlyMap<string, FieldValue> = new Map();

function named(values: ReadonlyMap<string, FieldValue>, names: readonly string[]): Fields {
  return Object.fromEntries(names.map((name) => [name, values.get(name) ?? null]));
}

/** Every value of a row. Fields of the record win over those of the caller, which cannot have their names. */
function valuesOf(row: WholeRow): ReadonlyMap<string, FieldValue> {
  const [, title, image, link, description, buyable, createdAt, fields] = row;
  const own: Record<OwnField, FieldValue | null> = { title, image, link, description, buyable: buyable === 1, createdAt };
  const given = Object.entries(own).filter((entry): entry is [OwnField, FieldValue] => entry[1] !== null);
  return new Map([...Object.entries(parseFields(fields)), ...given]);
}
