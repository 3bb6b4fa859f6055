/**
 * MurmurHash3 x86 32-bit (Appleby 2011, public domain algorithm) of a text's UTF-8 bytes: stable, well mixed, not secret.
 * Texts of plain ASCII, as most ids are, are hashed without making a byte array.
 */
const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;
const encoder = new TextEncoder();

/** An unsigned 32-bit hash; murmur3('', 1) = 0x514e28b7. */
export function murmur3(text: string, seed: number): number {
  const length = text.length;
  let hash = seed | 0;
  const body = length & ~3;
  for (let i = 0; i < body; i += 4) {
    const a = text.charCodeAt(i);
    const b = text.charCodeAt(i + 1);
    const c = text.charCodeAt(i + 2);
    const d = text.charCodeAt(i + 3);
    if ((a | b | c | d) > 127) return murmur3Bytes(encoder.encode(text), seed);
    hash = mixBody(hash, a | (b << 8) | (c << 16) | (d << 24));
  }
  let tail = 0;
  for (let i = length - 1; i >= body; i--) {
    const code = text.charCodeAt(i);
    if (code > 127) return murmur3Bytes(encoder.encode(text), seed);
    tail = (tail << 8) | code;
  }
  return finish(length > body ? hash ^ mixWord(tail) : hash, length);
}

/** The same over bytes. */
export function murmur3Bytes(bytes: Uint8Array, seed: number): number {
  let hash = seed | 0;
  const body = bytes.length & ~3;
  for (let i = 0; i < body; i += 4) hash = mixBody(hash, bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24));
  let tail = 0;
  for (let i = bytes.length - 1; i >= body; i--) tail = (tail << 8) | bytes[i];
  return finish(bytes.length > body ? hash ^ mixWord(tail) : hash, bytes.length);
}

/** The same over the bytes of `count` words from word `from` on, least significant byte first. */
export function murmur3Words(words: Uint32Array, from: number, count: number, seed: number): number {
  let hash = seed | 0;
  for (let i = from; i < from + count; i++) hash = mixBody(hash, words[i]);
  return finish(hash, 4 * count);
}

function mixWord(word: number): number {
  const k = Math.imul(word, C1);
  return Math.imul((k << 15) | (k >>> 17), C2);
}

function mixBody(hash: number, word: number): number {
  const h = hash ^ mixWord(word);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(hash: number, length: number): number {
  let h = hash ^ length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
