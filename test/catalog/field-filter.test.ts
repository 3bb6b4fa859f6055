import { expect, test } from 'vitest';
import { meets, readFilter } from '../../src/catalog/pins/field-filter.ts';
import type { FieldValue } from '../../src/catalog/pins/records.ts';

const CASES: readonly [string, FieldValue | undefined, boolean][] = [
  ['price<50', 49.99, true],
  ['price<50', 50, false],
  ['price<=50', 50, true],
  ['price>50', 50, false],
  ['price>=50', 50, true],
  ['price=50', 50, true],
  ['price=50.0', 50, true],
  ['price!=50', 51, true],
  ['price < 50', 9, true],
  ['price<-1', -2, true],
  // Only numbers have an order: by its characters "468,00" would come before "50".
  ['price<50', 9, true],
  ['price<50', '9', false],
  ['price<50', '468,00', false],
  ['price>=0', '48,00', false],
  ['price=', 0, false],
  ['price<50', undefined, false],
  ['price!=50', undefined, false],
  ['brand=Acme', 'Acme', true],
  ['brand=acme', 'Acme', false],
  ['brand!=Acme', 'Zeta', true],
  ['brand=a=b', 'a=b', true],
  ['brand=', '', true],
  ['inStock=true', true, true],
  ['inStock=TRUE', true, true],
  ['inStock!=true', true, false],
  ['inStock!=false', true, true],
  ['inStock>=0', true, false],
  ['inStock=yes', true, false],
  ['createdAt>=2024-01-01', Date.UTC(2024, 0, 1), true],
  ['createdAt<2024-01-01', Date.UTC(2024, 0, 1), false],
  ['createdAt>1000', 1001, true],
];

test.each(CASES)('%s on %s is %s', (text, value, expected) => {
  expect(meets(value, readFilter(text))).toBe(expected);
});

test.each(['price', '', '=5', '<', ' > 3'])('%j is no condition', (text) => {
  expect(() => readFilter(text)).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }));
});

test.each([
  'price<cheap',
  'price<',
  'price<48,50',
  'price<50,brand=Brand A',
  'price<50 AND brand=Acme',
  'brand=Acme, price<50',
  'brand=Acme and price<50',
])('%j is refused with the way to write it', (text) => {
  const detail = expect.stringContaining('filter=price<50&filter=brand=Acme') as unknown;
  expect(() => readFilter(text)).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID', message: detail }));
});
