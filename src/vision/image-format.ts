/**
 * Which format bytes are, by their first bytes and never by a name. Ours: JPEG, PNG, WebP, GIF, TIFF, AVIF.
 * Known strangers are named in the refusal (HTML from a broken link, SVG, PDF, HEIC, JPEG 2000, BMP, films).
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
  const brands = brandsOf(head);
  if (brands.includes('avif') && brands[0] !== 'avis') return 'avif';
  throw new ServiceError('IMAGE_UNSUPPORTED', {
    reason: `it is ${strangerOf(head)}; supported are JPEG, PNG, WebP, GIF, TIFF and AVIF`,
  });
}

/** The brands of an ISO file, the major one first and then the compatible ones: a file may be AVIF under another name. */
function brandsOf(head: string): readonly string[] {
  if (head.slice(4, 8) !== 'ftyp') return [];
  const end = Math.min(Buffer.from(head.slice(0, 4), 'latin1').readUInt32BE(), head.length);
  const brands = [head.slice(8, 12)];
  for (let at = 16; at + 4 <= end; at += 4) brands.push(head.slice(at, at + 4));
  return brands;
}

const HEIC_BRANDS = new Set(['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'hevm', 'hevs']);

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
  if (head.startsWith('\0\0\0\x0cjP  \r\n\x87\n') || head.startsWith('\xff\x4f\xff\x51')) return 'JPEG 2000';
  if (head.startsWith('\0\0\0\x0cJXL ') || head.startsWith('\xff\x0a')) return 'JPEG XL';
  if (head.startsWith('8BPS')) return 'a Photoshop document';
  if (head.startsWith('\0\0\x01\0')) return 'an icon (ICO)';
  if (head.startsWith('\x1a\x45\xdf\xa3')) return 'a film (WebM or Matroska)';
  if (head.startsWith('PK\x03\x04')) return 'a ZIP archive';
  const brands = brandsOf(head);
  if (brands.includes('avis')) return 'an animated AVIF';
  if (brands.some((brand) => HEIC_BRANDS.has(brand))) return 'HEIC, which needs a licence to decode';
  if (brands.length > 0) return 'a film (MP4 or MOV)';
  if (head.startsWith('{') || head.startsWith('[')) return 'JSON';
  return 'not an image';
}
