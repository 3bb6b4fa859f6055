/**
 * Which format bytes are, by their first bytes and never by a name. Ours: JPEG, PNG, WebP, GIF, TIFF, AVIF.
 * Known strangers are named in the refusal (HTML from a broken link, SVG, PDF, HEIC, BMP).
 */
import { ServiceError } from '../errors.ts';

export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'gif' | 'tiff' | 'avif';

/** Throws IMAGE_REFUSED for no bytes, IMAGE_UNSUPPORTED for anything that is not one of our formats. */
export function formatOf(bytes: Uint8Array): ImageFormat {
  if (bytes.length === 0) throw new ServiceError('IMAGE_REFUSED', { reason: 'the file is empty' });
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 512)).toString('latin1');
  if (head.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  if (head.startsWith('GIF87a') || head.startsWith('GIF89a')) return 'gif';
  if (head.startsWith('RIFF') && head.slice(8, 12) === 'WEBP') return 'webp';
  if (head.startsWith('II*\0') || head.startsWith('MM\0*')) return 'tiff';
  if (head.slice(4, 8) === 'ftyp' && /^(avif|avis)/.test(head.slice(8))) return 'avif';
  throw new ServiceError('IMAGE_UNSUPPORTED', {
    reason: `it is ${strangerOf(head)}; supported are JPEG, PNG, WebP, GIF, TIFF and AVIF`,
  });
}

function strangerOf(head: string): string {
  const text = head
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart()
    .toLowerCase();
  if (text.startsWith('<svg') || (text.startsWith('<?xml') && text.includes('<svg')) || text.startsWith('<!doctype svg')) return 'SVG';
  if (text.startsWith('<!doctype html') || text.startsWith('<html') || text.startsWith('<head')) return 'an HTML page';
  if (text.startsWith('<?xml') || text.startsWith('<')) return 'XML or HTML text';
  if (text.startsWith('%pdf')) return 'PDF';
  if (head.startsWith('BM')) return 'BMP';
  if (head.slice(4, 8) === 'ftyp') return 'HEIC or a film';
  if (head.startsWith('{') || head.startsWith('[')) return 'JSON';
  return 'not an image';
}
