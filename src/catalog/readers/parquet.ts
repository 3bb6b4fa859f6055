/**
 * Parquet through hyparquet, a slice of rows at a time, on a thread of its own; `line` is the row's number from 1. Resumes
 * by row. A damaged or malicious page can claim billions of values in a few bytes (found by fuzzing: minutes of one
 * loop), so a slice has a time limit and the thread a limit of memory.
 */
import { Worker } from 'node:worker_threads';
import { workerUrl } from '../../worker-url.ts';
import type { FieldNames } from './field-names.ts';
import type { SliceReply, SliceRequest } from './parquet-worker.ts';
import { type RowReader, unreadable } from './row-reader.ts';

const ROWS_PER_SLICE = 8192;
const SLICE_MS = 60_000;
const MEMORY_MIB = 2048;

/** A reader whose slices may take so long. */
export function parquetReader(sliceMs: number): RowReader {
  return async function* (path, names, from) {
    let line = from.rows;
    const worker = new Worker(workerUrl(import.meta.url, './parquet-worker.ts'), {
      workerData: { path },
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MIB },
    });
    try {
      for (let start = from.rows, total = Number.POSITIVE_INFINITY; start < total;) {
        const slice = await sliceOf(worker, { start, rows: ROWS_PER_SLICE }, sliceMs);
        total = slice.total;
        const first = start;
        start += slice.rows.length;
        if (slice.rows.length === 0) return;
        const rows = slice.rows.map((row, i) => ({ line: first + i + 1, value: recordOf(row, names) }));
        line = start;
        yield { rows, next: { byte: 0, rows: start, line: start } };
      }
    } catch (error) {
      throw unreadable(path, 'Parquet', line + 1, error);
    } finally {
      await worker.terminate();
    }
  };
}

export const readParquet: RowReader = parquetReader(SLICE_MS);

function sliceOf(worker: Worker, request: SliceRequest, limitMs: number): Promise<Exclude<SliceReply, { problem: string }>> {
  return new Promise((done, failed) => {
    const late = setTimeout(
      () => failed(new Error(`${request.rows} rows take longer than ${limitMs} ms: it is damaged, or made to take for ever`)),
      limitMs,
    );
    const ended = (): void => {
      clearTimeout(late);
      worker.removeAllListeners();
    };
    worker.once('message', (reply: SliceReply) => {
      ended();
      if ('problem' in reply) failed(new Error(reply.problem));
      else done(reply);
    });
    worker.once('error', (error) => {
      ended();
      failed(error);
    });
    worker.postMessage(request);
  });
}

/** A null is an absent field. Big numbers and times become what JSON could hold: a time the text of it. */
function recordOf(row: Readonly<Record<string, unknown>>, names: FieldNames): unknown {
  const record: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(row)) {
    if (value === null) continue;
    if (value instanceof Date) record[name] = Number.isNaN(value.getTime()) ? 'no time' : value.toISOString();
    else record[name] = typeof value === 'bigint' ? numberOrText(value) : value;
  }
  return names.renamed(record);
}

/** Exact: beyond 2^53 as text. */
function numberOrText(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}
