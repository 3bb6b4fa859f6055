/**
 * The records that come in (pins, boards, saves, events), one shape for JSON Lines fields, CSV columns and HTTP bodies,
 * and the check of each at the door. A field that is absent stays `undefined` and keeps what is stored; `null` clears it.
 */
import { isWrittenWithComma } from '../readers/comma-numbers.ts';
import { Rejection } from './rejection.ts';
import { readTime, type Say } from './time-value.ts';
import { readWeightMap, TERM_LENGTH_MAX, termOf, type WeightMap } from './weight-map.ts';

export type PinId = string & { readonly idOf: 'pin' };
export type BoardId = string & { readonly idOf: 'board' };
type UserId = string & { readonly idOf: 'user' };
type EventId = string & { readonly idOf: 'event' };
type RecommendationId = string & { readonly idOf: 'recommendation' };

/** A value that a caller keeps with a pin. */
export type FieldValue = string | number | boolean;
/** Fields of the caller by name; null takes one away. */
export type CallerFields = Readonly<Record<string, FieldValue | null>>;

export interface PinRecord {
  readonly id: PinId;
  readonly image?: string | null;
  readonly title?: string | null;
  readonly description?: string | null;
  readonly link?: string | null;
  readonly annotations?: WeightMap | null;
  readonly categories?: WeightMap | null;
  readonly buyable?: boolean | null;
  /** Epoch milliseconds. */
  readonly createdAt?: number | null;
  /** Everything else the row names: price, brand, stock, ... A field that is absent keeps what is stored. */
  readonly fields?: CallerFields;
}

export interface BoardRecord {
  readonly id: BoardId;
  readonly title?: string | null;
  readonly description?: string | null;
  readonly ownerId?: UserId | null;
  readonly category?: string | null;
}

interface SaveRecord {
  readonly pinId: PinId;
  readonly boardId: BoardId;
  readonly userId?: UserId | null;
  /** Epoch milliseconds; absent: the time of arrival. */
  readonly at?: number | null;
}

/** The log keeps a type by its place here: a new one goes behind the others. */
export const EVENT_TYPES = ['impression', 'closeup', 'click', 'longClick', 'save', 'hide', 'unhide'] as const;
export type EventType = (typeof EVENT_TYPES)[number];

interface EventRecord {
  readonly eventId: EventId;
  readonly type: EventType;
  readonly recommendationId: RecommendationId;
  readonly pinId: PinId;
  /** From 1; absent when the client does not know it. */
  readonly position?: number | null;
  readonly userId?: UserId | null;
  readonly at?: number | null;
  /** Why a pin was hidden, in the caller's words. */
  readonly reason?: string | null;
  /** A number of the caller for metrics of one's own: revenue, seconds watched. */
  readonly value?: number | null;
}

/** `text`, `id`, `map` and so on decide both the check and how a CSV cell becomes a value. */
export type FieldKind = 'id' | 'text' | 'name' | 'map' | 'flag' | 'time' | 'position' | 'number';

export interface RecordShape {
  readonly fields: Readonly<Record<string, FieldKind>>;
  readonly required: readonly string[];
  /** Other fields belong to the caller and are kept; absent: they are left out and counted. */
  readonly keepsOthers?: boolean;
}

export const PIN_SHAPE: RecordShape = {
  fields: {
    id: 'id',
    image: 'text',
    title: 'text',
    description: 'text',
    link: 'text',
    annotations: 'map',
    categories: 'map',
    buyable: 'flag',
    createdAt: 'time',
  },
  required: ['id'],
  keepsOthers: true,
};
export const BOARD_SHAPE: RecordShape = {
  fields: { id: 'id', title: 'text', description: 'text', ownerId: 'id', category: 'name' },
  required: ['id'],
};
export const SAVE_SHAPE: RecordShape = {
  fields: { pinId: 'id', boardId: 'id', userId: 'id', at: 'time' },
  required: ['pinId', 'boardId'],
};
export const EVENT_SHAPE: RecordShape = {
  fields: {
    eventId: 'id',
    type: 'text',
    recommendationId: 'id',
    pinId: 'id',
    position: 'position',
    userId: 'id',
    at: 'time',
    reason: 'text',
    value: 'number',
  },
  required: ['eventId', 'type', 'recommendationId', 'pinId'],
};

/** Longest id, in characters (Unicode code points). */
export const ID_LENGTH_MAX = 256;
/** Longest texts, in UTF-16 units: lists of two hundred pins repeat them. A web address longer than that no server takes. */
export const TEXT_LENGTH_MAX: Readonly<Record<string, number>> = {
  title: 8192,
  description: 65_536,
  link: 4096,
  image: 4096,
  category: TERM_LENGTH_MAX,
  type: TERM_LENGTH_MAX,
  reason: 200,
};
/** Highest position of an event: beyond any list, and within what the log holds as a whole number. */
const POSITION_MAX = 1_000_000;
/** Largest number of an event, either way. */
export const VALUE_MAX = 1e9;
/** Most fields of the caller on one pin, the longest name and the longest text of one, in characters. */
export const CALLER_FIELDS_MAX = 100;
const FIELD_NAME_LENGTH_MAX = 64;
export const FIELD_TEXT_LENGTH_MAX = 4096;

/** What the reader of a record reports beside it. */
interface RecordNotes {
  /** A field that is not part of the record was left out. */
  unknownField(field: string): void;
  /** A value was read in a way that its writer should know of. The receipt keeps the first `example` of each. */
  note(field: string, what: string, example?: string): void;
}

/** Checks one raw pin: a value as JSON, a column or a cell of text gives it. */
export function readPin(raw: unknown, now: number, notes?: RecordNotes): PinRecord | Rejection {
  return readRecord(raw, PIN_SHAPE, now, notes) as PinRecord | Rejection;
}

export function readBoard(raw: unknown, now: number, notes?: RecordNotes): BoardRecord | Rejection {
  return readRecord(raw, BOARD_SHAPE, now, notes) as BoardRecord | Rejection;
}

export function readSave(raw: unknown, now: number, notes?: RecordNotes): SaveRecord | Rejection {
  return readRecord(raw, SAVE_SHAPE, now, notes) as SaveRecord | Rejection;
}

export function readEvent(raw: unknown, now: number, notes?: RecordNotes): EventRecord | Rejection {
  const read = readRecord(raw, EVENT_SHAPE, now, notes) as EventRecord | Rejection;
  if (read instanceof Rejection || EVENT_TYPES.includes(read.type)) return read;
  return new Rejection('EVENT_TYPE_UNKNOWN', 'type', read.type);
}

function readRecord(raw: unknown, shape: RecordShape, now: number, notes?: RecordNotes): object | Rejection {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return new Rejection('ROW_MALFORMED', null, raw);
  const record: Record<string, unknown> = {};
  const others = new Map<string, FieldValue | null>();
  for (const field of Object.keys(raw)) {
    const kind = Object.hasOwn(shape.fields, field) ? shape.fields[field] : undefined;
    const value = (raw as Record<string, unknown>)[field];
    if (kind === undefined) {
      if (shape.keepsOthers && others.size < CALLER_FIELDS_MAX && isCallerField(field, value)) {
        others.set(field, value);
        if (typeof value === 'string' && isWrittenWithComma(value)) notes?.note(field, COMMA_TEXT, value);
      } else if (!shape.keepsOthers || value !== undefined) notes?.unknownField(field);
      continue;
    }
    if (value === undefined) continue;
    const read = value === null ? null : CHECKS[kind](value, now, (what) => notes?.note(field, what));
    if (read instanceof Rejection) return new Rejection(read.reason, field, read.value ?? value);
    if (typeof read === 'string' && read.length > (TEXT_LENGTH_MAX[field] ?? Number.POSITIVE_INFINITY))
      return new Rejection('TEXT_TOO_LONG', field, value);
    record[field] = read;
  }
  for (const field of shape.required) {
    if (record[field] === undefined || record[field] === null)
      return new Rejection('FIELD_MISSING', field, `not among ${Object.keys(raw).join(', ')}`);
  }
  if (others.size > 0) record.fields = Object.fromEntries(others);
  return record;
}

const COMMA_TEXT = 'a number with a comma is kept as text, which < and > do not compare';

/** Names that a filter or a list of fields can say, and values that can be compared. */
const FIELD_NAME = /^[^\s=!<>,](?:[^=!<>,\p{Cc}\p{Cs}]*[^\s=!<>,\p{Cc}\p{Cs}])?$/u;

function isCallerField(name: string, value: unknown): value is FieldValue | null {
  if (name.length > FIELD_NAME_LENGTH_MAX || name === '__proto__' || !FIELD_NAME.test(name)) return false;
  if (typeof value === 'string') return value.length <= FIELD_TEXT_LENGTH_MAX && !LONE_SURROGATE.test(value);
  return value === null || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
}

const CHECKS: Record<FieldKind, (value: unknown, now: number, say: Say) => unknown> = {
  id: readId,
  text: readText,
  name: (value) => {
    const text = readText(value);
    return text instanceof Rejection ? text : termOf(text) || null;
  },
  map: readWeightMap,
  flag: readFlag,
  time: readTime,
  number: readNumber,
  position: (value) => {
    const position = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof position !== 'number' && typeof position !== 'bigint') return new Rejection('FIELD_TYPE');
    const whole = Number(position);
    return Number.isSafeInteger(whole) && whole >= 1 && whole <= POSITION_MAX ? whole : new Rejection('POSITION_INVALID');
  },
};

function readNumber(value: unknown): number | Rejection {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Math.abs(number) <= VALUE_MAX ? number : new Rejection('FIELD_TYPE');
}

const LONE_SURROGATE = /\p{Surrogate}/u;

/** A number becomes its text: a book may be called 1984, and ids are numbers in many tables. */
function readText(value: unknown): string | Rejection {
  if ((typeof value === 'number' && Number.isFinite(value)) || typeof value === 'bigint') return String(value);
  if (typeof value !== 'string') return new Rejection('FIELD_TYPE');
  return LONE_SURROGATE.test(value) ? new Rejection('TEXT_NOT_UTF8') : value;
}

/** A number beyond 2^53 has lost its last digits before it came here: two ids would become one. */
function readId(value: unknown): string | Rejection {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return new Rejection('FIELD_TYPE');
  const id = readText(value);
  if (id instanceof Rejection) return id;
  if (id.trim() === '') return new Rejection('ID_EMPTY');
  if (id.length > ID_LENGTH_MAX && [...id].length > ID_LENGTH_MAX) return new Rejection('ID_TOO_LONG');
  return id;
}

/** Flags as databases, spreadsheets and shop feeds write them. */
const TRUE_WORDS = new Set(['true', 't', 'yes', 'y', 'on', '1', '1.0', 'in stock', 'in_stock', 'instock', 'available']);
const FALSE_WORDS = new Set([
  'false',
  'f',
  'no',
  'n',
  'off',
  '0',
  '0.0',
  'out of stock',
  'out_of_stock',
  'outofstock',
  'sold out',
  'unavailable',
]);

function readFlag(value: unknown): boolean | Rejection | null {
  if (typeof value === 'boolean') return value;
  const isText = typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint';
  const word = isText ? String(value).trim().toLowerCase() : null;
  if (word === '') return null;
  if (word !== null && TRUE_WORDS.has(word)) return true;
  return word !== null && FALSE_WORDS.has(word) ? false : new Rejection('FIELD_TYPE');
}
