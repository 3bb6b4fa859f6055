/**
 * Counting dealt to many tasks, first half: what one machine writes before. A job folder on a path that all tasks can reach holds
 * `plan.bin` (this file), `saves/NNNNN.parquet` (columns board and pin, int32, boards ascending and never cut) and what the
 * tasks write (`counting-shards.ts`).
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { ArtifactFile, writeArtifactFile } from '../../catalog/artifacts/artifact-file.ts';
import { newDigest } from '../../catalog/artifacts/digest.ts';
import { PIECE_FORMAT, pieceFile } from '../../catalog/artifacts/piece-file.ts';
import { replaceFile } from '../../swapped-file.ts';
import { type CooccurrenceOptions, squaredEntry } from './board-cooccurrence.ts';
import { Column } from './interactions.ts';

/** Pairs of one file of saves: what a task holds at once, about 8 MB. */
const PAIRS_PER_FILE = 1_000_000;
/** Copies of pins that a file of saves may become when it is dealt to the parts: 256 MB. */
const COPIES_PER_FILE = 1 << 26;

export interface PlanSummary {
  /** Everything that the lists depend on, and how they are dealt: outputs of another key are made again. */
  readonly key: string;
  readonly options: CooccurrenceOptions;
  readonly pins: number;
  readonly boards: number;
  readonly pairs: number;
  /** Files of saves. */
  readonly files: number;
  /** Part p counts rows `bounds[p] .. bounds[p + 1]`, parts of about equal work. */
  readonly bounds: readonly number[];
  /** Sum over boards of size x min(size, parts): the most pins that can be sent to parts. */
  readonly copiesMost: number;
  /** Sum of squared board sizes: pins visited in counting. */
  readonly visits: number;
}

export interface CountingPlan extends PlanSummary {
  /** n_i of every pin, or the sum of squared TF-IDF entries of its boards. */
  readonly norms: Float64Array<ArrayBuffer>;
}

/** A board and its distinct pins. */
interface BoardRow {
  readonly boardIndex: number;
  readonly pinIndexes: ArrayLike<number>;
}

const planFile = (folder: string): string => join(folder, 'plan.bin');

/** Parts for so many pins: their lists fit the memory of a task, and a few tasks have something to do. */
const partsFor = (pins: number): number => Math.max(8, Math.ceil(pins / 50_000));

/**
 * Writes saves and plan of a job, in one pass. What tasks wrote for the same key before is kept: they need not do it again.
 *
 * Given    boards  ascending, each with distinct pins; none may appear twice
 * Memory   16 bytes a pin, and one file of saves
 */
export function writeCountingPlan(
  folder: string,
  boards: Iterable<BoardRow>,
  counts: { readonly boards: number; readonly pins: number },
  options: CooccurrenceOptions,
  parts = partsFor(counts.pins),
): CountingPlan {
  const saves = new SavesWriter(folder, counts.pins, options, parts);
  for (const board of boards) saves.add(board);
  saves.finish();
  const bounds = boundsOf(saves.work, parts);
  const { pairs, files, copiesMost, visits, norms } = saves;
  const key = JSON.stringify([options, counts.pins, counts.boards, bounds, saves.digest()]);
  const summary: PlanSummary = { key, options, ...counts, pairs, files, bounds, copiesMost, visits };
  if (keyThere(folder) !== key) for (const step of ['split', 'count']) rmSync(join(folder, step), { recursive: true, force: true });
  replaceFile(planFile(folder), (file) => writeArtifactFile(file, PIECE_FORMAT, { ...summary }, { norms }));
  return { ...summary, norms };
}

/** The plan of a job folder. Throws ARTIFACT_REFUSED when it is missing or damaged. */
export function readCountingPlan(folder: string): CountingPlan {
  const file = new ArtifactFile(planFile(folder), PIECE_FORMAT);
  try {
    return { ...file.about<PlanSummary>(), norms: file.read('norms') as Float64Array<ArrayBuffer> };
  } finally {
    file.close();
  }
}

function keyThere(folder: string): string | null {
  try {
    return readCountingPlan(folder).key;
  } catch {
    return null;
  }
}

/** Sums what the plan needs while the saves go by. Sums of one pin run over boards in ascending order, as in `normsOf`. */
class SavesWriter {
  pairs = 0;
  files = 0;
  copiesMost = 0;
  visits = 0;
  readonly norms: Float64Array<ArrayBuffer>;
  readonly work: Float64Array;
  private readonly hash = newDigest();
  private boardColumn = new Column();
  private pinColumn = new Column();
  private copies = 0;
  private readonly folder: string;
  private readonly pins: number;
  private readonly options: CooccurrenceOptions;
  private readonly parts: number;

  constructor(folder: string, pins: number, options: CooccurrenceOptions, parts: number) {
    this.folder = folder;
    this.pins = pins;
    this.options = options;
    this.parts = parts;
    this.norms = new Float64Array(pins);
    this.work = new Float64Array(pins).fill(1);
    rmSync(join(folder, 'saves'), { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
  }

  add({ boardIndex, pinIndexes }: BoardRow): void {
    const size = pinIndexes.length;
    const entry = this.options.weighting === 'none' ? 1 : squaredEntry(this.options, size, this.pins);
    for (let at = 0; at < size; at++) {
      this.boardColumn.push(boardIndex);
      this.pinColumn.push(pinIndexes[at]);
      this.norms[pinIndexes[at]] += entry;
      this.work[pinIndexes[at]] += size;
    }
    const copies = size * Math.min(size, this.parts);
    this.pairs += size;
    this.visits += size * size;
    this.copiesMost += copies;
    this.copies += copies;
    if (this.boardColumn.length >= PAIRS_PER_FILE || this.copies >= COPIES_PER_FILE) this.finish();
  }

  /** Writes what has come since the last file. */
  finish(): void {
    if (this.boardColumn.length === 0) return;
    const columns = { board: this.boardColumn.view(), pin: this.pinColumn.view() };
    const columnData = Object.entries(columns).map(([name, data]) => {
      this.hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      const numbers = new Int32Array(data.buffer, data.byteOffset, data.length);
      return { name, data: numbers, type: 'INT32' as const, encoding: 'DELTA_BINARY_PACKED' as const };
    });
    const bytes = parquetWriteBuffer({ columnData, codec: 'UNCOMPRESSED', rowGroupSize: this.boardColumn.length });
    replaceFile(pieceFile(this.folder, 'saves', this.files++, 'parquet'), new Uint8Array(bytes));
    this.boardColumn = new Column();
    this.pinColumn = new Column();
    this.copies = 0;
  }

  digest(): string {
    return this.hash.hex();
  }
}

/** Cuts the rows into parts of about equal work. A part may be empty. */
function boundsOf(work: Float64Array, parts: number): number[] {
  const total = work.reduce((sum, value) => sum + value, 0);
  const bounds = [0];
  let done = 0;
  for (let row = 0; row < work.length && bounds.length < parts; row++) {
    done += work[row];
    while (bounds.length < parts && done >= (total * bounds.length) / parts) bounds.push(row + 1);
  }
  while (bounds.length <= parts) bounds.push(work.length);
  return bounds;
}
