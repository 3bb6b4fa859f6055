/** Builds list artifacts: rows in blocks into a scratch that survives a stop, then one atomic swap. */
import { rmSync } from 'node:fs';
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
import { type PlanSummary, writeCountingPlan } from './cooccurrence/counting-plan.ts';
import { countedLists } from './cooccurrence/counting-shards.ts';
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

/** What counts the lists of a table: this machine, or many. */
interface Counted {
  readonly key: string;
  readonly pins: number;
  readonly boards: number;
  readonly pairs: number;
  readonly norms: Float64Array<ArrayBuffer>;
  /** The lists from a row on, in order. */
  blocks(from: number): AsyncGenerator<NeighborLists>;
}

function countedHere(store: CatalogStore, options: CooccurrenceOptions, threads: number): Counted {
  const table = boardPinsOfCatalog(store);
  const { pins, boards, pairs } = table;
  const key = JSON.stringify([options, pins, boards, digestOfPairs(table)]);
  return { key, pins, boards, pairs, norms: normsOf(table, options), blocks: (from) => countedInBlocks(table, options, threads, { from }) };
}

/** Has the tasks of a counting plan done by `run`, somewhere, and takes their lists. `folder`: where they and this machine meet. */
function countedBy(store: CatalogStore, options: CooccurrenceOptions, { folder, parts, run }: CountingTasks): Counted {
  const counts = { boards: store.boards.count(), pins: store.pins.count() };
  const plan = writeCountingPlan(folder, store.saves.memberships(), counts, options, parts);
  return {
    ...plan,
    async *blocks(from) {
      await run(plan);
      yield* countedLists(folder, plan, from);
    },
  };
}

export interface CountingTasks {
  readonly folder: string;
  readonly parts?: number;
  run(plan: PlanSummary): Promise<unknown>;
}

/**
 * Counts the co-occurrence lists of the catalogue and makes them current. `choice`: how the options were chosen; `tasks`: who counts,
 * this machine's threads when absent. Throws JOB_STOPPED; the next call resumes.
 */
export async function buildCooccurrence(
  store: CatalogStore,
  options: CooccurrenceOptions,
  setting: BuildSetting,
  choice?: MethodChoice,
  tasks?: CountingTasks,
): Promise<BuildReceipt & { readonly boards: number; readonly pairs: number }> {
  const sequence = store.sequence.current();
  const counted = tasks ? countedBy(store, options, tasks) : countedHere(store, options, setting.threads);
  const { key, pins, boards, pairs, norms } = counted;
  const builtAt = new Date().toISOString();
  const metadata: CooccurrenceMetadata = { options, sequence, pins, boards, pairs, builtAt, ...(choice ? { choice } : {}) };
  const receipt = await build('co-occurrence', COOCCURRENCE_KIND, pins, setting, {
    key,
    blocks: (from) => counted.blocks(from),
    write: (folder, scratch) => writeNeighborLists(folder, { ...metadata }, scratch, { norms }),
  });
  if (tasks) rmSync(tasks.folder, { recursive: true });
  return { ...receipt, boards, pairs };
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
