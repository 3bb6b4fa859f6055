/** Decodes slices of a Parquet file on a thread whose memory is bounded and that can be ended: a page may claim anything. */
import { parentPort, workerData } from 'node:worker_threads';
import { type AsyncBuffer, asyncBufferFromFile, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

export interface SliceRequest {
  readonly start: number;
  readonly rows: number;
}

export type SliceReply = { readonly total: number; readonly rows: readonly Record<string, unknown>[] } | { readonly problem: string };

const { path } = workerData as { readonly path: string };
let opened: Promise<{ file: AsyncBuffer; metadata: FileMetaData }> | null = null;

async function open(): Promise<{ file: AsyncBuffer; metadata: FileMetaData }> {
  const file = await asyncBufferFromFile(path);
  return { file, metadata: await parquetMetadataAsync(file) };
}

async function sliceOf({ start, rows }: SliceRequest): Promise<SliceReply> {
  opened ??= open();
  const { file, metadata } = await opened;
  const total = Number(metadata.num_rows);
  const rowEnd = Math.min(total, start + rows);
  if (!(start < rowEnd)) return { total, rows: [] };
  return { total, rows: await parquetReadObjects({ file, metadata, compressors, rowStart: start, rowEnd }) };
}

parentPort?.on('message', (request: SliceRequest) => {
  sliceOf(request).then(
    (reply) => parentPort?.postMessage(reply),
    (error: unknown) => parentPort?.postMessage({ problem: error instanceof Error ? error.message : String(error) } satisfies SliceReply),
  );
});
