import { setImmediate as breathe } from 'node:timers/promises';
import { OrderedWorker } from '../../ordered-worker.ts';
import { workerUrl } from '../../worker-url.ts';
import type { CooccurrenceOptions, NeighborLists } from './board-cooccurrence.ts';
import type { BoardPins } from './board-pins.ts';
import { FastRowCounter } from './fast-row-counter.ts';

interface Block {
  readonly from: number;
  readonly to: number;
}

/** Pairs to visit in one block: about a quarter of a second of one core. */
const BLOCK_WORK = 20_000_000;

/**
 * Rows in blocks of about equal work: the work of a row is the sum of the sizes of its boards.
 * Choice: many small blocks instead of one per thread, so that a stopped build has little to do again.
 */
function* blocksOfWork(table: BoardPins, { from, to }: Block, most = BLOCK_WORK): Iterable<Block> {
  let first = from;
  let work = 0;
  for (let i = from; i < to; i++) {
    for (let at = table.pinStart[i]; at < table.pinStart[i + 1]; at++) {
      const board = table.pinBoards[at];
      work += table.boardStart[board + 1] - table.boardStart[board];
    }
    work++;
    if (work < most && i - first < 65_535) continue;
    yield { from: first, to: i + 1 };
    first = i + 1;
    work = 0;
  }
  if (first < to) yield { from: first, to };
}

/**
 * The lists of some rows (all by default), block by block in order, counted by `threads` worker threads (1: on this one, a breath
 * between blocks). The bits do not depend on the threads. Leaving the loop early ends the workers. `norms`: as FastRowCounter takes them.
 */
export async function* countedInBlocks(
  table: BoardPins,
  options: CooccurrenceOptions,
  threads: number,
  { from = 0, to = table.pins }: Partial<Block> = {},
  norms?: Float64Array<ArrayBuffer>,
): AsyncGenerator<NeighborLists> {
  if (threads <= 1) {
    const counter = new FastRowCounter(table, options, undefined, norms);
    for (const block of blocksOfWork(table, { from, to })) {
      yield counter.rows(block.from, block.to);
      await breathe();
    }
    return;
  }
  const workers = Array.from(
    { length: threads },
    () => new OrderedWorker<Block, NeighborLists>(workerUrl(import.meta.url, './cooccurrence-worker.ts'), { table, options, norms }),
  );
  try {
    yield* dealt(workers, blocksOfWork(table, { from, to }));
  } finally {
    await Promise.all(workers.map((worker) => worker.close()));
  }
}

/** Deals blocks to the workers in turn, one under way and one waiting each, and hands the lists on in order. */
async function* dealt(workers: readonly OrderedWorker<Block, NeighborLists>[], blocks: Iterable<Block>): AsyncGenerator<NeighborLists> {
  const pending: Promise<NeighborLists>[] = [];
  let turn = 0;
  for (const block of blocks) {
    const lists = workers[turn++ % workers.length].ask(block);
    lists.catch(() => {});
    pending.push(lists);
    if (pending.length >= 2 * workers.length) yield await (pending.shift() as Promise<NeighborLists>);
  }
  for (const lists of pending) yield await lists;
}
