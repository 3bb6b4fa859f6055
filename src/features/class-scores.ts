/**
 * Class scores by pinIndex: resident while they fit a byte limit, else read from the artifact on demand; rows written since
 * the artifact was packed lie over it. Norms are always resident (4 bytes a pin).
 */
import type { ArtifactFile } from '../catalog/artifact-file.ts';
import { dot, norm } from '../math/vector.ts';
import { ResidentScores } from './resident-scores.ts';
import type { ClassScoreTable } from './visual-features.ts';

/** Rows read from the file at a time. */
const BLOCK_ROWS = 4096;

export class ClassScores implements ClassScoreTable {
  readonly length: number;
  /** Norm of each row; NaN where there is none. */
  private norms: Float32Array;
  private readonly resident: ResidentScores | null;
  private readonly file: ArtifactFile | null;
  private readonly fresh = new Map<number, Float32Array>();
  private readonly scratch: Float32Array<ArrayBuffer>;
  private inside = new Int32Array(0);

  /** `file` holds `scores` (pins x length) and `scoreNorms`; null: everything is fresh. */
  constructor(length: number, file: ArtifactFile | null, byteLimit: number) {
    this.length = length;
    this.file = file;
    this.norms = file ? (file.read('scoreNorms') as Float32Array) : new Float32Array(0);
    this.scratch = new Float32Array(length);
    this.resident = file && this.norms.length * length * 4 <= byteLimit ? residentOf(file, this.norms.length, length) : null;
  }

  get isResident(): boolean {
    return this.file === null || this.resident !== null;
  }

  cosines(query: Float32Array, pinIndexes: Int32Array, count: number, out: Float32Array): void {
    if (query.length !== this.length)
      throw new RangeError(`query: expected ${this.length} class scores, got ${query.length}`);
    const queryNorm = norm(query);
    this.dots(query, pinIndexes, count, out);
    const { norms } = this;
    for (let i = 0; i < count; i++) {
      const pinIndex = pinIndexes[i];
      const scale = queryNorm * (pinIndex < norms.length ? norms[pinIndex] : Number.NaN);
      out[i] = scale > 0 ? out[i] / scale : scale === 0 ? 0 : Number.NaN;
    }
  }

  scoresOf(pinIndex: number): Float32Array | null {
    if (!(pinIndex >= 0 && pinIndex < this.norms.length) || Number.isNaN(this.norms[pinIndex])) return null;
    const fresh = this.fresh.get(pinIndex);
    if (fresh) return fresh;
    if (this.resident) return this.resident.row(pinIndex);
    return (this.file as ArtifactFile).read('scores', pinIndex * this.length, this.length) as Float32Array;
  }

  /** Puts a row written since the artifact over it; null takes the row away. */
  put(pinIndex: number, scores: Float32Array | null): void {
    if (pinIndex >= this.norms.length) {
      const grown = new Float32Array(Math.max(pinIndex + 1, Math.ceil(this.norms.length * 1.5))).fill(Number.NaN);
      grown.set(this.norms);
      this.norms = grown;
    }
    this.norms[pinIndex] = scores ? norm(scores) : Number.NaN;
    if (scores) this.fresh.set(pinIndex, scores);
    else this.fresh.delete(pinIndex);
  }

  close(): void {
    this.file?.close();
  }

  /** Of no meaning where a pin has no scores. */
  private dots(query: Float32Array, pinIndexes: Int32Array, count: number, out: Float32Array): void {
    const { resident, fresh } = this;
    if (resident && resident.rows > 0) resident.dots(query, this.rowsInside(pinIndexes, count, resident.rows), count, out);
    if (resident && fresh.size === 0) return;
    for (let i = 0; i < count; i++) {
      const row = fresh.get(pinIndexes[i]);
      if (row) out[i] = dot(query, row);
      else if (!resident) out[i] = this.dotWithStored(query, pinIndexes[i]);
    }
  }

  /** The pins' rows, row 0 for pins that came after the artifact. */
  private rowsInside(pinIndexes: Int32Array, count: number, rows: number): Int32Array {
    if (this.inside.length < count) this.inside = new Int32Array(2 * count);
    const { inside } = this;
    for (let i = 0; i < count; i++) inside[i] = pinIndexes[i] < rows ? pinIndexes[i] : 0;
    return inside;
  }

  private dotWithStored(query: Float32Array, pinIndex: number): number {
    if (!(pinIndex < this.norms.length) || Number.isNaN(this.norms[pinIndex])) return Number.NaN;
    (this.file as ArtifactFile).readInto('scores', pinIndex * this.length, this.scratch);
    return dot(query, this.scratch);
  }
}

function residentOf(file: ArtifactFile, rows: number, length: number): ResidentScores {
  const resident = new ResidentScores(rows, length);
  for (let first = 0; first < rows; first += BLOCK_ROWS) {
    const some = Math.min(BLOCK_ROWS, rows - first);
    resident.set(first, file.read('scores', first * length, some * length) as Float32Array);
  }
  return resident;
}
