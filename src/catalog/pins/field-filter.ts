/**
 * A condition on a field of a pin, as callers write it: `price<50`, `brand=Acme`, `inStock=true`. Typed by what is
 * stored: a number is compared as a number, true and false for equality only, text by its characters.
 */
import { ServiceError } from '../../errors.ts';
import type { FieldValue } from './records.ts';
import { parseTime } from './time-value.ts';

const OPERATORS = ['!=', '<=', '>=', '=', '<', '>'] as const;
export type FilterOperator = (typeof OPERATORS)[number];

export interface FieldFilter {
  readonly name: string;
  readonly operator: FilterOperator;
  /** As it was written. */
  readonly value: string;
}

/** Most conditions of one request: all of them must hold. */
export const FILTERS_MAX = 10;

/** @throws REQUEST_INVALID for a text that is no condition. */
export function readFilter(text: string): FieldFilter {
  const at = text.search(/[!<>=]/);
  const operator = OPERATORS.find((one) => text.startsWith(one, at));
  const name = text.slice(0, Math.max(at, 0)).trim();
  if (operator === undefined || name === '') {
    const detail = `filter: "${text.slice(0, 80)}" is no condition; write a field, one of ${OPERATORS.join(' ')} and a value: price<50`;
    throw new ServiceError('REQUEST_INVALID', { field: 'filter', detail });
  }
  const value = text.slice(at + operator.length).trim();
  return { name, operator, value: name === 'createdAt' ? millisecondsOf(value) : value };
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
  if (typeof stored === 'string') return compares(stored, operator, value);
  const asked = value === '' ? Number.NaN : Number(value);
  return asked === asked && compares(stored, operator, asked);
}

function meetsFlag(stored: boolean, operator: FilterOperator, value: string): boolean {
  const asked = value.toLowerCase();
  if (asked !== 'true' && asked !== 'false') return false;
  if (operator === '=') return String(stored) === asked;
  return operator === '!=' && String(stored) !== asked;
}

function compares<T extends string | number>(stored: T, operator: FilterOperator, asked: T): boolean {
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
