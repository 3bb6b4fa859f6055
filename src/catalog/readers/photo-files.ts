/** The photos in a folder and below it, and the files beside them that say more: nothing of their content is read. */
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Names of files that may hold an image; what they really hold is found out when they are looked at. */
const IMAGE = /\.(jpe?g|jfif|png|webp|gif|avif|tiff?|bmp|heic|heif)$/i;
/** Folders that programs make beside photos. */
const MADE = new Set(['node_modules', '__MACOSX', '@eaDir']);

export interface PhotoFile {
  /** Relative to the folder, with slashes. */
  readonly path: string;
  /** Size and time of change, of the photo and of its own record: equal stamps need no new look. */
  readonly stamp: string;
  /** The stamp of the photo alone. */
  readonly imageStamp: string;
  /** Path of the JSON file of this photo (`NAME.json` or `NAME.jpg.json`), or null. */
  readonly record: string | null;
}

/** Tables of records at the top of the folder. */
export type TableKind = 'pins' | 'boards' | 'saves';

export interface PhotoFolder {
  /** Folders and files that may not be read; what lies in them is not known. */
  readonly unreadable: readonly string[];
  /** In the order of their paths. */
  readonly photos: readonly PhotoFile[];
  /** `pins.csv` and so on: path and stamp. */
  readonly tables: ReadonlyMap<TableKind, { readonly path: string; readonly stamp: string }>;
}

const TABLE = /^(pins|boards|saves)\.(csv|tsv|jsonl|ndjson|json|parquet)$/i;

/** Whether a file is one that a folder of photos is read for. */
export function isOfPhotoFolder(path: string): boolean {
  return IMAGE.test(path) || TABLE.test(path) || /\.json$/i.test(path);
}

/** Lists a folder; throws only where the folder itself cannot be read. Links are followed, each folder once; names that begin with a dot are passed over, and so is the folder `except`. */
export async function photosIn(folder: string, except: string): Promise<PhotoFolder> {
  const files = new Map<string, string>();
  const passedOver = await realpath(except).catch(() => except);
  const unreadable: string[] = [];
  await walk({ folder, files, unreadable, seen: new Set([passedOver]) }, '');
  const photos: PhotoFile[] = [];
  const tables = new Map<TableKind, { path: string; stamp: string }>();
  for (const [path, stamp] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const table = TABLE.exec(path);
    if (table) tables.set(table[1].toLowerCase() as TableKind, { path, stamp });
    if (!IMAGE.test(path)) continue;
    const record = [`${path}.json`, path.replace(IMAGE, '.json')].find((name) => files.has(name)) ?? null;
    photos.push({ path, imageStamp: stamp, stamp: record === null ? stamp : `${stamp} ${files.get(record)}`, record });
  }
  return { photos, tables, unreadable };
}

interface Walk {
  readonly folder: string;
  readonly files: Map<string, string>;
  readonly unreadable: string[];
  readonly seen: Set<string>;
}

async function walk(all: Walk, under: string): Promise<void> {
  const { folder, files, unreadable, seen } = all;
  const real = await realpath(join(folder, under));
  if (seen.has(real)) return;
  seen.add(real);
  const entries = await readdir(real, { withFileTypes: true }).catch((error: unknown) => {
    if (under === '') throw error;
    unreadable.push(under);
    return [];
  });
  for (const { name } of entries) {
    if (name.startsWith('.') || MADE.has(name)) continue;
    const path = under === '' ? name : `${under}/${name}`;
    const found = await stat(join(folder, path)).catch((error: NodeJS.ErrnoException) => {
      // A link to nowhere, and a file that goes away meanwhile, are not there.
      if (error.code === 'EACCES' || error.code === 'EPERM') unreadable.push(path);
      return null;
    });
    if (found?.isDirectory()) await walk(all, path);
    else if (found?.isFile()) files.set(path, `${found.size} ${Math.round(found.mtimeMs)}`);
  }
}
