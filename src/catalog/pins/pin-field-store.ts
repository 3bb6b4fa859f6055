/** The fields of pins that lists show and filter by: a few of the record, and all that are the caller's. */
import type { Statement } from '../database.ts';
import type { Sequence } from '../log/sequence-store.ts';
import type { CatalogStore } from './catalog-store.ts';
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

/** So many changes at once, and all cards are read again. */
const CHANGED_MAX = 1000;
/** Cards that are kept in memory, some 350 bytes each. */
const CARDS_KEPT = 32_768;

/** What a page of cards shows of a pin. */
interface Card {
  readonly title: string | null;
  readonly image: string | null;
  readonly link: string | null;
}

export class PinFieldStore {
  private readonly cards: Statement;
  private readonly whole: Statement;
  private readonly one: Statement;
  private readonly changed: Statement;
  private readonly sequence: Sequence;
  /** Cards by pin, the longest kept first, as of the change `seen`: see `forgetChanged`. */
  private readonly kept = new Map<number, Card>();
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
    if (names === CARD_FIELDS) return this.cardsOf(pinIndexes);
    const found = new Map<number, Fields>();
    for (const row of this.whole.all(`[${pinIndexes.join(',')}]`) as WholeRow[]) found.set(row[0], named(valuesOf(row), names));
    return pinIndexes.map((pinIndex) => found.get(pinIndex) ?? named(NO_VALUES, names));
  }

  /** Copies: whoever asked may fill in what is shown. */
  private cardsOf(pinIndexes: readonly number[]): Fields[] {
    const missing = pinIndexes.filter((pinIndex) => !this.kept.has(pinIndex));
    if (missing.length > 0) {
      for (const [pinIndex, title, image, link] of this.cards.all(`[${missing.join(',')}]`) as CardRow[])
        this.kept.set(pinIndex, { title, image, link });
    }
    const cards = pinIndexes.map((pinIndex): Fields => {
      const card = this.kept.get(pinIndex);
      return card ? { title: card.title, image: card.image, link: card.link } : named(NO_VALUES, CARD_FIELDS);
    });
    for (const pinIndex of this.kept.keys()) {
      if (this.kept.size <= CARDS_KEPT) break;
      this.kept.delete(pinIndex);
    }
    return cards;
  }

  /**
   * Cards of pins that changed are read again: called before a reply when the catalogue was written, here or elsewhere. Every
   * change of a pin has a number of its own, whoever wrote it.
   */
  forgetChanged(): void {
    const now = this.sequence.current();
    if (now === this.seen) return;
    const changed = this.changed.all(this.seen, CHANGED_MAX) as number[];
    // A catalogue that was put back counts from further back.
    if (changed.length === CHANGED_MAX || now < this.seen) this.kept.clear();
    else for (const pinIndex of changed) this.kept.delete(pinIndex);
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
