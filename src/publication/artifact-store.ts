/**
 * Where the writer publishes and nodes look: blocks that never change once they are there, and a few small texts that are
 * replaced as a whole. A folder that all machines see is one such place, a bucket another (object-store.ts).
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { diskFullError } from '../catalog/database.ts';
import { replaceFile } from '../swapped-file.ts';

export interface ArtifactStore {
  /** As the operator named it. */
  readonly place: string;
  /** A folder of this machine where files are made ready before they go up. */
  readonly scratch: string;
  /** What lies under a name; null when there is nothing. */
  read(name: string): Promise<Buffer | null>;
  /** Puts a text or a block under its name, durably: readers see what was there before or all of it. */
  write(name: string, content: string | Uint8Array): Promise<void>;
  /** Names that begin with a folder, such as `blocks/`. */
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
      return existsSync(at(name)) ? readFileSync(at(name)) : null;
    },
    async write(name, content) {
      try {
        replaceFile(at(name), content);
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
