/** xxhash64 over bytes: fast, not cryptographic; distinguishes a damaged or changed file from the one that was written. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import xxhash from 'xxhash-wasm';

const hasher = await xxhash();

interface Digest {
  update(bytes: Uint8Array): void;
  /** 16 hexadecimal digits. */
  hex(): string;
}

const CHUNK_BYTES = 1 << 20;

export function newDigest(): Digest {
  const state = hasher.create64();
  return {
    update(bytes) {
      for (let at = 0; at < bytes.length; at += CHUNK_BYTES) state.update(bytes.subarray(at, at + CHUNK_BYTES));
    },
    hex: () => state.digest().toString(16).padStart(16, '0'),
  };
}

export function digestOf(bytes: Uint8Array): string {
  const digest = newDigest();
  digest.update(bytes);
  return digest.hex();
}

/** Size and digest of the first `byteCount` bytes of a file (all by default), read in pieces. */
export function digestOfFile(path: string, byteCount = Number.POSITIVE_INFINITY): { bytes: number; digest: string } {
  const file = openSync(path, 'r');
  try {
    const bytes = Math.min(fstatSync(file).size, byteCount);
    const digest = newDigest();
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, bytes));
    for (let at = 0; at < bytes;) {
      const count = readSync(file, chunk, 0, Math.min(chunk.length, bytes - at), at);
      if (count === 0) break;
      digest.update(chunk.subarray(0, count));
      at += count;
    }
    return { bytes, digest: digest.hex() };
  } finally {
    closeSync(file);
  }
}
