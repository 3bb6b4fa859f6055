/** fc6 similarity = 1 - Hamming / bits, of one code with the codes of some pins. */
import type { CodeTable } from '../features/visual-features.ts';

/** `out[i]` for `pinIndexes[i]`, for every i below `out.length`; NaN where the pin has no code. */
export function similaritiesTo(code: Uint32Array, table: CodeTable, pinIndexes: Int32Array, out: Float32Array): void {
  const { words, bits, codes, has } = table;
  if (code.length !== words) throw new RangeError(`code: expected ${words} words, got ${code.length}`);
  for (let i = 0; i < out.length; i++) {
    const pinIndex = pinIndexes[i];
    out[i] = has[pinIndex] === 1 ? 1 - distanceAt(code, codes, pinIndex * words, words) / bits : Number.NaN;
  }
}

/** Hamming distance by bytes (Warren, figure 5-2); in here to keep the loop free of calls. */
function distanceAt(code: Uint32Array, codes: Uint32Array, at: number, words: number): number {
  let distance = 0;
  for (let i = 0; i < words; i++) {
    let v = code[i] ^ codes[at + i];
    v -= (v >>> 1) & 0x55555555;
    v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
    distance += Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  return distance;
}
