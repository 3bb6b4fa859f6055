/**
 * The versions of one kind of artifact: `<root>/<kind>/<version>.bin` and a file CURRENT that names the one in use.
 * Written beside, made durable, then swapped by rename: a reader sees the old version or the new one, never half of
 * either. The previous version is kept for going back, older ones are pruned.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ServiceError } from '../../errors.ts';
import { type ArtifactArray, ArtifactFile, writeArtifactFile } from './artifact-file.ts';
import { diskFullError } from '../database.ts';
import { noteOf } from './verified-file.ts';
import { replaceFile } from '../../swapped-file.ts';

const VERSION_FILE = /^(\d{6,})\.bin$/;

export class ArtifactFolder {
  readonly folder: string;
  private readonly format: number;

  /** `root` is the data folder's `artifacts`; `format` the producer's format version (raise it when the arrays change meaning). */
  constructor(root: string, kind: string, format: number) {
    this.folder = join(root, kind);
    this.format = format;
  }

  /** All versions on disk, oldest first. */
  versions(): string[] {
    if (!existsSync(this.folder)) return [];
    const found = readdirSync(this.folder).map((name) => VERSION_FILE.exec(name)?.[1]);
    return found.filter((version) => version !== undefined).sort();
  }

  /** The version in use, or null before the first. */
  current(): string | null {
    const pointer = join(this.folder, 'CURRENT');
    if (!existsSync(pointer)) return null;
    const version = readFileSync(pointer, 'utf8').trim();
    if (!VERSION_FILE.test(`${version}.bin`)) {
      throw new ServiceError('ARTIFACT_REFUSED', { file: pointer, reason: 'it names no version' });
    }
    return version;
  }

  /** Opens the version in use (or the one named); null when there is none. @throws ARTIFACT_REFUSED when damaged. */
  open(version: string | null = this.current()): ArtifactFile | null {
    return version === null ? null : new ArtifactFile(join(this.folder, `${version}.bin`), this.format);
  }

  /** Writes the next version, makes it the current one, prunes those before the previous. Returns the new version. */
  write(metadata: Readonly<Record<string, unknown>>, arrays: Readonly<Record<string, ArtifactArray>>): string {
    const previous = this.current();
    const version = String(Number(this.versions().at(-1) ?? 0) + 1).padStart(6, '0');
    try {
      mkdirSync(this.folder, { recursive: true });
      replaceFile(join(this.folder, `${version}.bin`), (file) => writeArtifactFile(file, this.format, metadata, arrays));
      this.use(version);
    } catch (error) {
      throw diskFullError(error, this.folder);
    }
    this.prune(new Set([version, previous]));
    return version;
  }

  /** Makes an existing version the current one. */
  use(version: string): void {
    replaceFile(join(this.folder, 'CURRENT'), `${version}\n`);
  }

  private prune(kept: ReadonlySet<string | null>): void {
    for (const version of this.versions()) {
      if (kept.has(version)) continue;
      const path = join(this.folder, `${version}.bin`);
      for (const file of [path, noteOf(path)]) rmSync(file, { force: true });
    }
  }
}
