/**
 * Counting dealt to many tasks, second half: what the tasks do. Each reads files of the job folder and writes one; a file that is
 * there for the same plan is left as it is, so tasks may be repeated, on any machine, also two of them at once.
 *
 * `split` N  reads `saves/N.parquet` and writes `split/N.bin`: each board once for every part that owns one of its pins
 * `count` P  reads part P of every file of `split`, and writes `count/P.bin`: the lists of the rows that part P owns
 *
 * No sum crosses a part: a row is counted whole, from all its boards in ascending order, so its list has the bits of one machine.
 */
import type { ArtifactFile } from '../../catalog/artifacts/artifact-file.ts';
import { hasPiece, openPiece, pieceFile, writePiece } from '../../catalog/artifacts/piece-file.ts';
import { parquetColumns } from '../../catalog/readers/parquet-columns.ts';
import { ServiceError } from '../../errors.ts';
import type { NeighborLists } from './board-cooccurrence.ts';
import { type BoardPins, boardPinsOfRows } from './board-pins.ts';
import { countedInBlocks } from './cooccurrence-pool.ts';
import type { CountingPlan, PlanSummary } from './counting-plan.ts';

/** Rows that are handed on together. */
const ROWS_AT_ONCE = 4096;

interface ShardReceipt {
  /** False: it was there. */
  readonly written: boolean;
  /** Pins on boards that were read or written. */
  readonly copies: number;
}

/** Deals one file of saves to the parts. Throws CATALOG_FILE_UNREADABLE, ARTIFACT_REFUSED. */
export async function splitSaves(folder: string, plan: CountingPlan, file: number): Promise<ShardReceipt> {
  const out = pieceFile(folder, 'split', file);
  if (hasPiece(out, plan.key)) return { written: false, copies: 0 };
  const dealt = dealtBoards(await readSaves(pieceFile(folder, 'saves', file, 'parquet'), plan), plan.bounds);
  writePiece(out, plan.key, { ...dealt });
  return { written: true, copies: dealt.pins.length };
}

/** Counts the rows of one part. Throws ARTIFACT_REFUSED for a file that is missing or of another plan, and JOB_STOPPED. */
export async function countPart(folder: string, plan: CountingPlan, part: number, signal?: AbortSignal): Promise<ShardReceipt> {
  const out = pieceFile(folder, 'count', part);
  if (hasPiece(out, plan.key)) return { written: false, copies: 0 };
  const rows = { from: plan.bounds[part], to: plan.bounds[part + 1] };
  const table = tableOfPart(folder, plan, part);
  const lengths = new Uint32Array(rows.to - rows.from);
  const pinIndexes: Int32Array<ArrayBuffer>[] = [];
  const scores: Float32Array<ArrayBuffer>[] = [];
  for await (const block of countedInBlocks(table, plan.options, 1, rows, plan.norms)) {
    if (signal?.aborted) throw new ServiceError('JOB_STOPPED');
    for (let r = 0; r < block.rows; r++) lengths[block.first - rows.from + r] = block.start[r + 1] - block.start[r];
    pinIndexes.push(block.pinIndexes as Int32Array<ArrayBuffer>);
    scores.push(block.scores as Float32Array<ArrayBuffer>);
  }
  const nothing = { pinIndexes: [new Int32Array(0)], scores: [new Float32Array(0)] };
  writePiece(out, plan.key, { lengths, ...(pinIndexes.length > 0 ? { pinIndexes, scores } : nothing) });
  return { written: true, copies: table.pairs };
}

/** The lists that the parts have written, from row `from` on, in order. Throws ARTIFACT_REFUSED. */
export async function* countedLists(folder: string, plan: PlanSummary, from = 0): AsyncGenerator<NeighborLists> {
  for (let part = 0; part + 1 < plan.bounds.length; part++) {
    if (plan.bounds[part + 1] <= from) continue;
    const file = openPiece(pieceFile(folder, 'count', part), plan.key);
    try {
      yield* listsOf(file, plan.bounds[part], from);
    } finally {
      file.close();
    }
  }
}

function* listsOf(file: ArtifactFile, first: number, from: number): Iterable<NeighborLists> {
  const lengths = file.read('lengths') as Uint32Array;
  let entry = 0;
  for (let at = 0; at < lengths.length; at += ROWS_AT_ONCE) {
    const here = lengths.subarray(at, at + ROWS_AT_ONCE);
    const skipped = Math.min(here.length, Math.max(0, from - first - at));
    for (let r = 0; r < skipped; r++) entry += here[r];
    const start = new Uint32Array(here.length - skipped + 1);
    for (let r = skipped; r < here.length; r++) start[r - skipped + 1] = start[r - skipped] + here[r];
    const rows = start.length - 1;
    const pinIndexes = file.read('pinIndexes', entry, start[rows]) as Int32Array;
    const scores = file.read('scores', entry, start[rows]) as Float32Array;
    entry += start[rows];
    if (rows > 0) yield { first: first + at + skipped, rows, start, pinIndexes, scores };
  }
}

interface Saves {
  readonly board: ArrayLike<number>;
  readonly pin: ArrayLike<number>;
}

async function readSaves(path: string, { pins, boards }: PlanSummary): Promise<Saves> {
  const refuse = (reason: string): never => {
    throw new ServiceError('CATALOG_FILE_UNREADABLE', { file: path, format: 'Parquet', reason });
  };
  const columns = (await parquetColumns(path, { utf8: true })) as Record<string, ArrayLike<number>>;
  const { board, pin } = columns;
  if (board === undefined || board.length !== pin?.length) refuse('it has not the columns board and pin');
  for (let at = 0; at < board.length; at++)
    if (!(board[at] < boards && pin[at] < pins && (at === 0 || board[at] >= board[at - 1])))
      refuse(`row ${at} is out of order or of range`);
  return { board, pin };
}

/** Boards by part: part p has boards `boardStart[p] .. boardStart[p + 1]` of `sizes`, and pins `pinStart[p] .. pinStart[p + 1]`. */
interface DealtBoards {
  readonly boardStart: Uint32Array<ArrayBuffer>;
  readonly pinStart: Uint32Array<ArrayBuffer>;
  readonly sizes: Uint32Array<ArrayBuffer>;
  readonly pins: Uint32Array<ArrayBuffer>;
}

function dealtBoards({ board, pin }: Saves, bounds: readonly number[]): DealtBoards {
  const parts = bounds.length - 1;
  const boardStart = new Uint32Array(parts + 1);
  const pinStart = new Uint32Array(parts + 1);
  const partOf = partsOfPins(bounds);
  const each = (take: (part: number, from: number, to: number) => void): void => {
    for (let from = 0, to = 0; from < board.length; from = to) {
      while (to < board.length && board[to] === board[from]) to++;
      const owners = new Set<number>();
      for (let at = from; at < to; at++) owners.add(partOf[pin[at]]);
      for (const part of owners) take(part, from, to);
    }
  };
  each((part, from, to) => {
    boardStart[part + 1]++;
    pinStart[part + 1] += to - from;
  });
  for (let part = 0; part < parts; part++) {
    boardStart[part + 1] += boardStart[part];
    pinStart[part + 1] += pinStart[part];
  }
  const sizes = new Uint32Array(boardStart[parts]);
  const pins = new Uint32Array(pinStart[parts]);
  const next = { board: boardStart.slice(), pin: pinStart.slice() };
  each((part, from, to) => {
    sizes[next.board[part]++] = to - from;
    for (let at = from; at < to; at++) pins[next.pin[part]++] = pin[at];
  });
  return { boardStart, pinStart, sizes, pins };
}

function partsOfPins(bounds: readonly number[]): Uint32Array {
  const partOf = new Uint32Array(bounds[bounds.length - 1]);
  for (let part = 0; part + 1 < bounds.length; part++) partOf.fill(part, bounds[part], bounds[part + 1]);
  return partOf;
}

/** The boards of a part, in ascending order, and which of them hold each of its own rows. */
function tableOfPart(folder: string, plan: CountingPlan, part: number): BoardPins {
  const sizes: Uint32Array[] = [];
  const pins: Uint32Array[] = [];
  for (let number = 0; number < plan.files; number++) {
    const file = openPiece(pieceFile(folder, 'split', number), plan.key);
    try {
      const ranges = (name: string) => (file.read(name, part, 2) as Uint32Array).values();
      const [boardFrom, boardTo] = ranges('boardStart');
      const [pinFrom, pinTo] = ranges('pinStart');
      sizes.push(file.read('sizes', boardFrom, boardTo - boardFrom) as Uint32Array);
      pins.push(file.read('pins', pinFrom, pinTo - pinFrom) as Uint32Array);
    } finally {
      file.close();
    }
  }
  return boardPinsOfRows(sizes, pins, plan.pins, plan.bounds[part], plan.bounds[part + 1]);
}
