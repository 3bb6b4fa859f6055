/**
 * Class scores by pinIndex, compared as score-bytes.ts says: resident while the artifact's fit a byte limit, else read from
 * it on demand; rows written since the artifact was packed take the place of its rows.
 */
import type { ArtifactFile } from '../catalog/artifacts/artifact-file.ts';
import { ABSENT, ResidentScores } from './resident-scores.ts';
import { byteCosine, byteDot, type ScoreBytes, scoreBytes } from './score-bytes.ts';
import type { ClassScoreTable } from './visual-features.ts';

/** Rows read from the file at a time. */
const BLOCK_ROWS = 4096;

export class ClassScores implements ClassScoreTable {
  readonly length: number;
  private readonly resident: ResidentScores | null;
  /** The artifact, when its rows are read on demand, and which pins it has rows of: NaN where not. */
  private readonly file: ArtifactFile | null;
  private readonly norms: Float32Array;
  /** Rows that are not resident and came after the artifact; null: taken away. */
  private readonly fresh = new Map<number, ScoreBytes | null>();
  private readonly scratch: Float32Array<ArrayBuffer>;
  private inside = new Int32Array(0);
  private found = new Int32Array(0);

  /** `file` holds `scores` (pins x length) and `scoreNorms`; null: everything is fresh. `filled`: another thread's rows of the same file. */
  constructor(length: number, file: ArtifactFile | null, byteLimit: number, filled: WebAssembly.Memory | null = null) {
    this.length = length;
    this.file = file;
    const norms = file ? (file.read('scoreNorms') as Float32Array) : new Float32Array(0);
    this.resident = file && norms.length * length * 4 <= byteLimit ? residentOf(file, norms, length, filled) : null;
    this.norms = this.resident ? new Float32Array(0) : norms;
    this.scratch = new Float32Array(length);
  }

  /** Where the rows of the file are; null while they are read from it. */
  get memory(): WebAssembly.Memory | null {
    return this.resident?.memory ?? null;
  }

  get isResident(): boolean {
    return this.file === null || this.resident !== null;
  }

  cosines(query: Float32Array, pinIndexes: Int32Array, count: number, out: Float32Array): void {
    if (query.length !== this.length) throw new RangeError(`query: expected ${this.length} class scores, got ${query.length}`);
    const rounded = scoreBytes(query);
    if (rounded === null) return void out.fill(Number.NaN, 0, count);
    const { bytes, squares } = rounded;
    const { resident, fresh } = this;
    const rows = resident ? resident.rows : 0;
    const found = rows > 0 ? this.residentDots(bytes, pinIndexes, count) : this.found;
    for (let i = 0; i < count; i++) {
      const pin = pinIndexes[i];
      if (pin < rows) out[i] = found[2 * i + 1] === ABSENT ? Number.NaN : byteCosine(found[2 * i], squares, found[2 * i + 1]);
      else {
        const row = fresh.size > 0 || !resident ? this.rowOf(pin) : null;
        out[i] = row === null ? Number.NaN : byteCosine(byteDot(bytes, row.bytes), squares, row.squares);
      }
    }
  }

  scoresOf(pinIndex: number): Float32Array | null {
    if (pinIndex < 0) return null;
    const { resident } = this;
    const bytes = resident && pinIndex < resident.rows ? resident.row(pinIndex) : this.rowOf(pinIndex)?.bytes;
    return bytes ? Float32Array.from(bytes) : null;
  }

  /** Puts a row written since the artifact in its place; null takes the row away. */
  put(pinIndex: number, scores: Float32Array | null): void {
    const row = scores && scoreBytes(scores);
    if (this.resident && pinIndex < this.resident.rows) this.resident.set(pinIndex, row);
    else this.fresh.set(pinIndex, row);
  }

  /** Dot products and squares in pairs, of row 0 for pins that came after the artifact. */
  private residentDots(query: Int8Array, pinIndexes: Int32Array, count: number): Int32Array {
    const resident = this.resident as ResidentScores;
    if (this.inside.length < count) {
      this.inside = new Int32Array(2 * count);
      this.found = new Int32Array(4 * count);
    }
    const { inside, found } = this;
    for (let i = 0; i < count; i++) inside[i] = pinIndexes[i] < resident.rows ? pinIndexes[i] : 0;
    resident.dots(query, inside, count, found);
    return found;
  }

  /** A row that is not resident; null where there is none. */
  private rowOf(pinIndex: number): ScoreBytes | null {
    const fresh = this.fresh.get(pinIndex);
    if (fresh !== undefined) return fresh;
    if (!(pinIndex < this.norms.length) || Number.isNaN(this.norms[pinIndex])) return null;
    (this.file as ArtifactFile).readInto('scores', pinIndex * this.length, this.scratch);
    return scoreBytes(this.scratch);
  }
}

function residentOf(file: ArtifactFile, norms: Float32Array, length: number, filled: WebAssembly.Memory | null): ResidentScores {
  const resident = new ResidentScores(norms.length, length, filled);
  if (filled !== null) return resident;
  const bytes = new Int8Array(length);
  for (let first = 0; first < norms.length; first += BLOCK_ROWS) {
    const some = Math.min(BLOCK_ROWS, norms.length - first);
    const scores = file.read('scores', first * length, some * length) as Float32Array;
    for (let r = 0; r < some; r++) {
      if (!Number.isNaN(norms[first + r])) resident.set(first + r, scoreBytes(scores.subarray(r * length, (r + 1) * length), bytes));
    }
  }
  return resident;
}
