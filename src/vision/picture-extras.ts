/**
 * Parts of pictures that say nothing of the pixels we read. They are taken out before the decoder sees them, because it reads
 * them all: 2 MB of PNG with packed texts took 2 GB of memory, and 17 MB of TIFF whose 60,000 pages name the same 10 MB of
 * metadata took more than 25 seconds to open.
 */
import { inflateSync } from 'node:zlib';
import type { ImageFormat } from './image-format.ts';

const SIGNATURE_BYTES = 8;
/** Length, name and checksum. */
const FRAME_BYTES = 12;
/** What else than the critical chunks changes pixels: transparency, colours, and which side is up. One of each is kept. */
const KEPT: ReadonlySet<string> = new Set(['tRNS', 'gAMA', 'cHRM', 'sRGB', 'cICP', 'iCCP', 'eXIf']);
/** Of a kept chunk, packed, and of a colour profile unpacked; those of printers have two MiB. */
const KEPT_BYTES_MAX = 4 * 2 ** 20;
const NAME_BYTES_MAX = 79;

/** The same picture without what does not change the pixels of its first page; the bytes themselves where nothing is to be taken out. */
export function withoutExtras(bytes: Uint8Array, format: ImageFormat): Uint8Array {
  if (format === 'png') return withoutChunks(bytes);
  return format === 'tiff' ? firstPageOf(bytes) : bytes;
}

/** A TIFF whose first directory is the last one: the decoder goes through all of them to count pages. */
function firstPageOf(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLittle = bytes[0] === 0x49;
  if (bytes.length < 8) return bytes;
  const directory = view.getUint32(4, isLittle);
  if (directory + 2 > bytes.length) return bytes;
  const next = directory + 2 + 12 * view.getUint16(directory, isLittle);
  if (next + 4 > bytes.length || view.getUint32(next, isLittle) === 0) return bytes;
  const first = Uint8Array.from(bytes);
  first.fill(0, next, next + 4);
  return first;
}

function withoutChunks(bytes: Uint8Array): Uint8Array {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pieces: Buffer[] = [];
  const seen = new Set<string>();
  let copied = 0;
  let at = SIGNATURE_BYTES;
  while (at + FRAME_BYTES <= view.length) {
    const end = at + FRAME_BYTES + view.readUInt32BE(at);
    if (end > view.length) break;
    if (isExtra(view, at, end, seen)) {
      pieces.push(view.subarray(copied, at));
      copied = end;
    }
    at = end;
  }
  return copied === 0 ? bytes : Buffer.concat([...pieces, view.subarray(copied)]);
}

/** Names of chunks that a decoder may pass over begin with a small letter. */
function isExtra(view: Buffer, at: number, end: number, seen: Set<string>): boolean {
  if ((view[at + 4] & 0x20) === 0) return false;
  const name = view.toString('latin1', at + 4, at + 8);
  if (!KEPT.has(name) || seen.has(name) || end - at > KEPT_BYTES_MAX) return true;
  seen.add(name);
  return name === 'iCCP' && !isSmallProfile(view.subarray(at + 8, end - 4));
}

/** A name, a zero, the method, and the packed profile. */
function isSmallProfile(data: Buffer): boolean {
  const name = data.subarray(0, NAME_BYTES_MAX + 1).indexOf(0);
  if (name < 0) return false;
  try {
    inflateSync(data.subarray(name + 2), { maxOutputLength: KEPT_BYTES_MAX });
    return true;
  } catch {
    return false;
  }
}
