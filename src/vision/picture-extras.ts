/**
 * Parts of pictures that say nothing of the pixels we read. They are taken out before the decoder sees them, because it reads
 * them all: 2 MB of PNG with packed texts took 2 GB of memory, and 17 MB of TIFF whose 60,000 pages name the same 10 MB of
 * metadata took more than 25 seconds to open. Two million empty chunks of a WebP file took 400 MB.
 */
import { inflateSync } from 'node:zlib';
import type { ImageFormat } from './image-format.ts';

const SIGNATURE_BYTES = 8;
/** Length, name and checksum. */
const FRAME_BYTES = 12;
/** What else than the critical chunks changes pixels: transparency, colours, and which side is up. One of each is kept. */
const KEPT: ReadonlySet<number> = new Set(['tRNS', 'gAMA', 'cHRM', 'sRGB', 'cICP', 'iCCP', 'eXIf'].map(codeOf));
const PROFILE = codeOf('iCCP');
/** Of a WebP file: what its picture, its first frame, its transparency and its colors are in. */
const WEBP_KEPT = ['VP8X', 'VP8 ', 'VP8L', 'ALPH', 'ANIM', 'ANMF', 'ICCP', 'EXIF'].map(codeOf);
const WEBP_HEADER_BYTES = 12;
/** Name and length. */
const WEBP_FRAME_BYTES = 8;
/** Of a kept chunk, packed, and of a colour profile unpacked; those of printers have two MiB. */
const KEPT_BYTES_MAX = 4 * 2 ** 20;
const NAME_BYTES_MAX = 79;

/** The same picture without what does not change the pixels of its first page; the bytes themselves where nothing is to be taken out. */
export function withoutExtras(bytes: Uint8Array, format: ImageFormat): Uint8Array {
  if (format === 'png') return withoutChunks(bytes);
  if (format === 'webp') return firstOfWebp(bytes);
  return format === 'tiff' ? firstPageOf(bytes) : bytes;
}

/** The four letters of a name as one number: files of millions of chunks are gone through without making texts. */
function codeOf(name: string): number {
  return Buffer.from(name, 'latin1').readUInt32BE(0);
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

/** A frame of a file that is a row of frames: where it ends, and whether it may go. Frames before it were asked about first. */
type Frame = (at: number) => { readonly end: number; readonly isExtra: boolean };

/** The frames from `start` on without the extra ones, copied only where there are any; a frame that is cut short ends the walk. */
function kept(view: Buffer, start: number, header: number, frame: Frame): Buffer | null {
  const pieces: Buffer[] = [];
  let copied = 0;
  let at = start;
  while (at + header <= view.length) {
    const { end, isExtra } = frame(at);
    if (end > view.length) break;
    if (isExtra) {
      if (at > copied) pieces.push(view.subarray(copied, at));
      copied = end;
    }
    at = end;
  }
  return copied === 0 ? null : Buffer.concat([...pieces, view.subarray(copied)]);
}

function withoutChunks(bytes: Uint8Array): Uint8Array {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const seen = new Set<number>();
  const frame: Frame = (at) => {
    const end = at + FRAME_BYTES + view.readUInt32BE(at);
    return { end, isExtra: end <= view.length && isExtra(view, at, end, seen) };
  };
  return kept(view, SIGNATURE_BYTES, FRAME_BYTES, frame) ?? bytes;
}

/** The first chunk of each kind that makes the first picture of a WebP file; its length is written again. */
function firstOfWebp(bytes: Uint8Array): Uint8Array {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (whole.length < WEBP_HEADER_BYTES) return bytes;
  const view = whole.subarray(0, whole.readUInt32LE(4) + WEBP_FRAME_BYTES);
  const missing = new Set(WEBP_KEPT);
  const frame: Frame = (at) => {
    const length = view.readUInt32LE(at + 4);
    return { end: at + WEBP_FRAME_BYTES + length + (length & 1), isExtra: !missing.delete(view.readUInt32BE(at)) };
  };
  const first = kept(view, WEBP_HEADER_BYTES, WEBP_FRAME_BYTES, frame);
  first?.writeUInt32LE(first.length - WEBP_FRAME_BYTES, 4);
  return first ?? bytes;
}

/** Names of chunks that a decoder may pass over begin with a small letter. */
function isExtra(view: Buffer, at: number, end: number, seen: Set<number>): boolean {
  if ((view[at + 4] & 0x20) === 0) return false;
  const name = view.readUInt32BE(at + 4);
  if (!KEPT.has(name) || seen.has(name) || end - at > KEPT_BYTES_MAX) return true;
  seen.add(name);
  return name === PROFILE && !isSmallProfile(view.subarray(at + 8, end - 4));
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
