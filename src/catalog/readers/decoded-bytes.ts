/**
 * The bytes of a text file as UTF-8, whatever it is packed in: gzip and Zstandard are unpacked, UTF-16 is decoded, and a
 * byte order mark is removed. Memory stays flat. Offsets count in what comes out.
 */
import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { pipeline, type Transform } from 'node:stream';
import zlib from 'node:zlib';

/** A chunk is a transaction: the larger it is, the more rows share the pages that each commit must write. */
const CHUNK_BYTES = 4 << 20;
const HEAD_BYTES = 512;
/** The bytes from which formats and delimiters are recognized. */
const PREVIEW_BYTES = 64 << 10;

type Packing = 'gzip' | 'zstd' | null;

/** How a file is packed, by its first bytes. */
export function packingOf(head: Uint8Array): Packing {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  return head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd ? 'zstd' : null;
}

/** The first bytes as they lie in the file. */
export function headOf(path: string): Buffer {
  const file = openSync(path, 'r');
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    return head.subarray(0, readSync(file, head, 0, HEAD_BYTES, 0));
  } finally {
    closeSync(file);
  }
}

/** The first 64 KiB of what `decodedBytes` gives, or less. */
export async function previewOf(path: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of decodedBytes(path, 0, PREVIEW_BYTES)) {
      parts.push(part);
      bytes += part.length;
      if (bytes >= PREVIEW_BYTES) break;
    }
  } catch (error) {
    if (bytes === 0) throw error;
  }
  return Buffer.concat(parts).subarray(0, PREVIEW_BYTES);
}

/** Bytes of the file from an offset on, in pieces of about `pieceBytes`. What came before a damage is given before it is thrown. */
export async function* decodedBytes(path: string, from = 0, pieceBytes = CHUNK_BYTES): AsyncGenerator<Buffer> {
  const head = headOf(path);
  if (isUtf32(head)) throw new Error('it is UTF-32; save it as UTF-8');
  const unpack = unpackerOf(packingOf(head));
  if (unpack === null && encodingOf(head) === null) {
    yield* createReadStream(path, { start: from + markLength(head), highWaterMark: pieceBytes }) as AsyncIterable<Buffer>;
    return;
  }
  const source = createReadStream(path, { highWaterMark: pieceBytes });
  const bytes = unpack === null ? source : pipeline(source, unpack, () => undefined);
  try {
    yield* gathered(skipped(asUtf8(bytes as AsyncIterable<Buffer>), from), pieceBytes);
  } finally {
    source.destroy();
    unpack?.destroy();
  }
}

function unpackerOf(packing: Packing): Transform | null {
  if (packing === null) return null;
  if (packing === 'gzip') return zlib.createGunzip({ chunkSize: 1 << 20 });
  if (typeof zlib.createZstdDecompress !== 'function') {
    throw new Error(`Zstandard needs Node 22.15 or later, this is ${process.version}; unpack the file first`);
  }
  return zlib.createZstdDecompress({ chunkSize: 1 << 20 });
}

/** Three bytes of every character of plain text are zero. */
function isUtf32(head: Uint8Array): boolean {
  if (head.length < 8) return false;
  const zeros = (at: number): boolean => head[at] === 0 && head[at + 1] === 0;
  const little = zeros(2) && zeros(6) && (head[0] !== 0 || head[4] !== 0);
  return little || (zeros(0) && zeros(4) && (head[3] !== 0 || head[7] !== 0));
}

function markLength(head: Uint8Array): number {
  return head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
}

/** UTF-16 by its mark, or by the zero bytes of its first characters; null for anything else. */
function encodingOf(head: Uint8Array): 'utf-16le' | 'utf-16be' | null {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be';
  const pairs = Math.min(head.length, 64) >> 1;
  let even = 0;
  let odd = 0;
  for (let i = 0; i < 2 * pairs; i++) if (head[i] === 0) i % 2 === 0 ? even++ : odd++;
  if (pairs < 4) return null;
  if (odd > pairs / 2 && even === 0) return 'utf-16le';
  return even > pairs / 2 && odd === 0 ? 'utf-16be' : null;
}

/** Waits for enough bytes to recognize the encoding, then passes on or decodes. */
async function* asUtf8(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer = Buffer.alloc(0);
  let decoder: TextDecoder | null | undefined;
  const begin = (): Buffer => {
    const encoding = encodingOf(held);
    decoder = encoding === null ? null : new TextDecoder(encoding);
    return decoder === null ? held.subarray(markLength(held)) : Buffer.from(decoder.decode(held, { stream: true }));
  };
  for await (const bytes of source) {
    if (decoder !== undefined) yield decoder === null ? bytes : Buffer.from(decoder.decode(bytes, { stream: true }));
    else {
      held = Buffer.concat([held, bytes]);
      if (held.length >= 64) yield begin();
    }
  }
  if (decoder === undefined) yield begin();
  if (decoder) yield Buffer.from(decoder.decode());
}

async function* skipped(source: AsyncIterable<Buffer>, from: number): AsyncGenerator<Buffer> {
  let left = from;
  for await (const bytes of source) {
    if (left < bytes.length) yield left > 0 ? bytes.subarray(left) : bytes;
    left = Math.max(0, left - bytes.length);
  }
}

/** Small pieces are put together. */
async function* gathered(source: AsyncIterable<Buffer>, pieceBytes: number): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let length = 0;
  const rest = (): Buffer => {
    const whole = parts.length === 1 ? parts[0] : Buffer.concat(parts);
    parts = [];
    length = 0;
    return whole;
  };
  try {
    for await (const bytes of source) {
      parts.push(bytes);
      length += bytes.length;
      if (length >= pieceBytes) yield rest();
    }
  } catch (error) {
    if (length > 0) yield rest();
    throw error;
  }
  if (length > 0) yield rest();
}
