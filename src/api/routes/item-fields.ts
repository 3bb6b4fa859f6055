/** Fields that list items carry, and filters on fields, as requests ask for them. */
import { counted } from '../../counted.ts';
import type { PinTest } from '../../catalog/pins/field-columns.ts';
import { FILTERS_MAX, readFilter } from '../../catalog/pins/field-filter.ts';
import { isWebAddress } from '../../catalog/pins/image-reference.ts';
import { PIN_HAS_IMAGE, PIN_IMAGE_FAILED } from '../../catalog/pins/pin-columns.ts';
import type { CardBytes } from '../../catalog/pins/card-bytes.ts';
import type { Fields } from '../../catalog/pins/pin-field-store.ts';
import type { Context } from '../../service/context.ts';
import { ServiceError } from '../../errors.ts';
import type { Degradation } from '../../lists/serving-parts.ts';

/** Most fields of an item. */
const FIELDS_MAX = 50;
/** Fields named where one is not known. */
const NAMED_MAX = 10;

/** One text with commas, or several. */
export type Names = string | readonly string[];

/** The fields of each pin of a list, as a caller asked for them. */
export interface ItemFields {
  /** Nothing was asked for: title, image and link. */
  readonly areCards: boolean;
  of(pinIndexes: readonly number[]): readonly Fields[];
}

/** Reads the fields a caller asked for; null where none are wanted (`fields=`). @throws REQUEST_INVALID for too many. */
export function fieldReader(context: Context, asked: Names | undefined): ItemFields | null {
  if (asked === undefined) return { areCards: true, of: (pinIndexes) => cardFields(context, pinIndexes) };
  const names = namesOf(asked);
  if (names.length > FIELDS_MAX)
    throw new ServiceError('REQUEST_INVALID', { field: 'fields', detail: `fields: at most ${FIELDS_MAX}, got ${names.length}` });
  if (names.length === 0) return null;
  const showsImage = names.includes('image');
  const of = (pinIndexes: readonly number[]): readonly Fields[] => {
    const all = context.fields.ofAll(pinIndexes, names);
    if (showsImage) all.forEach((fields, i) => (fields.image = imageAddress(context, pinIndexes[i], fields.image)));
    return all;
  };
  return { areCards: false, of };
}

/** What the address of a picture hangs on besides the pin's row. */
const IMAGE_FLAGS = PIN_HAS_IMAGE | PIN_IMAGE_FAILED;

type Cards = Pick<Context, 'fields' | 'pins'>;

function isKept({ fields, pins }: Cards, pinIndex: number): boolean {
  return fields.keptCards.has(pinIndex, pins.flags[pinIndex] & IMAGE_FLAGS);
}

/** Makes the cards of these pins where they are not kept, so that most of them are; see `keptWith`. */
export function bringCards(context: Cards, pinIndexes: readonly number[]): void {
  const { fields, pins } = context;
  const missing = pinIndexes.filter((pinIndex) => !isKept(context, pinIndex));
  if (missing.length === 0) return;
  const cards = fields.cardsOf(missing);
  missing.forEach((pinIndex, i) => {
    const { title, image, link } = cards[i];
    const shown = JSON.stringify({ title, image: imageAddress(context, pinIndex, image), link });
    fields.keptCards.put(pinIndex, pins.flags[pinIndex] & IMAGE_FLAGS, JSON.stringify(pins.idOf(pinIndex)), shown);
  });
}

/** The kept cards, with that of this pin: of very many long ones the first has been written over by the last. */
export function keptWith(context: Cards, pinIndex: number): CardBytes {
  if (!isKept(context, pinIndex)) bringCards(context, [pinIndex]);
  return context.fields.keptCards;
}

function cardFields(context: Context, pinIndexes: readonly number[]): readonly Fields[] {
  bringCards(context, pinIndexes);
  return pinIndexes.map((pinIndex) => JSON.parse(keptWith(context, pinIndex).fieldsOf(pinIndex)) as Fields);
}

function namesOf(asked: Names): readonly string[] {
  const names = (typeof asked === 'string' ? asked.split(',') : asked).map((name) => name.trim()).filter((name) => name !== '');
  return [...new Set(names)];
}

/** Where a page finds the picture: its own address on the web, or this service; null without a picture that can be shown. */
function imageAddress({ pins }: Pick<Context, 'pins'>, pinIndex: number, stored: Fields[string]): string | null {
  const flags = pins.flags[pinIndex];
  if (typeof stored !== 'string' || (flags & PIN_HAS_IMAGE) === 0 || (flags & PIN_IMAGE_FAILED) !== 0) return null;
  return isWebAddress(stored) ? stored : `/v1/pins/${encodeURIComponent(pins.idOf(pinIndex))}/image`;
}

/** What item i of a list adds to its reply: its fields, or nothing where none are wanted. */
export function fieldsBeside(
  itemFields: ItemFields | null,
  items: readonly { readonly pinIndex: number }[],
): (i: number) => { fields?: Fields } {
  const all = itemFields?.of(items.map(({ pinIndex }) => pinIndex));
  return (i) => (all ? { fields: all[i] } : {});
}

export interface AskedFilter {
  readonly test: PinTest;
  /** Fields that no pin has, and text that is asked for an order: what matches nothing is said in the reply. */
  readonly degraded: readonly Degradation[];
}

/** The test of a request's filters, all of which must hold; null without any. @throws REQUEST_INVALID */
export async function askedFilter(context: Context, asked: Names | undefined): Promise<AskedFilter | null> {
  const texts = asked === undefined ? [] : typeof asked === 'string' ? [asked] : asked;
  if (texts.length === 0) return null;
  if (texts.length > FILTERS_MAX)
    throw new ServiceError('REQUEST_INVALID', { field: 'filter', detail: `filter: at most ${FILTERS_MAX}, got ${texts.length}` });
  const { test, unknown, unordered } = await context.fieldColumns.test(texts.map(readFilter));
  const names = context.catalog.pins.fieldNames();
  return { test, degraded: [...unknown.map((name) => unknownField(name, names)), ...unordered.map(textField)] };
}

function textField({ name, pins, example }: { readonly name: string; readonly pins: number; readonly example: string }): Degradation {
  const shown = JSON.stringify(example.slice(0, 40));
  const many = counted(pins, 'pin');
  return {
    code: 'CATALOG_FIELD_TEXT',
    reason: `The field "${name}" is text on ${many} (as ${shown}); <, <=, > and >= compare numbers only, so these never match.`,
  };
}

function unknownField(name: string, known: readonly string[]): Degradation {
  const named = known.length === 0 ? 'none' : known.slice(0, NAMED_MAX).join(', ') + (known.length > NAMED_MAX ? ', ...' : '');
  return { code: 'CATALOG_FIELD_UNKNOWN', reason: `No pin has a field "${name}", so nothing matches. Fields of the pins: ${named}.` };
}
