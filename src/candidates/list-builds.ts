/** Builds list artifacts: rows in blocks into a scratch that survives a stop, then one atomic swap. */
import type { ArtifactFolder } from '../catalog/artifacts/artifact-folder.ts';
import type { CatalogStore } from '../catalog/pins/catalog-store.ts';
import { newDigest } from '../catalog/artifacts/digest.ts';
import { ServiceError } from '../errors.ts';
import type { CodeTable } from '../features/visual-features.ts';
import type { Progress } from '../progress.ts';
import { type CooccurrenceOptions, normsOf, type NeighborLists } from './cooccurrence/board-cooccurrence.ts';
import { type BoardPins, boardPinsOf } from './cooccurrence/board-pins.ts';
import type { MethodChoice } from './cooccurrence/choose-method.ts';
import { countedInBlocks } from './cooccurrence/cooccurrence-pool.ts';
import { COOCCURRENCE_KIND, type CooccurrenceMetadata } from './cooccurrence/cooccurrence-store.ts';
import { ExactIndex } from './visual/exact-index.ts';
import { ExactIndexPool } from './visual/exact-index-pool.ts';
import { Column } from './cooccurrence/interactions.ts';
import { ListScratch } from './list-scratch.ts';
import { neighborListFolder, writeNeighborLists } from './neighbor-list-file.ts';
import { besidesVisualLists, type VisualMetadata, visualKindOf, visualListsInBlocks } from './visual/visual-neighbors.ts';

/** What every build is given. */
export interface BuildSetting {
  /** The data folder's `artifacts`. */
  readonly artifacts: string;
  readonly threads: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** What a build says at its end. */
export interface BuildReceipt {
  readonly version: string;
  readonly pins: number;
  /** Pins with at least one neighbour, and entries over all lists. */
  readonly listed: number;
  readonly entries: number;
  /** Rows taken over from a build that was stopped. */
  readonly resumedRows: number;
  readonly seconds: number;
}

/** All memberships of the catalogue as the two tables that counting reads. */
export function boardPinsOfCatalog(store: CatalogStore): BoardPins {
  const boards = new Column();
  const pins = new Column();
  for (const { boardIndex, pinIndexes } of store.saves.memberships()) {
    for (const pinIndex of pinIndexes) {
      boards.push(boardIndex);
      pins.push(pinIndex);
    }
  }
  return boardPinsOf(boards.view(), pins.view(), store.boards.count(), store.pins.count());
}

/** Counts the co-occurrence lists of the catalogue and makes them current; `choice`: how the options were chosen. Throws JOB_STOPPED; the next call resumes. */
export async function buildCooccurrence(
  store: CatalogStore,
  options: CooccurrenceOptions,
  setting: BuildSetting,
  choice?: MethodChoice,
): Promise<BuildReceipt & { readonly boards: number; readonly pairs: number }> {
  const sequence = store.sequence.current();
  const table = boardPinsOfCatalog(store);
  const metadata: CooccurrenceMetadata = {
    options,
    sequence,
    pins: table.pins,
    boards: table.boards,
    pairs: table.pairs,
    builtAt: new Date().toISOString(),
    ...(choice ? { choice } : {}),
  };
  const receipt = await build('co-occurrence', COOCCURRENCE_KIND, table.pins, setting, {
    key: JSON.stringify([options, table.pins, table.boards, digestOfPairs(table)]),
    blocks: (from) => countedInBlocks(table, options, setting.threads, from),
    write: (folder, scratch) => writeNeighborLists(folder, { ...metadata }, scratch, { norms: normsOf(table, options) }),
  });
  return { ...receipt, boards: table.boards, pairs: table.pairs };
}

/** Compares every code with every other and makes the visual lists current. Throws JOB_STOPPED; the next call resumes. */
export async function buildVisualNeighbors(
  table: CodeTable,
  pins: number,
  netDigest: string,
  neighbors: number,
  setting: BuildSetting,
): Promise<BuildReceipt> {
  const rows = Math.min(pins, table.capacity);
  const metadata: VisualMetadata = { netDigest, bits: table.bits, neighbors, pins: rows, builtAt: new Date().toISOString() };
  const pool = setting.threads > 1 ? new ExactIndexPool(table, Math.min(7, setting.threads)) : null;
  try {
    return await build('visual neighbours', visualKindOf(netDigest), rows, setting, {
      key: JSON.stringify([netDigest, neighbors, rows, digestOfCodes(table, rows)]),
      blocks: (from) => visualListsInBlocks(table, pool ?? new ExactIndex(table), neighbors, rows, from),
      write: (folder, scratch) => writeNeighborLists(folder, { ...metadata }, scratch, besidesVisualLists(table, rows)),
    });
  } finally {
    await pool?.close();
  }
}

interface Recipe {
  /** Everything the lists depend on. */
  readonly key: string;
  blocks(from: number): AsyncGenerator<NeighborLists>;
  write(folder: ArtifactFolder, scratch: ListScratch): string;
}

async function build(step: string, kind: string, pins: number, setting: BuildSetting, recipe: Recipe): Promise<BuildReceipt> {
  const startedAt = performance.now();
  const folder = neighborListFolder(setting.artifacts, kind);
  const scratch = new ListScratch(folder.folder, recipe.key);
  const resumedRows = scratch.rows;
  setting.progress.start(step, pins);
  try {
    for await (const block of scratch.rows < pins ? recipe.blocks(scratch.rows) : []) {
      scratch.append(block);
      setting.progress.update(scratch.rows);
      if (setting.signal.aborted) throw new ServiceError('JOB_STOPPED');
    }
    setting.progress.stop();
    const listed = countListed(scratch);
    const { entries } = scratch;
    const version = recipe.write(folder, scratch);
    scratch.discard();
    return { version, pins, listed, entries, resumedRows, seconds: Math.round(performance.now() - startedAt) / 1000 };
  } catch (error) {
    scratch.close();
    throw error;
  }
}

function countListed(scratch: ListScratch): number {
  let listed = 0;
  for (const piece of scratch.lengths()) for (const length of piece) if (length > 0) listed++;
  return listed;
}

function digestOfPairs(table: BoardPins): string {
  const digest = newDigest();
  for (const column of [table.boardStart, table.boardPins]) digest.update(bytesOf(column));
  return digest.hex();
}

function digestOfCodes(table: CodeTable, rows: number): string {
  const digest = newDigest();
  digest.update(bytesOf(table.codes.subarray(0, rows * table.words)));
  digest.update(table.has.subarray(0, rows));
  return digest.hex();
}

function bytesOf(column: Uint32Array): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
}
