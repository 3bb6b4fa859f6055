/**
 * How an image is referred to. A row names a web address or a path inside the image folder; stored is the address, the
 * path inside the data folder, or (for image folders elsewhere) the absolute path.
 */
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { Rejection } from './rejection.ts';

export interface ImageFolders {
  /** What paths in rows are relative to. No path leaves it; links in the one of the data folder are checked when they are read. */
  readonly images: string;
  readonly data: string;
}

/** The reference to store for the `image` of a row, or why the row is rejected. */
export function imageReference(image: string, folders: ImageFolders): string | Rejection {
  if (/^[a-z][a-z0-9+.-]*:/i.test(image)) {
    const isWeb = /^https?:\/\//i.test(image) && URL.canParse(image);
    return isWeb ? image : new Rejection('IMAGE_ADDRESS_INVALID', 'image');
  }
  if (image.includes('\0')) return new Rejection('IMAGE_ADDRESS_INVALID', 'image');
  const root = resolve(folders.images);
  const path = resolve(root, image);
  if (!path.startsWith(root + sep)) return new Rejection('IMAGE_OUTSIDE_FOLDER', 'image');
  const inside = relative(resolve(folders.data), path);
  return inside.startsWith('..') || isAbsolute(inside) ? path : inside;
}

/** The web address or the absolute path behind a stored reference. */
export function imageLocation(reference: string, dataFolder: string): string {
  return isWebAddress(reference) ? reference : resolve(dataFolder, reference);
}

export function isWebAddress(location: string): boolean {
  return /^https?:\/\//i.test(location);
}
