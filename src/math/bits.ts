/**
 * Binary codes as 32-bit words, least significant bit first: bit i of a code is bit (i mod 32) of word floor(i / 32).
 * Padding bits of the last word are zero.
 */
export function wordsOf(bits: number): number {
  return (bits + 31) >>> 5;
}

/** Packs `values[i] > threshold(i)` into words; `thresholds` absent means 0 everywhere (activation > 0, as published). */
export function packBits(values: ArrayLike<number>, thresholds?: ArrayLike<number>): Uint32Array {
  const words = new Uint32Array(wordsOf(values.length));
  for (let i = 0; i < values.length; i++) {
    if (values[i] > (thresholds ? thresholds[i] : 0)) words[i >>> 5] |= 1 << (i & 31);
  }
  return words;
}

/** Number of ones in a 32-bit word (Warren, Hacker's Delight, figure 5-2). */
export function popcount32(word: number): number {
  let v = word - ((word >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return (((v + (v >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}

/** Hamming distance of two codes, in bits. Throws RangeError where they differ in words. */
export function hamming(a: Uint32Array, b: Uint32Array): number {
  if (a.length !== b.length) throw new RangeError(`code lengths differ: ${a.length} and ${b.length} words`);
  return hammingAt(a, 0, b, 0, a.length);
}

/** Hamming distance of the `words` words at `aOffset` in `a` and at `bOffset` in `b`; the caller guarantees the ranges. */
export function hammingAt(a: Uint32Array, aOffset: number, b: Uint32Array, bOffset: number, words: number): number {
  let distance = 0;
  for (let i = 0; i < words; i++) distance += popcount32(a[aOffset + i] ^ b[bOffset + i]);
  return distance;
}
