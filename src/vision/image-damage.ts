/**
 * What is wrong with a picture that cannot be decoded, read from its own bytes. The messages of libvips are no help: it has
 * one buffer of them for all threads, and pictures decoded at the same time got each other's reasons.
 */
import { crc32 } from 'node:zlib';
import type { ImageFormat } from './image-format.ts';

const END_OF_JPEG = Buffer.from([0xff, 0xd9]);
const START_OF_SCAN = Buffer.from([0xff, 0xda]);
const CUT_SHORT = 'it is cut short';

/** A clause for a refusal. */
export function whyBroken(bytes: Uint8Array, format: ImageFormat): string {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const cut = `${CUT_SHORT}, or its data are damaged`;
  if (format === 'jpeg') return jpegEndMissing(bytes) ? CUT_SHORT : 'its JPEG data are damaged';
  if (format === 'png') return pngDamage(view);
  if (format === 'gif') return view[view.length - 1] === 0x3b ? 'its GIF data are damaged' : CUT_SHORT;
  if (format === 'webp') return view.length >= 8 && view.readUInt32LE(4) + 8 > view.length ? CUT_SHORT : 'its WebP data are damaged';
  if (format === 'avif') return boxesFit(view) ? 'its AVIF data are damaged' : CUT_SHORT;
  return cut;
}

/** Whether these bytes are a JPEG without its last two bytes. */
export function isJpegWithoutEnd(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff && jpegEndMissing(bytes);
}

/** A JPEG without its last two bytes, which browsers show; what lies before may be whole or not. */
export function jpegEndMissing(bytes: Uint8Array): boolean {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Within the data of a scan the two bytes can't stand next to each other; those of a thumbnail come before it.
  return view.lastIndexOf(END_OF_JPEG) < view.lastIndexOf(START_OF_SCAN);
}

function pngDamage(view: Buffer): string {
  for (let at = 8; at + 12 <= view.length;) {
    const length = view.readUInt32BE(at);
    const end = at + 12 + length;
    if (end > view.length) return CUT_SHORT;
    const name = view.toString('latin1', at + 4, at + 8);
    if (crc32(view.subarray(at + 4, end - 4)) !== view.readUInt32BE(end - 4))
      return `its chunk ${/^[A-Za-z]{4}$/.test(name) ? name : '?'} is damaged`;
    if (name === 'IEND') return 'its PNG data are damaged';
    at = end;
  }
  return CUT_SHORT;
}

/** Whether the boxes of an ISO file end with the file. */
function boxesFit(view: Buffer): boolean {
  let at = 0;
  while (at + 8 <= view.length) {
    const size = view.readUInt32BE(at);
    if (size === 0) return true;
    const long = size === 1 && at + 16 <= view.length ? Number(view.readBigUInt64BE(at + 8)) : size;
    if (long < 8) return false;
    at += long;
  }
  return at === view.length;
}
