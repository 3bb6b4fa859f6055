/** A cell of text (CSV) or of a typed column (Parquet) into the value that the record's field expects. */
import type { FieldKind } from '../pins/records.ts';

/** Text of a CSV cell; an empty cell is an absent field. What does not fit its kind stays text and is rejected at the door. */
export function valueOfText(text: string, kind: FieldKind | undefined): unknown {
  if (kind === undefined) return callersValue(text);
  if (text === '') return kind === 'id' ? '' : undefined;
  if (kind === 'map') return parsed(text);
  if (kind === 'flag') return FLAGS[text.trim().toLowerCase()] ?? text;
  if (kind === 'position') return numeric(text) ?? text;
  return kind === 'time' ? (numeric(text) ?? text) : text;
}

/** A number as JSON writes it: codes such as 007 or +49 stay text. */
const PLAIN_NUMBER = /^-?(0|[1-9]\d{0,14})(\.\d{1,15})?$/;

/** A cell of a column that is the caller's own: number, true or false where it reads as one, else text; empty is absent. */
function callersValue(text: string): unknown {
  if (text === '') return undefined;
  if (PLAIN_NUMBER.test(text)) return Number(text);
  return /^(true|false)$/i.test(text) ? text.toLowerCase() === 'true' : text;
}

/** A Parquet value: whole numbers of 64 bits, dates, lists of key and value, and text that holds a map. */
export function valueOfColumn(value: unknown, kind: FieldKind | undefined): unknown {
  if (value === null || value === undefined) return undefined;
  if (kind === 'id') return typeof value === 'bigint' || typeof value === 'number' ? String(value) : value;
  if (value instanceof Date) return kind === 'time' ? value.getTime() : value.toISOString();
  if (typeof value === 'bigint') return Number(value);
  if (kind === 'map' && typeof value === 'string') return value === '' ? undefined : parsed(value);
  if (kind === 'map' && Array.isArray(value)) return mapOfEntries(value);
  return value;
}

const FLAGS: Readonly<Record<string, boolean>> = { true: true, false: false, 1: true, 0: false, yes: true, no: false };

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}

function numeric(text: string): number | null {
  return /^\s*-?\d+(\.\d+)?\s*$/.test(text) ? Number(text) : null;
}

function mapOfEntries(entries: readonly unknown[]): unknown {
  const pairs = entries as readonly { key?: unknown; value?: unknown }[];
  return pairs.every((pair) => typeof pair?.key === 'string')
    ? Object.fromEntries(pairs.map(({ key, value }) => [key, typeof value === 'bigint' ? Number(value) : value]))
    : entries;
}
