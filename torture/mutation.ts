import { rmSync, writeFileSync } from 'node:fs';
import type { Random } from '../src/math/random.ts';

/** Strings that parsers stumble over: numbers at their edges, quotes, control characters, prototype names, broken UTF-8. */
const NASTY: readonly Buffer[] = [
  ...[
    '1e309',
    '-0',
    'NaN',
    'Infinity',
    '9007199254740993',
    '""',
    '"',
    '\\',
    '\u0000',
    '__proto__',
    'constructor',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '\n',
    '\r\n',
    '\t',
    "'; DROP TABLE pins; --",
    '../../etc/passwd',
    '\ufeff',
    '\u2028',
    'a'.repeat(300),
  ].map((text) => Buffer.from(text)),
  Buffer.from([0xff, 0xfe]),
  Buffer.from([0xc3, 0x28]),
  Buffer.from([0xed, 0xa0, 0x80]),
];

/** A damaged copy of valid bytes: flips, cuts, repeats, nasty insertions; 1 to 4 of them. */
export function mutated(bytes: Uint8Array, random: Random): Buffer {
  let out = Buffer.from(bytes);
  for (let count = 1 + random.integer(4); count > 0; count--) out = damage(out, random);
  return out;
}

/** A file of a case, always a new one: ext4 carries a file that is cut and written over to the disk at once. */
export function writeCase(path: string, bytes: Uint8Array): void {
  rmSync(path, { force: true });
  writeFileSync(path, bytes);
}

function damage(bytes: Buffer<ArrayBuffer>, random: Random): Buffer<ArrayBuffer> {
  const at = random.integer(bytes.length + 1);
  switch (random.integer(6)) {
    case 0: {
      if (at < bytes.length) bytes[at] ^= 1 << random.integer(8);
      return bytes;
    }
    case 1: {
      if (at < bytes.length) bytes[at] = random.integer(256);
      return bytes;
    }
    case 2:
      return bytes.subarray(0, at);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + random.integer(16)))]);
    case 4: {
      const piece = bytes.subarray(at, at + random.integer(64));
      return Buffer.concat([bytes.subarray(0, at), piece, piece, bytes.subarray(at)]);
    }
    default:
      return Buffer.concat([bytes.subarray(0, at), random.pick(NASTY), bytes.subarray(at)]);
  }
}
