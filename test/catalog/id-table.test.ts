import { describe, expect, it } from 'vitest';
import { IdTable } from '../../src/catalog/pins/id-table.ts';

describe('ids of dense ordinals', () => {
  it('are found again, plain or not, short or long, and nothing else is', () => {
    const ids = [
      'a',
      'ab',
      'abc',
      'ä',
      'a\u0308',
      '針',
      'pin 🪑',
      'x'.repeat(5000),
      'ü'.repeat(3000),
      ...Array.from({ length: 2000 }, (_, i) => `pin-${i}`),
    ];
    const table = new IdTable();
    ids.forEach((id, ordinal) => expect(table.add(id)).toBe(ordinal));
    ids.forEach((id, ordinal) => {
      expect(table.indexOf(id)).toBe(ordinal);
      expect(table.idOf(ordinal)).toBe(id);
    });
    for (const unknown of ['', 'b', 'abcd', 'pin-2000', 'pin-01', 'y'.repeat(5000), 'ö'.repeat(3000)])
      expect(table.indexOf(unknown)).toBe(-1);
  });
});
