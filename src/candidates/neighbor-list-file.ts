/**
 * Neighbour lists of all pins on disk: one flat artifact, a list is read when it is asked for. Resident: the list
 * lengths, 12 bytes a pin. Co-occurrence and visual neighbours are kept this way.
 */
import type { ArtifactArray, ArtifactFile, FlatArray } from '../catalog/artifact-file.ts';
import { ArtifactFolder } from '../catalog/artifact-folder.ts';
import { ServiceError } from '../errors.ts';
import { NO_PINS, type ScoredPins } from './candidate.ts';
import type { ListScratch } from './list-scratch.ts';

const FORMAT = 1;

export function neighborListFolder(artifacts: string, kind: string): ArtifactFolder {
  return new ArtifactFolder(artifacts, kind, FORMAT);
}

/** Writes what the scratch holds as the next version and makes it the current one. Returns the version. */
export function writeNeighborLists(
  folder: ArtifactFolder,
  metadata: Readonly<Record<string, unknown>>,
  lists: ListScratch,
  besides: Readonly<Record<string, ArtifactArray>> = {},
): string {
  return folder.write(metadata, {
    ...besides,
    lengths: lists.lengths(),
    pinIndexes: lists.pinIndexes(),
    scores: lists.scores(),
  });
}

export class NeighborListFile {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly version: string;
  /** Pins that have a row, from pin 0. */
  readonly rows: number;
  private readonly file: ArtifactFile;
  private readonly lengths: Uint32Array;
  private readonly starts: Float64Array;

  private constructor(file: ArtifactFile, version: string) {
    this.file = file;
    this.version = version;
    this.metadata = file.metadata;
    this.lengths = file.read('lengths') as Uint32Array;
    this.rows = this.lengths.length;
    this.starts = new Float64Array(this.rows + 1);
    for (let r = 0; r < this.rows; r++) this.starts[r + 1] = this.starts[r] + this.lengths[r];
    const entries = this.starts[this.rows];
    if (file.lengthOf('pinIndexes') !== entries || file.lengthOf('scores') !== entries)
      throw new ServiceError('ARTIFACT_REFUSED', { file: file.path, reason: 'its lists and their lengths disagree' });
  }

  /** Opens the current version; null before the first. Throws ARTIFACT_REFUSED when it is damaged. */
  static open(folder: ArtifactFolder): NeighborListFile | null {
    const version = folder.current();
    const file = folder.open(version);
    if (file === null || version === null) return null;
    try {
      return new NeighborListFile(file, version);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** The best `limit` entries of a list; empty for a pin that has no row. */
  read(row: number, limit: number): ScoredPins {
    const length = row >= 0 && row < this.rows ? Math.min(limit, this.lengths[row]) : 0;
    if (length === 0) return NO_PINS;
    const pinIndexes = new Int32Array(length);
    const scores = new Float32Array(length);
    this.file.readInto('pinIndexes', this.starts[row], pinIndexes);
    this.file.readInto('scores', this.starts[row], scores);
    return { pinIndexes, scores };
  }

  /** An array stored besides the lists, or null. */
  besides(name: string): FlatArray | null {
    return this.file.names.includes(name) ? this.file.read(name) : null;
  }

  lengthOf(row: number): number {
    return row >= 0 && row < this.rows ? this.lengths[row] : 0;
  }

  close(): void {
    this.file.close();
  }
}
