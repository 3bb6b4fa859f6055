/** Which reader a file needs: by its ending, and where that says nothing by how it begins. */
import { headOf, packingOf, previewOf } from './decoded-bytes.ts';
import { readCsv } from './csv.ts';
import { readJson } from './json-lines.ts';
import { readParquet } from './parquet.ts';
import { type RowReader, unreadable } from './row-reader.ts';

/** `.csv.gz` is CSV; a file without a known ending is JSON when it begins with a bracket, else CSV. */
export async function readerOf(file: string): Promise<RowReader> {
  const name = file.replace(/\.(gz|gzip|zst|zstd)$/i, '');
  const head = headOf(file);
  if (head.subarray(0, 4).toString('latin1') === 'PAR1' || /\.parquet$/i.test(name)) {
    if (packingOf(head) !== null)
      throw unreadable(file, 'Parquet', 0, new Error('it is packed once more; unpack it first, Parquet is read from its end'));
    return readParquet;
  }
  if (/\.(csv|tsv)$/i.test(name)) return readCsv;
  if (/\.(jsonl|ndjson|json)$/i.test(name)) return readJson;
  const preview = await previewOf(file).catch((error: unknown) => {
    throw unreadable(file, 'text', 0, error);
  });
  return /^\s*[[{]/.test(preview.toString('latin1')) || preview.length === 0 ? readJson : readCsv;
}
