/**
 * How an image is referred to. A row names a web address or a path inside the image folder; stored is the address, the
 * path inside the data folder, or (for image folders elsewhere) the absolute path.
 */
import { existsSync } from 'node:fs';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { Rejection } from './rejection.ts';

export interface ImageFolders {
  /** What paths in rows are relative to. No path leaves it; links in the one of the data folder are checked when they are read. */
  readonly images: string;
  readonly data: string;
}

/** Addresses: with `//` behind the scheme, or of a scheme that never names a file. A file may be called `shot-12:30.jpg`. */
const ADDRESS = /^(?:[a-z][a-z0-9+.-]*:\/\/|(?:data|blob|javascript|mailto|file|about|cid):)/i;

/** The reference to store for the `image` of a row, or why the row is rejected. */
export function imageReference(image: string, folders: ImageFolders): string | Rejection {
  if (ADDRESS.test(image)) return isWebAddress(image) && URL.canParse(image) ? image : new Rejection('IMAGE_ADDRESS_INVALID', 'image');
  if (image.includes('\0')) return new Rejection('IMAGE_ADDRESS_INVALID', 'image');
  const root = resolve(folders.images);
  const path = pathOf(root, image);
  if (path === null) return new Rejection('IMAGE_OUTSIDE_FOLDER', 'image');
  const inside = relative(resolve(folders.data), path);
  return inside.startsWith('..') || isAbsolute(inside) ? path : inside;
}

/** Backslashes are those of Windows, unless a file is really called so. Null where the path leaves the folder, read either way. */
function pathOf(root: string, image: string): string | null {
  const path = resolve(root, image);
  if (!path.startsWith(root + sep)) return null;
  if (sep === '\\' || !image.includes('\\')) return path;
  const slashed = resolve(root, image.replaceAll('\\', '/'));
  if (/^[a-z]:\\/i.test(image) || !slashed.startsWith(root + sep)) return null;
  return existsSync(path) ? path : slashed;
}

/** The web address or the absolute path behind a stored reference. */
export function imageLocation(reference: string, dataFolder: string): string {
  return isWebAddress(reference) ? reference : resolve(dataFolder, reference);
}

export function isWebAddress(location: string): boolean {
  return /^https?:\/\//i.test(location);
}
