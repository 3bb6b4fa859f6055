/**
 * The records that come in (pins, boards, saves, events), one shape for JSON Lines fields, CSV columns and HTTP bodies,
 * and the check of each at the door. A field that is absent stays `undefined` and keeps what is stored; `null` clears it.
 */
export type PinId = string & { readonly idOf: 'pin' };
export type BoardId = string & { readonly idOf: 'board' };
export type UserId = string & { readonly idOf: 'user' };
export type EventId = string & { readonly idOf: 'event' };
export type RecommendationId = string & { readonly idOf: 'recommendation' };

/** Weights by name, sorted by name; weights are finite and positive. */
export type WeightMap = ReadonlyMap<string, number>;

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

export interface SaveRecord {
  readonly pinId: PinId;
  readonly boardId: BoardId;
  readonly userId?: UserId | null;
  /** Epoch milliseconds; absent: the time of arrival. */
  readonly at?: number | null;
}

export const EVENT_TYPES = ['impression', 'closeup', 'click', 'longClick', 'save'] as const;
export type EventType = (typeof EVENT_TYPES)[number];

export interface EventRecord {
  readonly eventId: EventId;
  readonly type: EventType;
  readonly recommendationId: RecommendationId;
  readonly pinId: PinId;
  /** From 1; absent when the client does not know it. */
  readonly position?: number | null;
  readonly userId?: UserId | null;
  readonly at?: number | null;
}

/** Why a row stays out. Each is counted in the receipt with the lines it was met on; docs/ERRORS.md says what to do. */
export const REJECTION_REASONS = [
  'ROW_MALFORMED',
  'ROW_TOO_LONG',
  'TEXT_NOT_UTF8',
  'FIELD_MISSING',
  'FIELD_TYPE',
  'ID_EMPTY',
  'ID_TOO_LONG',
  'TIME_INVALID',
  'TIME_FUTURE',
  'MAP_INVALID',
  'IMAGE_OUTSIDE_FOLDER',
  'IMAGE_ADDRESS_INVALID',
  'PIN_UNKNOWN',
  'BOARD_UNKNOWN',
  'EVENT_TYPE_UNKNOWN',
  'POSITION_INVALID',
  'LIST_PRUNED',
] as const;
export type RejectionReason = (typeof REJECTION_REASONS)[number];

/** A row that stays out, with the offending field where one is to blame. */
export class Rejection {
  readonly reason: RejectionReason;
  readonly field: string | null;

  constructor(reason: RejectionReason, field: string | null = null) {
    this.reason = reason;
    this.field = field;
  }
}

/** `text`, `id`, `map` and so on decide both the check and how a CSV cell becomes a value. */
export type FieldKind = 'id' | 'text' | 'name' | 'map' | 'flag' | 'time' | 'position';

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
  },
  required: ['eventId', 'type', 'recommendationId', 'pinId'],
};

/** Longest id, in characters (Unicode code points). */
export const ID_LENGTH_MAX = 256;
/** Times later than this after now are refused: clocks drift, but not by a day. */
export const FUTURE_SLACK_MS = 24 * 3600 * 1000;
/** Highest position of an event: beyond any list, and within what the log holds as a whole number. */
export const POSITION_MAX = 1_000_000;
/** Most entries of one annotation or category map. */
export const MAP_ENTRIES_MAX = 1000;

/** Most fields of the caller on one pin, the longest name and the longest text of one, in characters. */
export const CALLER_FIELDS_MAX = 100;
export const FIELD_NAME_LENGTH_MAX = 64;
export const FIELD_TEXT_LENGTH_MAX = 4096;

/** Checks one raw pin. `unknown` is called with the name of each field that is not part of the record. */
export function readPin(raw: unknown, now: number, unknown?: (field: string) => void): PinRecord | Rejection {
  return readRecord(raw, PIN_SHAPE, now, unknown) as PinRecord | Rejection;
}

export function readBoard(raw: unknown, now: number, unknown?: (field: string) => void): BoardRecord | Rejection {
  return readRecord(raw, BOARD_SHAPE, now, unknown) as BoardRecord | Rejection;
}

export function readSave(raw: unknown, now: number, unknown?: (field: string) => void): SaveRecord | Rejection {
  return readRecord(raw, SAVE_SHAPE, now, unknown) as SaveRecord | Rejection;
}

export function readEvent(raw: unknown, now: number, unknown?: (field: string) => void): EventRecord | Rejection {
  const read = readRecord(raw, EVENT_SHAPE, now, unknown) as EventRecord | Rejection;
  if (read instanceof Rejection || EVENT_TYPES.includes(read.type)) return read;
  return new Rejection('EVENT_TYPE_UNKNOWN', 'type');
}

function readRecord(raw: unknown, shape: RecordShape, now: number, unknown?: (field: string) => void): object | Rejection {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return new Rejection('ROW_MALFORMED');
  const record: Record<string, unknown> = {};
  const others = new Map<string, FieldValue | null>();
  for (const field of Object.keys(raw)) {
    const kind = Object.hasOwn(shape.fields, field) ? shape.fields[field] : undefined;
    const value = (raw as Record<string, unknown>)[field];
    if (kind === undefined) {
      if (shape.keepsOthers && others.size < CALLER_FIELDS_MAX && isCallerField(field, value)) others.set(field, value);
      else if (!shape.keepsOthers || value !== undefined) unknown?.(field);
      continue;
    }
    if (value === undefined) continue;
    const read = value === null ? null : CHECKS[kind](value, now);
    if (read instanceof Rejection) return new Rejection(read.reason, field);
    record[field] = read;
  }
  for (const field of shape.required) {
    if (record[field] === undefined || record[field] === null) return new Rejection('FIELD_MISSING', field);
  }
  if (others.size > 0) record.fields = Object.fromEntries(others);
  return record;
}

/** Names that a filter or a list of fields can say, and values that can be compared. */
const FIELD_NAME = /^[^\s=!<>,](?:[^=!<>,\p{Cc}\p{Cs}]*[^\s=!<>,\p{Cc}\p{Cs}])?$/u;

function isCallerField(name: string, value: unknown): value is FieldValue | null {
  if (name.length > FIELD_NAME_LENGTH_MAX || name === '__proto__' || !FIELD_NAME.test(name)) return false;
  if (typeof value === 'string') return value.length <= FIELD_TEXT_LENGTH_MAX && !LONE_SURROGATE.test(value);
  return value === null || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
}

const CHECKS: Record<FieldKind, (value: unknown, now: number) => unknown> = {
  id: readId,
  text: readText,
  name: (value) => {
    const text = readText(value);
    return text instanceof Rejection ? text : termOf(text) || null;
  },
  map: readMap,
  flag: (value) => (typeof value === 'boolean' ? value : new Rejection('FIELD_TYPE')),
  time: readTime,
  position: (value) => {
    if (typeof value !== 'number') return new Rejection('FIELD_TYPE');
    return Number.isSafeInteger(value) && value >= 1 && value <= POSITION_MAX ? value : new Rejection('POSITION_INVALID');
  },
};

const LONE_SURROGATE = /\p{Surrogate}/u;

function readText(value: unknown): string | Rejection {
  if (typeof value !== 'string') return new Rejection('FIELD_TYPE');
  return LONE_SURROGATE.test(value) ? new Rejection('TEXT_NOT_UTF8') : value;
}

function readId(value: unknown): string | Rejection {
  const id = readText(value);
  if (id instanceof Rejection) return id;
  if (id.trim() === '') return new Rejection('ID_EMPTY');
  if (id.length > ID_LENGTH_MAX && [...id].length > ID_LENGTH_MAX) return new Rejection('ID_TOO_LONG');
  return id;
}

/** How terms and category names are stored: composed, trimmed, lower case, single blanks. "  Home  Decor" is "home decor". */
export function termOf(text: string): string {
  return text.normalize('NFC').trim().replace(/\s+/g, ' ').toLowerCase();
}

function readMap(value: unknown): WeightMap | Rejection {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return new Rejection('FIELD_TYPE');
  const entries = Object.entries(value);
  if (entries.length > MAP_ENTRIES_MAX) return new Rejection('MAP_INVALID');
  const weights = new Map<string, number>();
  for (const [name, weight] of entries) {
    const term = readText(name);
    if (term instanceof Rejection) return term;
    if (typeof weight !== 'number' || !Number.isFinite(weight) || weight < 0) return new Rejection('MAP_INVALID');
    const key = termOf(term);
    if (key === '') return new Rejection('MAP_INVALID');
    if (weight > 0) weights.set(key, Math.max(weight, weights.get(key) ?? 0));
  }
  return new Map([...weights].sort(([a], [b]) => (a < b ? -1 : 1)));
}

const ISO_TIME = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i;

/** ISO 8601 or epoch milliseconds. Choice: a time without a zone is UTC, so that a file means the same on every machine. */
function readTime(value: unknown, now: number): number | Rejection {
  const time = typeof value === 'number' ? value : typeof value === 'string' ? parseIsoTime(value) : null;
  if (time === null) return new Rejection('FIELD_TYPE');
  if (!Number.isFinite(time) || Math.abs(time) > 8.64e15) return new Rejection('TIME_INVALID');
  return time > now + FUTURE_SLACK_MS ? new Rejection('TIME_FUTURE') : Math.round(time);
}

/** Epoch milliseconds of an ISO 8601 time, NaN for a text that is none. */
export function parseIsoTime(text: string): number {
  const parts = ISO_TIME.exec(text.trim());
  if (!parts) return Number.NaN;
  const [, year, month, day, hour = '00', minute = '00', , zone = 'Z'] = parts;
  if (new Date(Date.UTC(+year, +month - 1, +day)).getUTCDate() !== +day || +month > 12) return Number.NaN;
  const seconds = /:\d{2}:(\d{2}(?:[.,]\d+)?)/.exec(text)?.[1].replace(',', '.') ?? '00';
  const offset = zone.length === 3 ? `${zone}:00` : zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone;
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${seconds}${offset.toUpperCase()}`);
}
