import { expect, test } from 'vitest';
import { readCursor, writeCursor } from '../../src/lists/page-cursor.ts';

const cursor = { at: 1_767_225_600_123, shown: [0, 5, 6, 300, 70_000, 1_000_000] };

test('a cursor comes back as it went', () => {
  expect(readCursor(writeCursor(cursor, 'closeup a'), 'closeup a', 2_000_000)).toEqual(cursor);
});

test('the cursor of a composed list keeps what stood last, in its order, and is refused when it is cut', () => {
  const composed = { ...cursor, composed: { tail: [70_000, 5, 300], deviation: 0.37 } };
  const text = writeCursor(composed, 'closeup a');
  expect(readCursor(text, 'closeup a', 2_000_000)).toEqual(composed);
  expect(() => readCursor(text.slice(0, -4), 'closeup a', 2_000_000)).toThrow(/cursor/);
});

test('a thousand pins of a million fit into a web address', () => {
  const shown = Array.from({ length: 1000 }, (_, i) => i * 997);
  expect(writeCursor({ at: cursor.at, shown }, 'closeup a').length).toBeLessThan(3000);
});

test.each([
  ['another list', writeCursor(cursor, 'closeup b')],
  ['a damaged one', `${writeCursor(cursor, 'closeup a').slice(0, -2)}AA`],
  ['nonsense', 'abc'],
  ['nothing', ''],
])('refuses the cursor of %s', (_, text) => {
  expect(() => readCursor(text, 'closeup a', 2_000_000)).toThrow(/cursor/);
});

test('refuses pins that do not exist', () => {
  expect(() => readCursor(writeCursor(cursor, 'closeup a'), 'closeup a', 1000)).toThrow(/do not exist/);
});
