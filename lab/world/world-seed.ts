/**
 * The seeds of the drawn world's parts (FNV-1a of a base seed and a name). First draws under names that differ in the last
 * digit are alike (`list-1`, `list-2`: correlation 0.89), and the low bits follow the digits' parity. The world's digests
 * rest on these streams, so they stay; everything else takes `mixedSeed`.
 */
export function worldSeed(seed: number, text: string): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash | 0;
}
