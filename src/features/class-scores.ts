/**
 * Class scores by pinIndex: resident while they fit a byte limit, else read from the artifact on demand; rows written since
 * the artifact was packed lie over it. Norms are always resident (4 bytes a pin).
 */
import type { ArtifactFile } from '../catalog/artifact-file.ts';
import { norm } from '../math/vector.ts';
import type { ClassScoreTable } from './visual-features.ts';

export class ClassScores implements ClassScoreTable {
  readonly length: number;
  /** Norm of each row; NaN where there is none. */
  private norms: Float32Array;
  private resident: Float32Array | null;
  private readonly file: ArtifactFile | null;
  private readonly fresh = new Map<number, Float32Array>();
  private readonly scratch: Float32Array<ArrayBuffer>;

  /** `file` holds `scores` (pins x length) and `scoreNorms`; null: everything is fresh. */
  constructor(length: number, file: ArtifactFile | null, byteLimit: number) {
    this.length = length;
    this.file = file;
    this.norms = file ? (file.read('scoreNorms') as Float32Array) : new Float32Array(0);
    this.scratch = new Float32Array(length);
    this.resident = file && this.norms.length * length * 4 <= byteLimit ? (file.read('scores') as Float32Array) : null;
  }

  get isResident(): boolean {
    return this.file === null || this.resident !== null;
  }

  cosines(query: Float32Array, pinIndexes: Int32Array, count: number, out: Float32Array): void {
    if (query.length !== this.length)
      throw new RangeError(`query: expected ${this.length} class scores, got ${query.length}`);
    const queryNorm = norm(query);
    for (let i = 0; i < count; i++) {
      const pinIndex = pinIndexes[i];
      const rowNorm = pinIndex < this.norms.length ? this.norms[pinIndex] : Number.NaN;
      const scale = queryNorm * rowNorm;
      out[i] = scale > 0 ? this.dotWith(query, pinIndex) / scale : scale === 0 ? 0 : Number.NaN;
    }
  }

  scoresOf(pinIndex: number): Float32Array | null {
    if (!(pinIndex >= 0 && pinIndex < this.norms.length) || Number.isNaN(this.norms[pinIndex])) return null;
    const fresh = this.fresh.get(pinIndex);
    if (fresh) return fresh;
    if (this.resident) return this.resident.slice(pinIndex * this.length, (pinIndex + 1) * this.length);
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

  private dotWith(query: Float32Array, pinIndex: number): number {
    let row = this.fresh.get(pinIndex);
    let at = 0;
    if (!row && this.resident) {
      row = this.resident;
      at = pinIndex * this.length;
    } else if (!row) {
      (this.file as ArtifactFile).readInto('scores', pinIndex * this.length, this.scratch);
      row = this.scratch;
    }
    return dotAt(query, row, at, this.length);
  }
}

/** Four sums at once: one alone would wait for its own additions. */
function dotAt(query: Float32Array, row: Float32Array, at: number, length: number): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = length & ~3;
  for (let i = 0; i < whole; i += 4) {
    a += query[i] * row[at + i];
    b += query[i + 1] * row[at + i + 1];
    c += query[i + 2] * row[at + i + 2];
    d += query[i + 3] * row[at + i + 3];
  }
  for (let i = whole; i < length; i++) a += query[i] * row[at + i];
  return a + b + (c + d);
}
