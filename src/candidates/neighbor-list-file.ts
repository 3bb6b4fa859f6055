/**
 * Neighbour lists of all pins on disk: one flat artifact, a list is read when it is asked for. Resident: the list
 * lengths, 4 bytes a pin. Co-occurrence and visual neighbours are kept this way.
 */
import type { ArtifactArray, ArtifactFile, FlatArray } from '../catalog/artifacts/artifact-file.ts';
import { ArtifactFolder } from '../catalog/artifacts/artifact-folder.ts';
import { ServiceError } from '../errors.ts';
import { NO_PINS, type ScoredPins } from './candidate.ts';
import type { ListScratch } from './list-scratch.ts';

const FORMAT = 1;
/** Rows whose beginning is found by adding up lengths from the last one that is known. */
const STRIDE = 64;

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
  readonly version: string;
  /** Pins that have a row, from pin 0. */
  readonly rows: number;
  private readonly file: ArtifactFile;
  private readonly lengths: Uint32Array;
  /** Where every 64th list begins. */
  private readonly starts: Float64Array;

  private constructor(file: ArtifactFile, version: string) {
    this.file = file;
    this.version = version;
    this.lengths = file.read('lengths') as Uint32Array;
    this.rows = this.lengths.length;
    this.starts = new Float64Array(Math.ceil(this.rows / STRIDE));
    let entries = 0;
    for (let r = 0; r < this.rows; r++) {
      if (r % STRIDE === 0) this.starts[r / STRIDE] = entries;
      entries += this.lengths[r];
    }
    if (file.lengthOf('pinIndexes') !== entries || file.lengthOf('scores') !== entries)
      throw new ServiceError('ARTIFACT_REFUSED', { file: file.path, reason: 'its lists and their lengths disagree' });
  }

  /** Opens the current version; null before the first. Throws ARTIFACT_REFUSED when it is damaged. */
  /** As `ArtifactFile.about`. */
  about<Metadata>(): Metadata {
    return this.file.about();
  }

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
    const start = this.startOf(row);
    this.file.readInto('pinIndexes', start, pinIndexes);
    this.file.readInto('scores', start, scores);
    return { pinIndexes, scores };
  }

  private startOf(row: number): number {
    const known = row - (row % STRIDE);
    let start = this.starts[known / STRIDE];
    for (let r = known; r < row; r++) start += this.lengths[r];
    return start;
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
