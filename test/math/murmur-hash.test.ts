import { expect, test } from 'vitest';
import { murmur3, murmur3Bytes, murmur3Words } from '../../src/math/murmur-hash.ts';

test('the published check values', () => {
  expect(murmur3('', 0)).toBe(0);
  expect(murmur3('', 1)).toBe(0x514e28b7);
  expect(murmur3('test', 0)).toBe(0xba6bd213);
  expect(murmur3('Hello, world!', 0)).toBe(0xc0363e43);
  expect(murmur3('The quick brown fox jumps over the lazy dog', 0x9747b28c)).toBe(0x2fa826cd);
});

test('text and its UTF-8 bytes hash alike, whatever the length and the letters', () => {
  for (const text of ['a', 'ab', 'abc', 'abcde', 'né', 'abcé', 'ключ', '日本語テキスト', '🙂user'])
    expect(murmur3(text, 7)).toBe(murmur3Bytes(new TextEncoder().encode(text), 7));
});

test('words hash as their bytes do, wherever they stand', () => {
  const words = Uint32Array.of(7, 0x80000001, 0xffffffff, 5);
  expect(murmur3Words(words, 1, 2, 3)).toBe(murmur3Bytes(new Uint8Array(words.buffer, 4, 8), 3));
});
