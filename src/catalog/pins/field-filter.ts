/**
 * A condition on a field of a pin, as callers write it: `price<50`, `brand=Acme`, `oiled=true`. Only numbers are ordered:
 * `<`, `<=`, `>` and `>=` ask for a number, and stored text or flags never meet them.
 */
import { ServiceError } from '../../errors.ts';
import type { FieldValue } from './records.ts';
import { parseTime } from './time-value.ts';

const OPERATORS = ['!=', '<=', '>=', '=', '<', '>'] as const;
type FilterOperator = (typeof OPERATORS)[number];

export interface FieldFilter {
  readonly name: string;
  readonly operator: FilterOperator;
  /** As it was written. */
  readonly value: string;
}

/** What asks which of two numbers is greater. */
const ORDERS: ReadonlySet<FilterOperator> = new Set(['<', '<=', '>', '>=']);

/** A second condition in the value of the first, as people write it who take the filter for a language. */
const SECOND_CONDITION = /(?:[,;]|\s(?:and|or)\s)\s*[^\s=!<>,;]+\s*(?:[<>]=?|!?=)/i;

const SYNTAX = `A filter is a field, one of ${OPERATORS.join(' ')}, and a value: price<50. Several conditions are several filters, all of which must hold: filter=price<50&filter=brand=Acme`;

/** Most conditions of one request: all of them must hold. */
export const FILTERS_MAX = 10;

/** @throws REQUEST_INVALID for a text that is no condition, holds two, or orders by something else than a number. */
export function readFilter(text: string): FieldFilter {
  const at = text.search(/[!<>=]/);
  const operator = OPERATORS.find((one) => text.startsWith(one, at));
  const name = text.slice(0, Math.max(at, 0)).trim();
  if (operator === undefined || name === '') throw refused(text, 'is no condition');
  const written = text.slice(at + operator.length).trim();
  const value = name === 'createdAt' ? millisecondsOf(written) : written;
  if (SECOND_CONDITION.test(value)) throw refused(text, 'holds more than one condition');
  if (ORDERS.has(operator) && Number.isNaN(numberOf(value)))
    throw refused(text, `compares with "${value.slice(0, 40)}", and ${operator} needs a number, written as 48 or 48.5`);
  return { name, operator, value };
}

function refused(text: string, what: string): ServiceError {
  return new ServiceError('REQUEST_INVALID', { field: 'filter', detail: `filter: "${text.slice(0, 80)}" ${what}. ${SYNTAX}` });
}

/** Whether a condition asks for an order, which text has none of. */
export function isOrdered({ operator }: FieldFilter): boolean {
  return ORDERS.has(operator);
}

function numberOf(value: string): number {
  return value === '' ? Number.NaN : Number(value);
}

/** Times may be asked for as dates; they are stored as milliseconds. */
function millisecondsOf(value: string): string {
  const time = parseTime(value);
  return Number.isNaN(time) ? value : String(time);
}

/** Whether a stored value meets a condition. What is absent, or cannot be compared with the value asked for, does not. */
export function meets(stored: FieldValue | undefined, { operator, value }: FieldFilter): boolean {
  if (stored === undefined) return false;
  if (typeof stored === 'boolean') return meetsFlag(stored, operator, value);
  if (typeof stored === 'string') return !ORDERS.has(operator) && (stored === value) === (operator === '=');
  const asked = numberOf(value);
  return !Number.isNaN(asked) && compares(stored, operator, asked);
}

function meetsFlag(stored: boolean, operator: FilterOperator, value: string): boolean {
  const asked = value.toLowerCase();
  if (asked !== 'true' && asked !== 'false') return false;
  if (operator === '=') return String(stored) === asked;
  return operator === '!=' && String(stored) !== asked;
}

function compares(stored: number, operator: FilterOperator, asked: number): boolean {
  switch (operator) {
    case '=':
      return stored === asked;
    case '!=':
      return stored !== asked;
    case '<':
      return stored < asked;
    case '<=':
      return stored <= asked;
    case '>':
      return stored > asked;
    case '>=':
      return stored >= asked;
  }
}
