/**
 * Where the writer publishes and nodes look: named files that never change once they are there, and a few small texts that are
 * replaced as a whole. A folder that all machines see is one such place, a bucket another (object-store.ts).
 */
import { copyFileSync, createReadStream, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { diskFullError } from '../catalog/database.ts';
import { replaceFile, syncFile, syncFolder } from '../swapped-file.ts';

export interface ArtifactStore {
  /** As the operator named it. */
  readonly place: string;
  /** A folder of this machine where files are made ready for `put`. */
  readonly scratch: string;
  /** A small text; null when there is none. */
  read(name: string): Promise<string | null>;
  /** Replaces a small text: readers see the old one or the new one. */
  write(name: string, text: string): Promise<void>;
  /** The bytes of a file. An error of the stream says that it is gone or cannot be had. */
  open(name: string): Promise<Readable>;
  /** Moves a file of `scratch` to its name, durably. */
  put(name: string, source: string): Promise<void>;
  /** Names that begin with a folder, such as `files/`. */
  names(folder: string): Promise<readonly string[]>;
  remove(name: string): Promise<void>;
}

/** A folder on a disk, or on a network file system that several machines mount. */
export function folderStore(place: string): ArtifactStore {
  const at = (name: string): string => join(place, name);
  return {
    place,
    scratch: at('.publishing'),
    async read(name) {
      return existsSync(at(name)) ? readFileSync(at(name), 'utf8') : null;
    },
    async write(name, text) {
      replaceFile(at(name), text);
    },
    async open(name) {
      return createReadStream(at(name));
    },
    async put(name, source) {
      const target = at(name);
      try {
        mkdirSync(dirname(target), { recursive: true });
        syncFile(source);
        moveFile(source, target);
        syncFolder(dirname(target));
      } catch (error) {
        throw diskFullError(error, place);
      }
    },
    async names(folder) {
      return existsSync(at(folder)) ? readdirSync(at(folder)).map((name) => `${folder}${name}`) : [];
    },
    async remove(name) {
      rmSync(at(name), { force: true });
    },
  };
}

/** Across file systems (a mounted folder below another one) a file is copied beside its name first. */
function moveFile(source: string, target: string): void {
  try {
    renameSync(source, target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    const draft = `${target}.tmp`;
    copyFileSync(source, draft);
    syncFile(draft);
    renameSync(draft, target);
    rmSync(source);
  }
}
