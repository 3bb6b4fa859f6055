import { expect, test } from 'vitest';
import { seededRandom } from '../../src/math/random.ts';
import { majorityCode, plainMajority } from '../../src/ranker/scoring/majority-code.ts';

const PINS = 700;

test.each([
  { words: 1, history: 1 },
  { words: 3, history: 2 },
  { words: 64, history: 20 },
  { words: 128, history: 300 },
])('the kernel has the bits of the plain sums: $history pins of $words words', ({ words, history }) => {
  const random = seededRandom(words);
  const codes = Uint32Array.from({ length: PINS * words }, () => random.integer(2 ** 32));
  const has = Uint8Array.from({ length: PINS }, () => (random.next() < 0.8 ? 1 : 0));
  const table = { words, codes, has };
  for (let round = 0; round < 20; round++) {
    const pinIndexes = Array.from({ length: history }, () => random.integer(PINS));
    // A third of a weight has no exact half: the order of the sums shows in their last bits.
    const weights = pinIndexes.map(() => (1 + random.integer(9)) / 3);
    const found = majorityCode({ pinIndexes, weights }, table);
    expect(found).toEqual(plainMajority({ pinIndexes, weights }, table));
  }
});

test('bits of exactly half of the weight are 0, those of more are 1', () => {
  const table = { words: 1, codes: Uint32Array.of(0b0111, 0b0011, 0b1001), has: Uint8Array.of(1, 1, 1) };
  const majority = (pinIndexes: readonly number[], weights: readonly number[]) => majorityCode({ pinIndexes, weights }, table);
  expect(majority([0, 1, 2], [1, 1, 2])).toEqual(Uint32Array.of(0b0001));
  expect(majority([0, 1, 2], [1.5, 1, 2])).toEqual(Uint32Array.of(0b0011));
  expect(majority([2], [1])).toEqual(Uint32Array.of(0b1001));
});

test('pins without a code say nothing; none with one: no code', () => {
  const table = { words: 2, codes: Uint32Array.of(1, 2, 3, 4), has: Uint8Array.of(0, 1) };
  expect(majorityCode({ pinIndexes: [0, 1], weights: [9, 1] }, table)).toEqual(Uint32Array.of(3, 4));
  expect(majorityCode({ pinIndexes: [0], weights: [9] }, table)).toBeNull();
  expect(majorityCode({ pinIndexes: [], weights: [] }, table)).toBeNull();
});
