/** Decodes slices of a Parquet file on a thread whose memory is bounded and that can be ended: a page may claim anything. */
import { parentPort, workerData } from 'node:worker_threads';
import { type AsyncBuffer, asyncBufferFromFile, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { type DecimalColumns, decimalParser, decimalText, undecoded } from './parquet-decimals.ts';

export interface SliceRequest {
  readonly start: number;
  readonly rows: number;
}

export type SliceReply = { readonly total: number; readonly rows: readonly Record<string, unknown>[] } | { readonly problem: string };

interface Opened {
  readonly file: AsyncBuffer;
  readonly metadata: FileMetaData;
  readonly decimals: DecimalColumns;
}

const { path } = workerData as { readonly path: string };
let opened: Promise<Opened> | null = null;

const PARSERS = {
  ...decimalParser,
  /** A column of JSON is checked as text at the door, row by row. */
  jsonFromBytes: (bytes: Uint8Array) => bytes && new TextDecoder().decode(bytes),
};

async function open(): Promise<Opened> {
  const file = await asyncBufferFromFile(path);
  return { file, ...undecoded(await parquetMetadataAsync(file)) };
}

async function sliceOf({ start, rows }: SliceRequest): Promise<SliceReply> {
  opened ??= open();
  const { file, metadata, decimals } = await opened;
  const total = Number(metadata.num_rows);
  const rowEnd = Math.min(total, start + rows);
  if (!(start < rowEnd)) return { total, rows: [] };
  const read = await parquetReadObjects({ file, metadata, compressors, parsers: PARSERS, rowStart: start, rowEnd });
  for (const row of read) for (const [column, scale] of decimals) row[column] = decimalText(row[column], scale);
  return { total, rows: read };
}

parentPort?.on('message', (request: SliceRequest) => {
  sliceOf(request).then(
    (reply) => parentPort?.postMessage(reply),
    (error: unknown) => parentPort?.postMessage({ problem: error instanceof Error ? error.message : String(error) } satisfies SliceReply),
  );
});
