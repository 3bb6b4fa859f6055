/** Counts blocks of rows on a thread of its own; the tables are shared memory, only lists travel. */
import { parentPort, workerData } from 'node:worker_threads';
import type { CooccurrenceOptions } from './board-cooccurrence.ts';
import type { BoardPins } from './board-pins.ts';
import { FastRowCounter } from './fast-row-counter.ts';

const { table, options, norms } = workerData as { table: BoardPins; options: CooccurrenceOptions; norms?: Float64Array<ArrayBuffer> };
const counter = new FastRowCounter(table, options, undefined, norms);

parentPort?.on('message', ({ from, to }: { from: number; to: number }) => {
  const lists = counter.rows(from, to);
  parentPort?.postMessage(lists, [lists.start.buffer, lists.pinIndexes.buffer, lists.scores.buffer] as ArrayBuffer[]);
});
