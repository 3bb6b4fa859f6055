/** The fields of pins that lists show and filter by: a few of the record, and all that are the caller's. */
import type { Statement } from '../database.ts';
import type { Sequence } from '../log/sequence-store.ts';
import { CardBytes } from './card-bytes.ts';
import type { CatalogStore } from './catalog-store.ts';
import { parseFields } from './pin-store.ts';
import type { FieldValue } from './records.ts';

/** Fields of the record itself that have a single value. `image` is the stored reference. */
export const OWN_FIELDS = ['title', 'image', 'link', 'description', 'buyable', 'createdAt'] as const;
type OwnField = (typeof OWN_FIELDS)[number];

export type Fields = Record<string, FieldValue | null>;

type CardRow = [number, string | null, string | null, string | null];
type WholeRow = [...CardRow, string | null, number, number | null, string | null];

const CARD_COLUMNS = 'p.pinIndex, title, image, link';
const WHOLE_COLUMNS = `${CARD_COLUMNS}, description, buyable, createdAt, fields`;
/** One statement for all pins of a list: half the time of one for each. */
const OF_LIST = 'FROM json_each(?) asked JOIN pins p ON p.pinIndex = asked.value';

/** So many changes at once, and all cards are read again. */
const CHANGED_MAX = 1000;
/** What lists show of a pin without being asked; `image` is the stored reference. */
export interface Card {
  readonly title: string | null;
  readonly image: string | null;
  readonly link: string | null;
}

const NO_CARD: Card = { title: null, image: null, link: null };

export class PinFieldStore {
  private readonly cards: Statement;
  private readonly whole: Statement;
  private readonly one: Statement;
  private readonly changed: Statement;
  private readonly sequence: Sequence;
  private madeCards: CardBytes | null = null;
  /** The change that `keptCards` are as of: see `forgetChanged`. */
  private seen = 0;

  constructor({ database, sequence }: Pick<CatalogStore, 'database' | 'sequence'>) {
    this.sequence = sequence;
    this.cards = database.prepare(`SELECT ${CARD_COLUMNS} ${OF_LIST}`).raw();
    this.whole = database.prepare(`SELECT ${WHOLE_COLUMNS} ${OF_LIST}`).raw();
    this.one = database.prepare(`SELECT ${WHOLE_COLUMNS} FROM pins p WHERE p.pinIndex = ?`).raw();
    this.changed = database.prepare('SELECT pinIndex FROM pins WHERE sequence > +? LIMIT +?').pluck();
  }

  /** The values of `names` for each pin, null where it has none. */
  ofAll(pinIndexes: readonly number[], names: readonly string[]): Fields[] {
    const found = new Map<number, Fields>();
    for (const row of this.whole.all(`[${pinIndexes.join(',')}]`) as WholeRow[]) found.set(row[0], named(valuesOf(row), names));
    return pinIndexes.map((pinIndex) => found.get(pinIndex) ?? named(NO_VALUES, names));
  }

  /** The card of each pin, as stored. */
  cardsOf(pinIndexes: readonly number[]): Card[] {
    const found = new Map<number, Card>();
    for (const [pinIndex, title, image, link] of this.cards.all(`[${pinIndexes.join(',')}]`) as CardRow[])
      found.set(pinIndex, { title, image, link });
    return pinIndexes.map((pinIndex) => found.get(pinIndex) ?? NO_CARD);
  }

  /** Cards that whoever shows them keeps here, until their pins change. */
  get keptCards(): CardBytes {
    return (this.madeCards ??= new CardBytes());
  }

  /**
   * Kept cards of pins that changed are dropped: called before a reply when the catalogue was written, here or elsewhere. Every
   * change of a pin has a number of its own, whoever wrote it.
   */
  forgetChanged(): void {
    const now = this.sequence.current();
    if (now === this.seen) return;
    const changed = this.changed.all(this.seen, CHANGED_MAX) as number[];
    // A catalogue that was put back counts from further back.
    if (changed.length === CHANGED_MAX || now < this.seen) this.madeCards?.forgetAll();
    else for (const pinIndex of changed) this.madeCards?.forget(pinIndex);
    this.seen = now;
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
