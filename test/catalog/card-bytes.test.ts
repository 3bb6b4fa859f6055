import { expect, test } from 'vitest';
import { CardBytes } from '../../src/catalog/pins/card-bytes.ts';

const NO_FLAGS = 0;
const fields = (title: string): string => JSON.stringify({ title });
const cardOf = (cards: CardBytes, pinIndex: number): string => {
  const start = cards.startOf(pinIndex);
  return cards.bytes.toString('utf8', start, start + cards.lengthAt(start));
};

test('a card is there as long as its pin has the same flags and is not forgotten', () => {
  const cards = new CardBytes();
  expect(cards.has(3, NO_FLAGS)).toBe(false);
  cards.put(3, NO_FLAGS, '"pin-ü"', fields('tea'));
  expect(cardOf(cards, 3)).toBe('{"pinId":"pin-ü","position":,"fields":{"title":"tea"}}');
  const start = cards.startOf(3);
  expect(cards.bytes.toString('utf8', start, start + cards.headLengthAt(start))).toBe('{"pinId":"pin-ü","position":');
  expect(cards.fieldsOf(3)).toBe(fields('tea'));
  expect([cards.has(3, NO_FLAGS), cards.has(3, 2), cards.has(4, NO_FLAGS)]).toEqual([true, false, false]);
  cards.forget(4);
  expect(cards.has(3, NO_FLAGS)).toBe(true);
  cards.forget(3);
  expect(cards.has(3, NO_FLAGS)).toBe(false);
  cards.put(3, NO_FLAGS, '"pin-3"', fields('tea'));
  cards.forgetAll();
  expect(cards.has(3, NO_FLAGS)).toBe(false);
});

test('the oldest cards go when the room is full, and those that stay are whole', () => {
  const cards = new CardBytes();
  const title = (pinIndex: number): string => `${pinIndex} ${'x'.repeat((pinIndex * 7919) % 20_000)}`;
  const count = 3000;
  for (let pinIndex = 0; pinIndex < count; pinIndex++) {
    cards.put(pinIndex, NO_FLAGS, JSON.stringify(`pin-${pinIndex}`), fields(title(pinIndex)));
    expect(cards.fieldsOf(pinIndex)).toBe(fields(title(pinIndex)));
  }
  const here = Array.from({ length: count }, (_, pinIndex) => pinIndex).filter((pinIndex) => cards.has(pinIndex, NO_FLAGS));
  expect(here.length).toBeGreaterThan(700);
  expect(here[0]).toBe(count - here.length);
  for (const pinIndex of here) expect(cards.fieldsOf(pinIndex)).toBe(fields(title(pinIndex)));
});

test('of two pins of one slot the later one stays', () => {
  const cards = new CardBytes();
  const other = 5 + (1 << 17);
  cards.put(5, NO_FLAGS, '"a"', fields('a'));
  cards.put(other, NO_FLAGS, '"b"', fields('b'));
  expect([cards.has(5, NO_FLAGS), cards.has(other, NO_FLAGS)]).toEqual([false, true]);
});
