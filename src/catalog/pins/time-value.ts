/**
 * Times as people's files hold them: ISO 8601 with a blank or `T`, with a zone as offset, `Z`, `UTC` or `GMT`; the date of
 * an HTTP header; a day as eight digits; or a number since 1970, whose unit follows from its size.
 */
import { Rejection } from './rejection.ts';

/** Times later than this after now are refused: clocks drift, but not by a day. */
const FUTURE_SLACK_MS = 24 * 3600 * 1000;

/**
 * Units of a number since 1970 by the size from which it counts, largest first. Below a hundred million stay milliseconds:
 * as seconds they would be of before 1973, which no catalog reaches.
 */
const UNITS = [
  { from: 1e17, unit: 'nanoseconds', perMs: 1e6 },
  { from: 1e14, unit: 'microseconds', perMs: 1e3 },
  { from: 1e11, unit: 'milliseconds', perMs: 1 },
  { from: 1e8, unit: 'seconds', perMs: 1e-3 },
] as const;

/** Called with a sentence when a value was read in a way that its writer should know of. */
export type Say = (what: string) => void;

/** Epoch milliseconds, null for an empty text. Choice: a time without a zone is UTC, so that a file means the same on every machine. */
export function readTime(value: unknown, now: number, say?: Say): number | Rejection | null {
  if (typeof value === 'string' && value.trim() === '') return null;
  const time = millisecondsOf(value, say);
  if (time === null) return new Rejection('FIELD_TYPE');
  if (!Number.isFinite(time) || Math.abs(time) > 8.64e15) return new Rejection('TIME_INVALID');
  return time > now + FUTURE_SLACK_MS ? new Rejection('TIME_FUTURE') : Math.round(time);
}

/** NaN for what is no time, null for what can't be one. */
function millisecondsOf(value: unknown, say?: Say): number | null {
  if (typeof value === 'number') return millisecondsOfNumber(value, say);
  if (typeof value === 'bigint') return millisecondsOfNumber(Number(value), say);
  if (value instanceof Date) return value.getTime();
  if (typeof value !== 'string') return null;
  const text = value.trim();
  return /^[+-]?\d+(\.\d*)?(e[+-]?\d+)?$/i.test(text) ? millisecondsOfNumber(Number(text), say) : parseTime(text);
}

function millisecondsOfNumber(value: number, say?: Say): number {
  if (Number.isInteger(value) && value >= 19_000_101 && value <= 21_001_231) {
    const digits = String(value);
    const day = parseTime(`${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`);
    if (Number.isFinite(day)) {
      say?.('eight digits read as year, month and day');
      return day;
    }
  }
  const found = UNITS.find(({ from }) => Math.abs(value) >= from);
  if (!found) {
    if (value !== 0) say?.('numbers below a hundred million read as epoch milliseconds: January 1970');
    return value;
  }
  if (found.unit !== 'milliseconds') say?.(`read as epoch ${found.unit}, told by their size`);
  return value / found.perMs;
}

const ISO_TIME =
  /^(\d{4})([-/])(\d{1,2})\2(\d{1,2})(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2}(?:[.,]\d+)?))?\s*(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?(?:\s+UTC)?)?)?$/i;
const BASIC_TIME = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2}(?:\.\d+)?)?(Z)?$/;
/** `Sat, 21 Nov 2026 08:00:00 GMT`, as HTTP and feeds write it. */
const HTTP_TIME =
  /^(?:[a-z]{3}, ?)?(\d{1,2}) (jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]* (\d{4}) (\d{2}):(\d{2})(?::(\d{2}))? (GMT|UTC|Z|[+-]\d{4})$/i;
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** Epoch milliseconds of a written time, NaN for a text that is none. */
export function parseTime(text: string): number {
  const iso = ISO_TIME.exec(text);
  if (iso) return timeOf([iso[1], iso[3], iso[4], iso[5], iso[6], iso[7]], iso[8]);
  const basic = BASIC_TIME.exec(text);
  if (basic) return timeOf(basic.slice(1, 7), basic[7]);
  const http = HTTP_TIME.exec(text);
  if (!http) return Number.NaN;
  const month = String(MONTHS.indexOf(http[2].toLowerCase()) + 1);
  return timeOf([http[3], month, http[1], http[4], http[5], http[6]], http[7]);
}

function timeOf(parts: readonly (string | undefined)[], zone = 'Z'): number {
  const [year, month, day, hour, minute, second] = parts.map((part) => Number((part ?? '0').replace(',', '.')));
  const date = Date.UTC(year, month - 1, day);
  if (month < 1 || month > 12 || day < 1 || new Date(date).getUTCDate() !== day) return Number.NaN;
  if (hour > 24 || minute > 59 || second >= 60 || (hour === 24 && (minute > 0 || second > 0))) return Number.NaN;
  const offset = /^([+-])(\d{2}):?(\d{2})?/.exec(zone);
  const minutes = offset ? (offset[1] === '-' ? -1 : 1) * (Number(offset[2]) * 60 + Number(offset[3] ?? 0)) : 0;
  if (Math.abs(minutes) > 18 * 60) return Number.NaN;
  return date + ((hour * 60 + minute - minutes) * 60 + second) * 1000;
}
