/**
 * Weights by term from what people's files hold: an object of numbers, a list of tags, entries of key and value, or one of
 * these as text: JSON, a Postgres array, a Python dictionary or list, or tags (`oak; chair`, `oak:0.5, chair:1`).
 */
import { Rejection } from './rejection.ts';

/** Weights by name, sorted by name; weights are finite and positive. */
export type WeightMap = ReadonlyMap<string, number>;

/** Most entries of one annotation or category map. */
export const MAP_ENTRIES_MAX = 1000;
/** Longest term or category name, in UTF-16 units. */
export const TERM_LENGTH_MAX = 1024;

const LONE_SURROGATE = /\p{Surrogate}/u;

/** How terms and category names are stored: composed, trimmed, lower case, single blanks. "  Home  Decor" is "home decor". */
export function termOf(text: string): string {
  return text.normalize('NFC').trim().replace(/\s+/g, ' ').toLowerCase();
}

/**
 * Null for an empty text: nothing was given. Absent weights (null) and empty tags are no entries; a tag without a weight weighs 1.
 * A rejection holds the entry that is wrong.
 */
export function readWeightMap(value: unknown): WeightMap | Rejection | null {
  const given = typeof value === 'string' ? valueOfText(value) : value;
  if (given === null) return null;
  const entries = entriesOf(given);
  if (entries === null) return new Rejection(typeof value === 'string' ? 'MAP_INVALID' : 'FIELD_TYPE');
  if (entries.length > MAP_ENTRIES_MAX) return new Rejection('MAP_INVALID');
  const weights = new Map<string, number>();
  for (const [name, weight] of entries) {
    if (LONE_SURROGATE.test(name)) return new Rejection('TEXT_NOT_UTF8');
    if (name.length > TERM_LENGTH_MAX) return new Rejection('TEXT_TOO_LONG');
    const key = termOf(name);
    if (key === '' || !Number.isFinite(weight) || weight < 0) return new Rejection('MAP_INVALID', null, `${name}: ${weight}`);
    if (weight > 0) weights.set(key, Math.max(weight, weights.get(key) ?? 0));
  }
  return new Map([...weights].sort(([a], [b]) => (a < b ? -1 : 1)));
}

type Entries = (readonly [string, number])[];

function entriesOf(value: unknown): Entries | null {
  if (typeof value !== 'object' || value === null || value instanceof Date) return null;
  if (Array.isArray(value)) return entriesOfList(value);
  return Object.entries(value)
    .filter(([, weight]) => weight !== null && weight !== undefined && weight !== false)
    .map(([name, weight]) => [name, weightOf(weight)]);
}

/** What the term and the weight of an entry are called by those who write entries. */
const TERM_KEYS = ['key', 'name', 'term', 'tag', 'label'];
const WEIGHT_KEYS = ['value', 'weight', 'score', 'confidence'];

function entriesOfList(list: readonly unknown[]): Entries | null {
  const entries: Entries = [];
  for (const item of list) {
    if (item === null || item === undefined || item === '') continue;
    if (typeof item === 'string') entries.push([item, 1]);
    else if (typeof item === 'object' && !Array.isArray(item)) {
      const record = item as Readonly<Record<string, unknown>>;
      const term = record[TERM_KEYS.find((key) => Object.hasOwn(record, key)) ?? ''];
      const weightKey = WEIGHT_KEYS.find((key) => Object.hasOwn(record, key));
      if (typeof term !== 'string') return null;
      if (weightKey === undefined) entries.push([term, 1]);
      else if (record[weightKey] !== null && record[weightKey] !== undefined) entries.push([term, weightOf(record[weightKey])]);
    } else return null;
  }
  return entries;
}

/** NaN for what is no number; 64-bit integers and numbers as text are numbers. */
function weightOf(value: unknown): number {
  if (value === true) return 1;
  if (typeof value === 'string') return value.trim() === '' ? Number.NaN : Number(value);
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : Number.NaN;
}

/** A map or list written as text; undefined when it opens a bracket and is none of the known notations. */
function valueOfText(text: string): unknown {
  const trimmed = text.trim();
  if (trimmed === '') return null;
  const json = parsedJson(trimmed);
  if (typeof json === 'object') return json;
  if (/^[[{(]/.test(trimmed)) return ofNotation(trimmed);
  const separator = [';', '|', ','].find((mark) => trimmed.includes(mark));
  const tags = (separator === undefined ? [trimmed] : trimmed.split(separator)).map((tag) => tag.trim()).filter((tag) => tag !== '');
  const weighed = tags.map((tag) => /^(.+):\s*(\d+(?:\.\d+)?)$/.exec(tag));
  return weighed.every((pair) => pair !== null) ? Object.fromEntries(weighed.map(([, tag, weight]) => [tag, weight])) : tags;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const TOKEN = /\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([[\]{}(),:])|([^'"[\]{}(),:]+))/y;

/** `{chair,"oak chair"}` (Postgres), `{'chair': 0.5}`, `['chair', 'oak']` and `('chair',)` (Python); one level deep. */
function ofNotation(text: string): unknown {
  const tokens: { readonly mark?: string; readonly word?: string }[] = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    const found = TOKEN.exec(text);
    if (!found) return undefined;
    const [, single, double, mark, bare] = found;
    if (mark !== undefined) tokens.push({ mark });
    else if (bare?.trim() !== '') tokens.push({ word: (single ?? double)?.replace(/\\(.)/g, '$1') ?? bare.trim() });
  }
  const inside = tokens.slice(1, -1);
  if (tokens.length < 2 || inside.some(({ mark }) => mark !== undefined && mark !== ',' && mark !== ':')) return undefined;
  const items: string[][] = [[]];
  for (const { mark, word } of inside) {
    if (mark === ',') items.push([]);
    else if (word !== undefined) items[items.length - 1].push(word);
  }
  const filled = items.filter((item) => item.length > 0);
  if (filled.every((item) => item.length === 1)) return filled.map(([tag]) => tag).filter((tag) => tag !== 'NULL');
  if (!filled.every((item) => item.length === 2)) return undefined;
  return Object.fromEntries(filled.filter(([, weight]) => !/^(None|nan|NULL)$/.test(weight)));
}
